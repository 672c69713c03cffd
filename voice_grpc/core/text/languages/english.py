"""How English says what is not written as words.

What lives here: its words, its way with years, dates, clocks and ordinals. Abbreviations are beside it.
What must not: which text is an amount, a date or a measure (the rules beside `languages/`).
"""

import re

from .english_abbreviations import (
    ABBREVIATION,
    AFTER_NAME,
    ERA,
    NO,
    PAGE,
    STREET,
    TITLE,
    TITLES,
    abbreviation,
    street,
)
from .language import Language

_ONES: list[str] = re.findall(
    r"\S+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen",
)
_TENS: list[str] = re.findall(r"\S+", "_ ten twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS: list[str] = re.findall(
    r"\S+",
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
    " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
)
_MONTHS: list[str] = re.findall(
    r"\S+", "January February March April May June July August September October November December"
)
_SHORT = {
    **{"Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Sept": 9},
    **{"Oct": 10, "Nov": 11, "Dec": 12},
}


def below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_ONES[ones]}" if ones else _TENS[tens]


def ordinal(number: int) -> str:
    """First to nine hundred ninety ninth; larger ones with their digits."""
    if number >= 1000 or number < 0:
        return f"{number}th"
    hundreds, rest = divmod(number, 100)
    if hundreds:
        return f"{_ONES[hundreds]} hundred {ordinal(rest)}" if rest else f"{_ONES[hundreds]} hundredth"
    if number < 20:
        return _ORDINALS[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_ORDINALS[ones]}" if ones else f"{_TENS[tens][:-1]}ieth"


def year(number: int) -> str:
    """1984 as nineteen eighty four, 2005 as two thousand five; what is no modern year in digits."""
    century, rest = divmod(number, 100)
    if number % 1000 < 10 and 1000 <= number <= 2009:
        return f"{_ONES[number // 1000]} thousand" + (f" {_ONES[rest]}" if rest else "")
    if not 1000 <= number <= 2199:
        return str(number)
    within = below_hundred(rest) if rest > 9 else f"oh {_ONES[rest]}" if rest else "hundred"
    return f"{below_hundred(century)} {within}"


def date(day: int | None, month: int, of_year: int | None) -> str:
    name = _MONTHS[month - 1]
    if day is None:
        return f"{name} {year(of_year or 0)}"
    return f"{name} {ordinal(day)}" + (f", {year(of_year)}" if of_year else "")


def clock(hour: int, minute: int, half: str) -> str:
    said = str(hour)
    if minute:
        said += f" {minute}" if minute > 9 else f" oh {minute}"
    elif not half:
        said += " o'clock" if hour <= 12 else " hundred"
    return said + (f" {half}.m." if half else "")


def fraction(top: int, bottom: int) -> str | None:
    if bottom < 2 or (bottom > 20 and bottom not in (25, 30, 32, 40, 50, 60, 64, 100)) or top > 20:
        return None
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    names = "halves" if bottom == 2 else f"{name}s"
    return f"{below_hundred(top)} {name if top == 1 else names}"


# ---------------------------------------------------------------- rules of its own

_ORDINAL = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})?)(?:st|nd|rd|th|ST|ND|RD|TH)(?!\w)")
_DECADE = re.compile(r"(?<![\w.,$/])(?:['’‘]?([2-9]0)['’]?s|(1[1-9]\d0|20\d0)['’]?s)(?!\w)")
_OWNED = re.compile(r"(?:the|his|her|their|my|your|our|early|late|mid|in|'|‘|’)[\s-]$", re.IGNORECASE)
_IN_YEAR = re.compile(
    r"(?<!\w)([Ii]n|[Ss]ince|[Uu]ntil|[Tt]ill?|[Bb]efore|[Aa]fter|[Dd]uring|[Bb]y|[Ff]rom|[Oo]f|circa|[Yy]ear|early|late"
    r"|mid|summer|winter|spring|autumn|fall|[Bb]etween|around|about|[Tt]o|and)(\s)(1[1-9]\d\d|20\d\d)"
    r"(?:(\s?[-–]\s?|\sto\s|\sand\s)(1[1-9]\d\d|20\d\d|\d\d))?(?![\w:%/$€£]|[,.-]\d)"
)
_SPAN = re.compile(r"(?<![\w.,:/-])(1[1-9]\d\d|20\d\d)\s?[-–]\s?(1[1-9]\d\d|20\d\d|\d\d)(?![\w:%/-]|[,.]\d)")
_BRACKETED = re.compile(r"\((1[1-9]\d\d|20\d\d)\)")
_SUBJECT = re.compile(r"(?<![\w.,:/-])(1[1-9]\d\d|20\d\d)(?=\s(?:was|is|will|saw|brought|marked)\s)")
_NOT_A_NOUN = frozenset(
    re.findall(
        r"\S+", "was is has as this his its does across perhaps always sometimes towards less plus versus"
    )
)
_FOLLOWING = re.compile(r"\s([a-z]{3,20})(?!\w)")
_ROMAN = re.compile(
    r"(?<!\w)([A-Z][a-z]{2,15}|chapter|part|volume|act|section|phase|type|book|appendix)\s"
    r"(?=[IVXL])(X{0,3}(?:IX|IV|V?I{0,3})|XL(?:IX|IV|V?I{0,3}))(?=$|[\s.,;:!?)'’])"
)
_COUNTED_BY = frozenset(
    re.findall(
        r"\S+",
        "chapter part volume act section phase type book appendix world war title article grade level stage"
        " tier bowl scene canto psalm figure table class mark season episode",
    )
)
_NOT_NAMES = frozenset(
    re.findall(
        r"\S+",
        "and but the then that this when what where why how who yes sure well now here there maybe because"
        " although should would could can may will must did does do if or so for with only had have",
    )
)
_REGNAL = re.compile(
    r"(?<!\w)(Louis|Henry|Charles|George|Elizabeth|Edward|Richard|James|William|Pope\s\w{3,12}|Pius|Benedict|John|Paul|Leo|Francis|Philip|Napoleon|Catherine|Frederick|Gregory|Clement|Innocent|Ivan|Peter|Alexander|Nicholas|Gustav|Felipe|Juan|Carlos|Christian|Haakon|Harald|Otto|Ramses|Ptolemy|Mary)\s(X{0,3}(?:IX|IV|V?I{1,3}|V)|X{1,3}|XL)(?=$|[\s.,;:!?)'’])"
)
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}


