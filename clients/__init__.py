"""A person at a terminal. Of ours it imports `voice_grpc.client` and `voice_grpc.pb` only."""

import os

# Read by gRPC when it is first imported: its own log lines have no place in a conversation.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
