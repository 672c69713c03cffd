"""Fallback chains: several engines of one stage behind its port. Who fails before its first output is
replaced by the next one in the same turn.

    chain.py            what all chains share: a member, an attempt and its verdict, who is asked when
    succession.py       who is asked next, and who once more: a failure that passes is waited out
    circuit_breaker.py  when an engine that keeps failing is left out, and when it is tried again
    stt.py  llm.py      the chains of recognisers and of language models
    tts.py              the chain of voices; what one was given to say is kept for the next

- A failure after the first output is the turn's: half an answer by one model and half by another is
  worse than an apology. A voice may be replaced between two clauses, where nobody hears the seam but
  the change of voice itself.
- What the vendor's safety rules blocked is not asked of the next one: the operator chose the vendor with
  its rules, and a fallback is no way around them. The vendor works, so nothing is counted against it.
- What is wrong with one request (`retryable` is false, and the key, the model and the connection are not
  to blame) goes to the next engine, and is not counted: no caller can take an engine from the others.
- A chain of one is a chain too: it is asked whatever its breaker says.
"""

from .chain import Member
from .llm import LlmChain
from .stt import SttChain
from .tts import TtsChain

__all__ = ["Member", "LlmChain", "SttChain", "TtsChain"]
