"""Fallback chains: several engines of one stage behind its port. Who fails before its first output is
replaced by the next one in the same turn.

    link.py     one engine, its breaker, and what is logged of it
    stt.py  llm.py  tts.py    the chains; a chain of one is a chain too

A failure after the first output is the turn's: half an answer by one voice and half by another, or said
twice, is worse than an apology. What the vendor's safety rules blocked is not asked of the next one.
"""

from .link import Link
from .llm import LlmChain
from .stt import SttChain
from .tts import TtsChain

__all__ = ["Link", "LlmChain", "SttChain", "TtsChain"]
