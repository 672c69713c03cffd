"""A person at a terminal: `talk`, `demo` and `up`.

Imports of voice_grpc nothing but `client`, `net` and `pb`.
"""
