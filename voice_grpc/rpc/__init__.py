"""The gRPC methods: who may call them, what they do, and how an end is told."""
