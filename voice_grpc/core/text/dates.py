"""Dates, times of day and durations in digits, as each language says them.

What lives here: knowing them. What must not: the order of the words, which a language's module gives
(`date`, `clock`, `year`), and its own ways, such as decades or Uhr, which are among its `rules`.
"""

import re

from .languages import Language
from .reading import DIGITS, Reading

_ISO = re.compile(
    r"(?<![\w./-])(\d{4})([-/.])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])(?:(T)(?=\d\d:)|(?!\d|[-/.]\d))"
)
_NUMERIC = re.compile(r"(?<![\w./:-])(?<![\d] )(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\w]|[-/.]\d)")
_COLONS = r"(?<![\w:.,/])(?<!\d )(\d{1,2})"
_CLOCK = re.compile(
    rf"{_COLONS}:([0-5]\d)(?![:\d])(?:\s?([aApP])\.?\s?[mM](?:\.|(?!\w)))?"
    r"(?:\s?[-–—]\s?(\d{1,2}):([0-5]\d)(?![:\d])(?:\s?([aApP])\.?\s?[mM](?:\.|(?!\w)))?)?"
)
_COUNTED = re.compile(
    rf"{_COLONS}:([0-5]\d):([0-5]\d)(?:[.,]\d{{1,6}})?(?:Z(?!\w))?(?![:\d])(?:\s?([aApP])\.?[mM](?:\.|(?!\w)))?"
)
_HOURS = re.compile(
    r"(?<![\w.,:])(\d{1,3})\s?h\s?(\d{1,2})\s?(?:m|min|mins)?(?!\w)(?:\s?(\d{1,2})\s?s(?:ec)?(?!\w))?"
)
_MINUTES = re.compile(r"(?<![\w.,:])(\d{1,3})\s?m(?:in)?\s?(\d{1,2})\s?s(?:ec)?(?!\w)")

_ON = ("on", "due", "dated")
"""What no fraction stands behind."""
_OF_AN_INCH = ("16", "32")
_A_NAME = "9/11"
"""Said as the two numbers by all."""