def roman(numeral: str) -> int:
    total = 0
    for letter, following in zip(numeral, [*numeral[1:], ""], strict=True):
        value = _VALUES[letter]
        total += -value if following and _VALUES[following] > value else value
    return total


def _ruler(match: re.Match[str]) -> str | None:
    number = roman(match[2])
    if match[2] == "I" and not _is_end(match):
        return None
    return f"{match[1]} the {ordinal(number)}"


def _is_end(match: re.Match[str]) -> bool:
    """Whether a lone I can hardly be the pronoun: nothing that a sentence goes on with stands behind it."""
    return re.match(r"\s[a-z'’]|['’]", match.string[match.end() : match.end() + 2]) is None


def _numbered(match: re.Match[str]) -> str | None:
    noun = match[1].lower()
    if not match[2] or (noun not in _COUNTED_BY and (noun in _NOT_NAMES or len(match[2]) < 2)):
        return None
    if match[2] in ("I", "V", "X", "L") and noun not in _COUNTED_BY:
        return None
    if match[2] == "I" and noun == match[1] and not _is_end(match):
        return None
    return f"{match[1]} {below_hundred(roman(match[2]))}"


def _in_year(match: re.Match[str]) -> str | None:
    word, _, first, between, last = match.groups()
    noun = _FOLLOWING.match(match.string, match.end())
    if noun and not last and ((noun[1].endswith("s") and noun[1] not in _NOT_A_NOUN) or noun[1] == "people"):
        return None
    if not last:
        return f"{word} {year(int(first))}"
    return f"{word} {year(int(first))} {'and' if 'and' in (between or '') else 'to'} {_until(last)}"


def _until(last: str) -> str:
    return (
        year(int(last))
        if len(last) == 4
        else below_hundred(int(last))
        if int(last) > 9
        else f"oh {int(last)}"
    )


def _span(match: re.Match[str]) -> str | None:
    first, last = int(match[1]), match[2]
    if len(last) == 4 and int(last) <= first:
        return None
    return f"{year(first)} to {_until(last)}"


def _decade(match: re.Match[str]) -> str | None:
    before = match.string[max(0, match.start() - 8) : match.start()]
    if match[2]:
        number = int(match[2])
        if number % 100 == 0:
            return "two thousands" if number == 2000 else f"{below_hundred(number // 100)} hundreds"
        return f"{below_hundred(number // 100)} {_plural(number % 100)}"
    if match[0][0] in "'’‘" or _OWNED.search(before):
        return _plural(int(match[1]))
    return None


def _plural(tens: int) -> str:
    return "tens" if tens == 10 else f"{_TENS[tens // 10][:-1]}ies"


def _twelve(match: re.Match[str]) -> str:
    """3pm, 9am-5pm, 3-4 p.m."""
    first, first_half, last, alone, half = match.groups()
    if alone:
        return f"{alone} {half}.m.".lower()
    return f"{first}{f' {first_half}.m.' if first_half else ''} to {last} {half}.m.".lower()


_TWELVE = re.compile(
    r"(?<![\w:.,])(?<!\d )(?:(1[0-2]|0?[1-9])\s?(?:([aApP])\.?[mM]\.?\s?)?[-–]\s?(1[0-2]|0?[1-9])"
    r"|(1[0-2]|0?[1-9]))\s?([aApP])\.?[mM](?:\.|(?!\w))"
)


