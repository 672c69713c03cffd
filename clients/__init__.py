"""A person at a terminal. Of ours it imports `voice_grpc.client` and `voice_grpc.pb` only."""
