"""What a language is to the rules: its words, and how it writes numbers. A module a language fills it in.

What lives here: the interface, and what the Unicode CLDR (by way of `babel`) knows for all of them:
units, currencies and months. What must not: what one language does alone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from babel import Locale
from babel.numbers import get_currency_name
from babel.units import format_unit

from ..reading import Say
from .unit_names import NAMES

_BEFORE = 12
"""Characters before a range in which a word for `between` is looked for."""

WORDS = (
    *("to", "minus", "plus", "point", "dot", "at", "underscore", "dash", "hashtag", "number", "percent"),
    *("per", "of", "over", "times", "divided by", "equals", "and", "about", "power", "squared", "cubed"),
    *("root", "cube root", "sharp", "less", "greater", "at most", "at least", "unequal", "infinity"),
    *("plus or minus", "version", "degrees", "per thousand", "cents between", "factorial", "section"),
    *("identical", "element", "so", "up", "down", "proportional", "paragraph"),
)
"""What every language has a word for."""


@dataclass(frozen=True)
class Language:
    code: str
    """ISO 639."""
    region: str
    """ISO 3166: whose telephone numbers are meant when the tag says nothing."""
    words: Mapping[str, str]
    """One for each of `WORDS`."""
    digits: tuple[str, ...]
    """Zero to nine."""
    scales: Mapping[str, tuple[str, str]]
    """`bn` → one billion, many billions; as they are written behind an amount of money."""
    fraction: Callable[[int, int], str | None]
    """In words, such as three quarters; None where it is no usual one."""
    year: Callable[[int], str]
    date: Callable[[int | None, int, int | None], str]
    """Day, month and year in words; what is None was not written."""
    clock: Callable[[int, int, str], str]
    """Hour, minute, and `a` or `p` or nothing."""
    is_comma_decimal: bool = True
    is_name_last: bool = False
    """Whether the everyday name of a currency is its last word: Australian dollar, Schweizer Franken."""
    letters: Mapping[str, str] = field(default_factory=dict)
    """Greek letters that stand alone, and signs of logic and sets."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Spellings of its own: `Std` → `duration-hour`; as `measures.py` has those that all share."""
    times: Mapping[str, str] = field(default_factory=dict)
    """After a slash behind an amount: `hr` → an hour."""
    between: str = "between"
    """Words before a range whose ends are joined by `and` and not by `to`; a pattern."""
    on: str = ""
    """Words before a day and a month in digits that are no fraction; a pattern. Empty: none are known."""
    months: Mapping[str, int] = field(default_factory=dict)
    """As they are written, short ones without their full stop."""
    rules: tuple[tuple[re.Pattern[str], str | Say], ...] = ()
    """Abbreviations, ordinals and what else it does alone, after numbers and before signs."""
    extensions: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, word: str) -> str:
        return self.words[word]

    @cached_property
    def locale(self) -> Locale:
        return Locale(self.code)

    @cached_property
    def number(self) -> str:
        """A pattern, bounded and without groups, for an amount as it is written."""
        point, group = (",", r"[. \u00a0\u202f]") if self.is_comma_decimal else (r"\.", ",")
        return rf"(?:\d{{1,3}}(?:{group}\d{{3}}){{1,5}}(?!\d)|\d{{1,15}})(?:{point}\d{{1,8}})?"

    def value(self, number: str) -> Decimal:
        """What a match of `number` amounts to."""
        plain = re.sub(r"[. \u00a0\u202f]", "", number) if self.is_comma_decimal else number.replace(",", "")
        return Decimal(plain.replace(",", "."))

    def is_one(self, number: str) -> bool:
        """Whether what is counted stands in the singular."""
        return bool(self.locale.plural_form(self.value(number)) == "one")

    def until(self, match: re.Match[str]) -> str:
        """The word between the two ends of a range, which `match` is."""
        before = match.string[max(0, match.start() - _BEFORE) : match.start()]
        is_between = re.search(rf"(?<!\w)(?:{self.between})\s$", before, re.IGNORECASE)
        return self["and"] if is_between else self["to"]

    def unit(self, identifier: str) -> tuple[str, str]:
        """One and many of a unit, such as `length-kilometer`, of the CLDR or of `unit_names`. Raises
        `KeyError`."""
        if identifier in NAMES:
            return NAMES[identifier][self.code]
        if identifier not in _unit_names(self):
            raise KeyError(identifier)
        return _unit_names(self)[identifier]

    def currency(self, code: str) -> tuple[str, str]:
        """One and many of a currency of ISO 4217: US dollar, US dollars."""
        one, many = (str(get_currency_name(code, count, self.locale)) for count in (1, 2))
        return one, many

    def everyday(self, code: str) -> tuple[str, str]:
        """One and many as its sign is read: dollar, dollars."""
        at = -1 if self.is_name_last else 0
        one, many = (re.split(r"[ -]", name)[at] for name in self.currency(code))
        return one, many

    def spelled(self, digits: str) -> str:
        """Digit by digit."""
        return " ".join(self.digits[int(digit)] for digit in digits)


_UNIT_NAMES: dict[str, dict[str, tuple[str, str]]] = {}


def _unit_names(language: Language) -> dict[str, tuple[str, str]]:
    return _UNIT_NAMES.setdefault(language.code, {})


def load_units(language: Language, identifiers: frozenset[str]) -> None:
    """Look their names up once, so that no sentence waits for it."""
    names = _unit_names(language)
    for identifier in identifiers:
        one, many = (str(format_unit(count, identifier, "long", locale=language.locale)) for count in (1, 2))
        names[identifier] = (one.replace("1", "").strip(), many.replace("2", "").strip())
