"""Google Cloud Text-to-Speech, over gRPC."""