class Dates:
    """The patterns for dates in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        names = "|".join(sorted(map(re.escape, language.months), key=len, reverse=True))
        month = rf"({names})(?!\w)\.?"
        year = r"(?:,?\s(?:de\s|del\s)?(\d{4})(?![\w,.]*\d)(?!\w))?"
        ending = r"(?:st|nd|rd|th|er|\.|º|°)?"
        of = r"\s(?:of\s|de\s)?"
        self._month_first = re.compile(
            rf"(?<!\w){month}\s(\d{{1,2}})(?:st|nd|rd|th)?(?![\w:%/]|[.,-]\d){year}"
        )
        self._day_first = re.compile(
            rf"(?<![\w.,:/])(?<!\d )(?:[Tt]he\s)?(\d{{1,2}}){ending}{of}{month}{year}"
        )
        self._month_year = re.compile(rf"(?<!\w){month},?\s(?:de\s|del\s)?(\d{{4}})(?![\w,.]*\d)(?!\w)")
        self._span = re.compile(rf"(?<!\w){month}\s(\d{{1,2}})\s?[-–]\s?(\d{{1,2}})(?![\w:%/]|[.,-]\d){year}")

        self._day_and_month = (
            re.compile(
                rf"(?<!\w)({language.on})(\s)(\d{{1,2}})/(\d{{1,2}})(?![\w/%:]|[.,-]\d|\s(?:of|de|d|di)\b)",
                re.I,
            )
            if language.on
            else None
        )

    def read(self, reading: Reading) -> None:
        if not reading.has(DIGITS):
            return
        reading.say(_ISO, self._iso, "-/.")
        reading.say(_NUMERIC, lambda m: self._numeric(m, is_day_first=reading.is_day_first), "./-")
        if self._day_and_month is not None:
            reading.say(self._day_and_month, lambda m: self._short(m, is_day_first=reading.is_day_first), "/")
        if self._language.months:
            self._written(reading)
        reading.say(_COUNTED, self._counted, ":")
        reading.say(_CLOCK, self._clock, ":")
        reading.say(_HOURS, lambda m: self._hours(m[1], m[2], m[3]), "h")
        reading.say(_MINUTES, lambda m: self._duration((m[1], "minute"), (m[2], "second")), "s")

    def _written(self, reading: Reading) -> None:
        language = self._language
        if language.code == "en":
            reading.say(self._span, self._days, "-–")
            reading.say(self._month_first, self._first_month)
        reading.say(self._day_first, self._first_day)
        reading.say(self._month_year, lambda m: language.date(None, language.months[m[1]], int(m[2])))

    def _days(self, match: re.Match[str]) -> str | None:
        month, first, last = self._language.months[match[1]], int(match[2]), int(match[3])
        if not first < last <= 31:
            return None
        later = self._language.date(last, month, None).rpartition(" ")[2] if last <= 20 else ""
        later = later or self._language.date(last, month, None).split(" ", 1)[1]
        year = f", {self._language.year(int(match[4]))}" if match[4] else ""
        return f"{self._language.date(first, month, None)} {self._language['to']} {later}{year}"

    def _first_month(self, match: re.Match[str]) -> str | None:
        if re.match(
            r"\s(?:people|guests|persons|users|percent|of\s)", match.string[match.end() : match.end() + 12]
        ):
            return None
        return self._date(match[2], self._language.months[match[1]], match[3])

    def _first_day(self, match: re.Match[str]) -> str | None:
        return self._date(match[1], self._language.months[match[2]], match[3])

    def _iso(self, match: re.Match[str]) -> str | None:
        said = self._date(match[4], match[3], match[1])
        return f"{said}," if said and match[5] else said

    def _numeric(self, match: re.Match[str], *, is_day_first: bool) -> str | None:
        first, mark, second, year = match.groups()
        if mark == "-" and len(year) == 2:
            return None
        is_day_first = is_day_first or mark == "." or int(first) > 12
        if int(second) > 12:
            is_day_first = False
        day, month = (first, second) if is_day_first else (second, first)
        full = year if len(year) == 4 else f"20{year}" if int(year) < 70 else f"19{year}"
        return (
            None
            if mark == "." and len(year) == 2 and len(first + second) < 4
            else self._date(day, month, full)
        )

    def _short(self, match: re.Match[str], *, is_day_first: bool) -> str | None:
        """Without a year. What may be a fraction is one, but behind `on`: by 3/4, on 3/4."""
        word, space, first, second = match.groups()
        is_fraction = int(first) <= int(second) <= 12 or second in _OF_AN_INCH
        if (is_fraction and word.lower() not in _ON) or f"{first}/{second}" == _A_NAME:
            return None
        is_day_first = is_day_first and int(second) <= 12 or int(first) > 12
        said = self._date(*((first, second) if is_day_first else (second, first)), None)
        return f"{word}{space}{said}" if said else None

    def _date(self, day: str, month: str | int, year: str | None) -> str | None:
        number = int(month)
        if not (1 <= number <= 12 and 1 <= int(day) <= 31):
            return None
        return self._language.date(int(day), number, int(year) if year else None)

    def _clock(self, match: re.Match[str]) -> str | None:
        hour, minute, half, until, until_minute, until_half = match.groups()
        if int(hour) > 24:
            return None
        said = self._language.clock(int(hour), int(minute), (half or "").lower())
        if until is None:
            return said
        later = self._language.clock(int(until), int(until_minute), (until_half or "").lower())
        return f"{said} {self._language.until(match)} {later}"

    def _counted(self, match: re.Match[str]) -> str:
        hours, minutes, seconds, half = match.groups()
        if seconds == "00" and int(hours) < 24:
            return self._language.clock(int(hours), int(minutes), (half or "").lower())
        if half:
            clock = self._language.clock(int(hours), int(minutes), half.lower())
            return f"{clock} {self._language['and']} {self._duration((seconds, 'second'))}"
        return self._duration((hours, "hour"), (minutes, "minute"), (seconds, "second"))

    def _hours(self, hours: str, minutes: str, seconds: str | None) -> str:
        """14h30 is a time of day where it is written so, elsewhere 2h30m is how long something takes."""
        is_clock = self._language.code in ("fr", "pt") and len(minutes) == 2 and not seconds
        if is_clock and int(hours) < 24:
            return self._language.clock(int(hours), int(minutes), "")
        given = [(hours, "hour"), (minutes, "minute")] + ([(seconds, "second")] if seconds else [])
        return self._duration(*given)

    def _duration(self, *given: tuple[str, str]) -> str:
        said = []
        for number, unit in given:
            one, many = self._language.unit(f"duration-{unit}")
            if int(number) or unit == given[0][1]:
                said.append(f"{int(number)} {one if int(number) == 1 else many}")
        return " ".join(said)
