"""How this package came to be installed: what of an extra is missing, the command that brings it, and how its
own command is called.

An advice is worth something only if it can be pasted: in a clone the extra is one of the folder, of a package
that came from an archive or a repository it is one of that URL, else the package index has it. And `pip` has
to be the one of this Python, which an environment that is not activated does not put on PATH.
"""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from shlex import quote
from shutil import which
from urllib.parse import unquote, urlsplit

NAME = "voice-grpc"

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*;\s*extra\s*==\s*[\"'](?P<extra>[\w-]+)[\"']\s*")
"""One of an extra and of nothing else (PEP 508): what depends on the platform too may be missing."""


def lacking(extra: str) -> list[str]:
    """The names of the packages of `extra` that are not installed, in their order; empty where this package
    is not installed itself."""
    own = _own()
    found = [_REQUIREMENT.fullmatch(line) for line in (own.requires or [] if own else [])]
    names = [match["name"] for match in found if match and match["extra"] == extra]
    return [name for name in names if _distribution(name) is None]


def advice(*extras: str) -> str:
    """The command that installs `extras`, to be pasted into a shell in the working directory."""
    return f"{_pip()} install {quote(_subject(','.join(extras)))}"


def program() -> str:
    """What this package's command is to be called as in the working directory."""
    own = Path(sys.executable).parent / NAME
    found = which(NAME)
    if found is not None and Path(found).parent == own.parent:
        return NAME
    here = _here()
    if here is not None and here != Path("/") and own.is_relative_to(here):
        return quote(str(own.relative_to(here)))
    return quote(str(own))


def _subject(extras: str) -> str:
    """What pip is to install."""
    folder, url = _origin()
    wanted = f"[{extras}]" if extras else ""
    if folder is not None:
        return f"{'.' if folder == _here() else folder}{wanted}"
    return f"{NAME}{wanted} @ {url}" if url else f"{NAME}{wanted}"


def _origin() -> tuple[Path | None, str]:
    """The folder that it was installed from, where it is still there, or the URL; empty: the package index.

    An installer writes it down (PEP 610). Where none did, the folder that it is imported from may be a clone.
    """
    own = _own()
    try:
        told = json.loads((own.read_text("direct_url.json") if own else None) or "{}")
        url = str(told.get("url", ""))
    except (ValueError, AttributeError):
        told, url = {}, ""
    if url and "dir_info" not in told:
        vcs = told.get("vcs_info", {})
        return None, f"{vcs['vcs']}+{url}" if "vcs" in vcs else url
    folder = Path(unquote(urlsplit(url).path)) if url else Path(__file__).parents[2]
    return (folder if (folder / "pyproject.toml").is_file() else None), ""


def _pip() -> str:
    """`pip` where that is the one of this Python, as in an environment that is activated."""
    found = which("pip")
    if found is not None and Path(found).parent == Path(sys.executable).parent:
        return "pip"
    return f"{quote(sys.executable)} -m pip"


def _here() -> Path | None:
    """The working directory; None where it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _own() -> Distribution | None:
    return _distribution(NAME)


def _distribution(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
