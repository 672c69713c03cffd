"""Whether what the settings name is there and can be used, found out without serving anybody.

result.py        what came of one look
certificates.py  the certificate that the server shows
access.py        who is let in: the file of tokens, and the keys of JWTs
store.py         where conversations are kept
recordings.py    where recordings go
engines.py       which engines cannot be made, and why
collector.py     where traces and metrics go
config.py        all of it at once: `voice-grpc serve --check-config`

`voice-grpc doctor` has them too, and gives each engine a real small call.
"""
