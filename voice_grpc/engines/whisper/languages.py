"""Whisper's languages: their codes, their English names, and the BCP 47 tags and ISO 639-1 codes that stand
for them; which of them may be spoken, and which was heard.
"""

from collections.abc import Sequence, Set

from ...core.errors import EngineError
from ...core.languages import primary

_NAMES = """
af afrikaans, am amharic, ar arabic, as assamese, az azerbaijani, ba bashkir, be belarusian, bg bulgarian,
bn bengali, bo tibetan, br breton, bs bosnian, ca catalan, ca valencian, cs czech, cy welsh, da danish,
de german, el greek, en english, es spanish, es castilian, et estonian, eu basque, fa persian, fi finnish,
fo faroese, fr french, gl galician, gu gujarati, ha hausa, haw hawaiian, he hebrew, hi hindi, hr croatian,
ht haitian creole, ht haitian, hu hungarian, hy armenian, id indonesian, is icelandic, it italian,
ja japanese, jw javanese, ka georgian, kk kazakh, km khmer, kn kannada, ko korean, la latin, lb luxembourgish,
lb letzeburgesch, ln lingala, lo lao, lt lithuanian, lv latvian, mg malagasy, mi maori, mk macedonian,
ml malayalam, mn mongolian, mr marathi, ms malay, mt maltese, my myanmar, my burmese, ne nepali, nl dutch,
nl flemish, nn nynorsk, no norwegian, oc occitan, pa punjabi, pa panjabi, pl polish, ps pashto, ps pushto,
pt portuguese, ro romanian, ro moldavian, ro moldovan, ru russian, sa sanskrit, sd sindhi, si sinhala,
si sinhalese, sk slovak, sl slovenian, sn shona, so somali, sq albanian, sr serbian, su sundanese, sv swedish,
sw swahili, ta tamil, te telugu, tg tajik, th thai, tk turkmen, tl tagalog, tr turkish, tt tatar,
uk ukrainian, ur urdu, uz uzbek, vi vietnamese, yi yiddish, yo yoruba, yue cantonese, zh chinese, zh mandarin
"""
"""Whisper's codes with their names, of each code the usual one first (openai/whisper `tokenizer.py`)."""

_NAMED = [each.strip().split(" ", 1) for each in _NAMES.split(",")]

NAMES = {code: name for code, name in reversed(_NAMED)}
"""The usual English name by Whisper's code: what servers call a language (OpenAI, whisper.cpp)."""

CODES = {name: code for code, name in _NAMED}
"""Whisper's code by any English name."""

LANGUAGES = frozenset(NAMES) - {"yue"}
"""The codes of every multilingual model: what one is taken to understand that does not say. Cantonese came
with the largest (large-v3)."""

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
    subtags = [primary(tag) for tag in tags]
    codes = [code for code in (_ISO_TO_WHISPER.get(tag, tag) for tag in subtags) if code in known]
    if tags and not codes:
        only = "; it knows English only: use WHISPER_MODEL=base" if len(known) == 1 else ""
        unknown = f"this Whisper model does not understand {', '.join(tags)}{only}"
        raise EngineError("stt", unknown, retryable=False)
    return tuple(dict.fromkeys(codes)) or (tuple(known) if len(known) == 1 else ())


def likeliest(detected: Sequence[tuple[str, float]], among: Sequence[str]) -> tuple[str, float]:
    """The best of `among` (empty: of all), with its probability if only these could be spoken.

    `detected` holds tokens such as `<|en|>` with their probabilities, best first.
    """
    named = [(token[2:-2], probability) for token, probability in detected]
    possible = [(code, p) for code, p in named if not among or code in among] or named
    code, p = possible[0]
    return code, p / max(sum(q for _, q in possible), 1e-9)


def told_language(told: object) -> str:
    """ISO 639-1 of what a server says, a name, a code or a tag; empty for what is none."""
    if not isinstance(told, str):
        return ""
    name = told.strip().lower()
    code = CODES.get(name) or primary(name)
    return iso_code(code) if code in NAMES or (len(code) == 2 and code.isalpha()) else ""


def known_to(model: str) -> frozenset[str]:
    """Whisper's codes; a model named `….en` knows English alone."""
    return frozenset({"en"}) if model.endswith(".en") else LANGUAGES


def iso_codes(known: Set[str]) -> frozenset[str]:
    """ISO 639-1 of Whisper's codes."""
    return frozenset(map(iso_code, known))
