"""What the operator sets: environment, `.env`, flags and personas, and which of it is secret.

server.py        `Settings` of `voice-grpc serve`; those of the engines come from engines.py
engines.py       which engines there are, and what each needs
collector.py     the OTEL_ variables that say where traces and metrics go
command_line.py  the flags of `serve` and their help (`process/command_line.py` reads them)
environment.py   variables that vendors' SDKs read by themselves
personas.py      who the server can be, from a TOML file; personas.toml is what comes with the package
redaction.py     what of it is secret, taken out of everything that is said
"""

from .server import Settings

__all__ = ["Settings"]