ENGLISH = Language(
    code="en",
    region="US",
    on=r"on|by|until|till|before|after|since|from|due|dated|effective|starting",
    is_comma_decimal=False,
    is_name_last=True,
    words={
        **{"to": "to", "minus": "minus", "plus": "plus", "point": "point", "dot": "dot", "at": "at"},
        **{"underscore": "underscore", "dash": "dash", "hashtag": "hashtag", "number": "number"},
        **{"percent": "percent", "per": "per", "of": "", "over": "over", "times": "times"},
        **{"divided by": "divided by", "equals": "equals", "and": "and", "about": "about"},
        **{"power": "to the power of", "squared": "squared", "cubed": "cubed", "root": "the square root of"},
        **{"cube root": "the cube root of", "sharp": "sharp", "less": "less than", "greater": "greater than"},
        **{"at most": "less than or equal to", "at least": "greater than or equal to"},
        **{"unequal": "is not equal to", "infinity": "infinity", "plus or minus": "plus or minus"},
        **{"version": "version", "degrees": "degrees", "per thousand": "per thousand"},
        **{"cents between": "|cents|cent", "factorial": "factorial", "section": "section"},
        **{"identical": "is identical to", "element": "in", "so": "so", "up": "up", "down": "down"},
        **{"proportional": "is proportional to", "paragraph": "section"},
    },
    digits=tuple(_ONES[:10]),
    scales={
        **dict.fromkeys(("k", "K", "thousand", "tsd"), ("thousand", "thousand")),
        **dict.fromkeys(("m", "M", "mn", "mln", "mm", "MM", "mil", "million", "mio"), ("million", "million")),
        **dict.fromkeys(("b", "B", "bn", "Bn", "BN", "bln", "billion"), ("billion", "billion")),
        **dict.fromkeys(("t", "T", "tn", "Tn", "trn", "trillion"), ("trillion", "trillion")),
        **{"lakh": ("lakh", "lakh"), "crore": ("crore", "crore"), "hundred": ("hundred", "hundred")},
        **{
            "Mn": ("million", "million"),
            "Million": ("million", "million"),
            "Billion": ("billion", "billion"),
        },
    },
    fraction=fraction,
    year=year,
    date=date,
    clock=clock,
    letters={
        **{
            "∩": "intersection",
            "∪": "union",
            "∑": "the sum of",
            "∏": "the product of",
            "∫": "the integral of",
        },
        **{"∂": "partial", "∇": "nabla", "∀": "for all", "∃": "there exists", "∧": "and", "∨": "or"},
        **{"∉": "not in", "⊂": "subset of", "⊆": "subset of", "∅": "the empty set", "∴": "therefore"},
        **{"⊥": "perpendicular to", "∥": "parallel to", "∠": "angle"},
    }
    | dict(
        zip(
            "αβγδεζηθλμνξπρστφχψωΔΘΛΞΠΣΦΨΩ",
            re.findall(
                r"\S+",
                "alpha beta gamma delta epsilon zeta eta theta lambda mu nu xi pi rho sigma tau phi chi psi"
                " omega delta theta lambda xi pi sigma phi psi omega",
            ),
            strict=True,
        )
    ),
    times={
        **dict.fromkeys(("h", "hr", "hour"), "an hour"),
        **dict.fromkeys(("d", "day"), "a day"),
        **dict.fromkeys(("w", "wk", "week"), "a week"),
        **dict.fromkeys(("mo", "mth", "month"), "a month"),
        **dict.fromkeys(("y", "yr", "year", "a", "annum"), "a year"),
        **dict.fromkeys(("min", "minute"), "a minute"),
        **dict.fromkeys(("s", "sec", "second"), "a second"),
        **{"kg": "per kilogram", "lb": "per pound", "l": "per liter", "gal": "per gallon", "oz": "per ounce"},
        **{"sqft": "per square foot", "km": "per kilometer", "mi": "per mile", "pp": "per person"},
        **{"kwh": "per kilowatt hour", "m": "per meter", "gb": "per gigabyte", "ft": "per foot"},
    },
    months={name: index for index, name in enumerate(_MONTHS, 1)} | _SHORT,
    rules=(
        (_TWELVE, _twelve),
        (_DECADE, _decade),
        (_SPAN, _span),
        (_IN_YEAR, _in_year),
        (_BRACKETED, lambda match: f"({year(int(match[1]))})"),
        (_SUBJECT, lambda match: year(int(match[1]))),
        (_ORDINAL, lambda match: ordinal(int(match[1].replace(",", "")))),
        (_REGNAL, _ruler),
        (_ROMAN, _numbered),
        (STREET, street),
        (TITLE, lambda match: f"{TITLES[match[1] or match[2]]} "),
        (AFTER_NAME, lambda match: f" {TITLES[match[1]]}"),
        (ABBREVIATION, abbreviation),
        (NO, lambda match: "Number " if match[1] == "N" else "number "),
        (PAGE, "page "),
        (ERA, "A.D."),
    ),
)
