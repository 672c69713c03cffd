"""`voice-grpc doctor`: whether every configured engine is well."""
