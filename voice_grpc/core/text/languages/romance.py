"""What Spanish, French, Italian and Portuguese have in common where they say what is not written as words.

A comma for the decimals, the day before the month, years read as numbers, and a first of the month: one way
in four vocabularies, each of which has its file.
"""

import re
from collections.abc import Callable, Mapping

from ..reading import Say


def year_as_number(number: int) -> str:
    return str(number)


def dates(months: Mapping[str, int], first: str, of: str) -> Callable[[int | None, int, int | None], str]:
    """Day, month, year with `of` between them; the first of a month has its own word."""
    names = {number: name for name, number in reversed(list(months.items()))}

    def date(day: int | None, month: int, of_year: int | None) -> str:
        said = [] if day is None else [first if day == 1 else str(day)]
        said += [names[month]] + ([str(of_year)] if of_year else [])
        return f" {of} ".join(said) if of else " ".join(said)

    return date


def fractions(
    halves: tuple[str, str], names: Mapping[int, tuple[str, str]], one: str
) -> Callable[[int, int], str | None]:
    def fraction(top: int, bottom: int) -> str | None:
        if bottom == 2:
            return halves[0] if top == 1 else f"{top} {halves[1]}"
        if bottom not in names:
            return None
        return f"{one} {names[bottom][0]}" if top == 1 else f"{top} {names[bottom][1]}"

    return fraction


def months(names: str, *short: tuple[str, int]) -> dict[str, int]:
    """The short ones behind the full ones, which are those that are said."""
    full = {name: number for number, name in enumerate(names.split(), 1)}
    return full | dict(short)


def abbreviations(words: Mapping[str, str]) -> tuple[re.Pattern[str], Say]:
    pattern = re.compile(
        rf"(?<![\w.])({'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})(?!\w)"
    )

    def say(match: re.Match[str]) -> str:
        """The full stop that ends the text stays."""
        is_last = match[0].endswith(".") and not match.string[match.end() :].strip()
        return words[match[1]] + ("." if is_last else "")

    return pattern, say


def hours(between: str, one: str, many: str) -> Callable[[int, int, str], str]:
    def clock(hour: int, minute: int, half: str) -> str:
        said = f"{hour} {one if hour == 1 else many}".strip()
        return f"{said} {between} {minute}".replace("  ", " ") if minute else said

    return clock
