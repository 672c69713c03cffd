"""The composition root: engines chosen and warmed, the service put together, started and drained."""
