"""BCP 47 tags, ISO 639-1 and the codes that Whisper uses: mostly the same, and chosen among here."""

from collections.abc import Sequence, Set

from ..core.errors import EngineError

_ISO_TO_WHISPER = {"jv": "jw", "nb": "no", "iw": "he", "in": "id", "fil": "tl", "cmn": "zh"}
_WHISPER_TO_ISO = {"jw": "jv"}

SURE = 0.7
"""Probability from which a language heard in a short window is believed; below, the full one is asked.

Of 16 sentences by espeak-ng in 9 languages a short window named 5 rightly, the full one 8."""


def iso_code(code: str) -> str:
    """ISO 639-1 of Whisper's own code."""
    return _WHISPER_TO_ISO.get(code, code)


def whisper_codes(tags: Sequence[str], known: Set[str]) -> tuple[str, ...]:
    """The codes of BCP 47 tags in their order; those that are not `known` are left out.

    Empty for no tags where several are known: any may be spoken. Raises `EngineError` when there
    are tags and the model knows none of them.
    """
    primary = [tag.replace("_", "-").partition("-")[0].lower() for tag in tags]
    codes = [code for code in (_ISO_TO_WHISPER.get(tag, tag) for tag in primary) if code in known]
    if tags and not codes:
        only = "; it knows English only: use WHISPER_MODEL=base" if len(known) == 1 else ""
        unknown = f"this Whisper model does not understand {', '.join(tags)}{only}"
        raise EngineError("stt", unknown, retryable=False)
    return tuple(dict.fromkeys(codes)) or (tuple(known) if len(known) == 1 else ())


def likeliest(heard: Sequence[tuple[str, float]], among: Sequence[str]) -> tuple[str, float]:
    """The best of `among` (empty: of all), with its probability if only these could be spoken.

    `heard` holds tokens such as `<|en|>` with their probabilities, best first.
    """
    named = [(token[2:-2], probability) for token, probability in heard]
    possible = [(code, p) for code, p in named if not among or code in among] or named
    code, p = possible[0]
    return code, p / max(sum(q for _, q in possible), 1e-9)
