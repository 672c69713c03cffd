"""What a voice should be given: words and the punctuation that carries melody, nothing else.

What lives here: the order in which a text becomes words. What must not: how one kind of text is known
(`formatting.py`, `addresses.py`, `identifiers.py`, `money.py`, `dates.py`, `measures.py`, `signs.py`),
how a language calls it (`languages/`), where a clause ends (`segmentation.py`).

The order matters: an address is none of the numbers in it, a telephone number is no range, and a price
no plain number. What has been said is out of reach of the rules behind it (`reading.py`), so each rule
needs to know only its own kind. Everything that is looked up is loaded when this module is imported.
"""

import re
from dataclasses import dataclass

from . import addresses, identifiers, signs
from .dates import Dates
from .formatting import Kept, is_foreign, tidy, unformatted, without_foreign
from .languages import Language, find, region_of
from .languages.registry import LANGUAGES
from .measures import Measures
from .money import Money
from .reading import Reading

_ROUNDS = 6
"""What one round takes off may uncover more, such as a list inside a quote; deeper is not meant for us."""

_BARE_POINT = re.compile(r"(?<![\w.,)])\.(?=\d)")
"""The point of .5, which thus no pattern for numbers has to know."""

_MONTH_FIRST = ("US", "PH", "CA")
"""Regions that write the month first; in English without a region it is so too."""

_BARE = Kept("", gone="*`~\\^_#[]{}<>|=@&%")
_SIGNED = Kept("+°%&$€£¥₹/±×÷−*^=<>≤≥≠≈√²³½¼¾→@#", gone="`~\\_[]{}|")
"""For languages without a module: their voices read signs their own way, or not at all."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """Everything that one language does with numbers."""

    language: Language
    money: Money
    dates: Dates
    measures: Measures

    @classmethod
    def of(cls, language: Language) -> "_Rules":
        identifiers.load(language)
        return cls(language, Money(language), Dates(language), Measures(language))

    def say(self, text: str, tag: str) -> str:
        region = region_of(tag)
        text = text if self.language.is_comma_decimal else _BARE_POINT.sub("0.", text)
        is_day_first = self.language.code != "en" or bool(region and region not in _MONTH_FIRST)
        reading = Reading(text, region or self.language.region, is_day_first=is_day_first)
        addresses.read(reading, self.language)
        if self.language.is_comma_decimal:
            self._own(reading)
        self.dates.read(reading)
        identifiers.read(reading, self.language)
        self.money.read(reading)
        if not self.language.is_comma_decimal:
            self._own(reading)
        self.measures.read(reading)
        signs.read(reading, self.language)
        return reading.words().translate(_BARE)

    def _own(self, reading: Reading) -> None:
        for pattern, words in self.language.rules:
            reading.say(pattern, words)


_RULES = {code: _Rules.of(language) for code, language in LANGUAGES.items()}


def speakable(text: str, language: str = "en") -> str:
    """`text` as a voice should read it, on one line; empty when there is nothing to say.

    `language` is BCP 47; its region decides whose telephone numbers and which order of dates are meant.
    Signs, units, times, amounts and codes are written out where the language has a module. In others
    they stay as they are, for voices that read them their own way. Doing it twice changes nothing.
    """
    for _ in range(_ROUNDS):
        before, text = text, _once(text, language)
        if text == before:
            break
    return text


def _once(text: str, tag: str) -> str:
    language = find(tag)
    text = unformatted(text)
    if language is None:
        return tidy(addresses.shortened(text).translate(_SIGNED).replace("&", " & "))
    if is_foreign(text):
        return tidy(addresses.shortened(text).translate(_BARE))
    return tidy(_RULES[language.code].say(without_foreign(text), tag))


def _warm() -> None:
    """Say one sentence in each language, so that what is looked up at the first use is there."""
    for code in _RULES:
        speakable("It is 1.5 km, $5.50 & 20 °C on 2026-11-28 at 10:30; +15550100199 <b>½</b>.", code)


_warm()
