"""Generated from protos/voice/v1/voice.proto by `make generate`; never edited."""
