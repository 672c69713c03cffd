"""Computes: one vendor a file, the stage first in its name.

Each engine implements one protocol of `ports`, owns the threads that it computes in, imports its
vendor's package only when it is warmed, and turns every foreign error into an `EngineError`.
"""
