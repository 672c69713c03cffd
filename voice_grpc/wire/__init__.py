"""Protobuf messages ⇄ core, both ways. Pure."""
