"""How German says what is not written as words: its words, years, ordinals in dates, and abbreviations."""

import re

from .language import Language

_ONES: list[str] = re.findall(
    r"\S+",
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
    " siebzehn achtzehn neunzehn",
)
_TENS: list[str] = re.findall(
    r"\S+", "_ zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
)
_STEMS = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
_MONTHS: list[str] = re.findall(
    r"\S+", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
)
_SHORT = {
    **{"Jan": 1, "Feb": 2, "Mär": 3, "Apr": 4, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Sept": 9},
    **{"Okt": 10, "Nov": 11, "Dez": 12, "Jänner": 1},
}


def below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    one = "ein" if ones == 1 else _ONES[ones]
    return f"{one}und{_TENS[tens]}" if ones else _TENS[tens]


def ordinal(number: int) -> str:
    """The stem and an e: achtundzwanzigste."""
    stem = _STEMS.get(number) or (
        f"{below_hundred(number)}t" if number < 20 else f"{below_hundred(number)}st"
    )
    return stem + "e"


def year(number: int) -> str:
    """1984 as neunzehnhundertvierundachtzig; later ones the voice reads as numbers."""
    if not 1100 <= number <= 1999:
        return str(number)
    century, rest = divmod(number, 100)
    return f"{below_hundred(century)}hundert{below_hundred(rest) if rest else ''}"


def date(day: int | None, month: int, of_year: int | None) -> str:
    name = _MONTHS[month - 1]
    said = f"{ordinal(day)} {name}" if day is not None else name
    return f"{said} {year(of_year)}" if of_year else said


def clock(hour: int, minute: int, half: str) -> str:
    return f"{hour} Uhr {minute}" if minute else f"{hour} Uhr"


def fraction(top: int, bottom: int) -> str | None:
    if bottom < 2 or bottom > 20 or top > 20:
        return None
    if bottom == 2:
        return "ein halb" if top == 1 else f"{below_hundred(top)} halbe"
    name = {3: "drittel", 7: "siebtel", 8: "achtel"}.get(bottom) or below_hundred(bottom) + (
        "tel" if bottom < 20 else "stel"
    )
    return f"{'ein' if top == 1 else below_hundred(top)} {name.capitalize()}"


_DATE = re.compile(
    rf"(?<![\w.,:])(?:(?<!\w)([Aa]m|[Vv]om|[Zz]um|[Bb]is|[Dd]em|[Dd]en|[Ss]eit|[Aa]b|[Dd]er)\s)?(\d{{1,2}})\.\s?"
    rf"({'|'.join([*_MONTHS, *_SHORT])})(?!\w)\.?(?:\s(\d{{4}})(?![\w,.]*\d)(?!\w))?"
)
_NUMERIC = re.compile(
    r"(?:(?<!\w)([Aa]m|[Vv]om|[Zz]um|[Bb]is|[Dd]em|[Dd]en|[Ss]eit|[Aa]b|[Dd]er)\s)?(?<![\w.,:/])(\d{1,2})\.(\d{1,2})\.(\d{4})?"
    r"(?![\w]|\.\d)"
)
_ORDINAL = re.compile(
    r"(?<!\w)([Dd]er|[Dd]ie|[Dd]as|[Dd]em|[Dd]en|[Dd]es|[Aa]m|[Ii]m|[Zz]um|[Zz]ur|[Bb]eim|[Vv]om|[Aa]ns?|[Ii]ns?)\s"
    r"([12]?\d|3[01])\.(?=\s[A-ZÄÖÜ][a-zäöüß])"
)
_YEAR = re.compile(
    r"(?<!\w)([Ii]m Jahre?|[Jj]ahre?|[Ss]eit|[Aa]nno|[Ii]n|[Vv]on|[Bb]is|[Vv]or|[Nn]ach|[Aa]b|[Uu]m)"
    r"\s(1[1-9]\d\d)"
    r"(?:(\s?[-–]\s?|\sbis\s)(1[1-9]\d\d|20\d\d))?(?![\w:%/€]|[,.-]\d|\s[A-ZÄÖÜ])"
)
_SPAN = re.compile(r"(?<![\w.,:/-])(1[1-9]\d\d)\s?[-–]\s?(1[1-9]\d\d|20\d\d)(?![\w:%/€-]|[,.]\d|\s[A-ZÄÖÜ])")
_DECADE = re.compile(r"(?<![\w.,])(?:(1[1-9]\d0)|([2-9]0))er(?!\w)(?=-Jahre|\sJahre|[.,\s])")
_CLOCK = re.compile(
    r"(?<![\w:.,])(\d{1,2})[:.]([0-5]\d)\s?Uhr(?!\w)|(?<![\w:.,])(\d{1,2})\s?h(?!\w)(?=\s?Uhr)"
)
_ABBREVIATIONS = {
    **{"z. B.": "zum Beispiel", "z.B.": "zum Beispiel", "d. h.": "das heißt", "d.h.": "das heißt"},
    **{"u. a.": "unter anderem", "u.a.": "unter anderem", "usw.": "und so weiter", "bzw.": "beziehungsweise"},
    **{"ca.": "circa", "Nr.": "Nummer", "evtl.": "eventuell", "ggf.": "gegebenenfalls", "inkl.": "inklusive"},
    **{"Dr.": "Doktor", "Prof.": "Professor", "Hr.": "Herr", "Fr.": "Frau", "St.": "Sankt", "Str.": "Straße"},
    **{"vgl.": "vergleiche", "zzgl.": "zuzüglich", "Std.": "Stunden", "Min.": "Minuten", "etc.": "et cetera"},
    **{"Mio.": "Millionen", "Mrd.": "Milliarden", "Tsd.": "tausend"},
    **{
        "o. Ä.": "oder Ähnliches",
        "u.s.w.": "und so weiter",
        "Tel.": "Telefon",
        "max.": "maximal",
        "min.": "minimal",
    },
}
_ABBREVIATION = re.compile(
    rf"(?<![\w.])({'|'.join(map(re.escape, sorted(_ABBREVIATIONS, key=len, reverse=True)))})"
    r"(?!\w)(?!\s?[$€£¥])"
)
_STREET = re.compile(r"(?<!\w)(\w{2,30})str\.(?=\s\d)")


def _day(match: re.Match[str], month: int) -> str | None:
    before, day = match[1], int(match[2])
    if not 1 <= day <= 31 or not 1 <= month <= 12:
        return None
    ending = "" if before in ("der", "Der") else "n" if before else "r"
    said = f"{ordinal(day)}{ending} {_MONTHS[month - 1]}"
    said += f" {year(int(match[4]))}" if match[4] else ""
    return f"{before} {said}" if before else said


def _written(match: re.Match[str]) -> str | None:
    return _day(match, _MONTHS.index(match[3]) + 1 if match[3] in _MONTHS else _SHORT[match[3]])


def _numeric(match: re.Match[str]) -> str | None:
    return _day(match, int(match[3]))


def _counted(match: re.Match[str]) -> str:
    article = match[1].lower()
    ending = "" if article in ("der", "die", "das", "ans", "ins") else "n"
    return f"{match[1]} {ordinal(int(match[2]))}{ending}" if int(match[2]) else match[0]


def _in_year(match: re.Match[str]) -> str:
    said = f"{match[1]} {year(int(match[2]))}"
    return f"{said} bis {year(int(match[4]))}" if match[4] else said


def _decade(match: re.Match[str]) -> str:
    return f"{year(int(match[1]))}er" if match[1] else f"{below_hundred(int(match[2]))}er"


def _abbreviation(match: re.Match[str]) -> str:
    """The full stop that ends the text stays."""
    is_last = not match.string[match.end() :].strip()
    return _ABBREVIATIONS[match[1]] + ("." if is_last else "")


GERMAN = Language(
    code="de",
    region="DE",
    between="zwischen",
    is_name_last=True,
    words={
        **{"to": "bis", "minus": "minus", "plus": "plus", "point": "Punkt", "dot": "Punkt", "at": "at"},
        **{"underscore": "Unterstrich", "dash": "minus", "hashtag": "Hashtag", "number": "Nummer"},
        **{"percent": "Prozent", "per": "pro", "of": "", "over": "durch", "times": "mal"},
        **{"divided by": "geteilt durch", "equals": "gleich", "and": "und", "about": "ungefähr"},
        **{"power": "hoch", "squared": "hoch zwei", "cubed": "hoch drei", "root": "Wurzel aus"},
        **{"cube root": "Kubikwurzel aus", "sharp": "sharp", "less": "kleiner als", "greater": "größer als"},
        **{"at most": "kleiner oder gleich", "at least": "größer oder gleich", "unequal": "ungleich"},
        **{"infinity": "unendlich", "plus or minus": "plus minus", "version": "Version", "degrees": "Grad"},
        **{"per thousand": "Promille", "cents between": "|Cent|Cent", "factorial": "Fakultät"},
        **{"section": "Abschnitt", "identical": "identisch mit", "element": "Element von", "so": "also"},
        **{"up": "hoch", "down": "runter", "proportional": "proportional zu", "paragraph": "Paragraf"},
    },
    digits=tuple(_ONES[:10]),
    scales={
        **dict.fromkeys(("Tsd.", "Tsd", "T", "k", "tausend"), ("tausend", "tausend")),
        **dict.fromkeys(("Mio.", "Mio", "M", "m", "Million", "Millionen"), ("Million", "Millionen")),
        **dict.fromkeys(("Mrd.", "Mrd", "Milliarde", "Milliarden", "bn"), ("Milliarde", "Milliarden")),
        **dict.fromkeys(("Bio.", "Bio", "Billion", "Billionen"), ("Billion", "Billionen")),
    },
    fraction=fraction,
    year=year,
    date=date,
    clock=clock,
    units={"Std": "duration-hour", "Sek": "duration-second", "Min": "duration-minute", "Pfd": "mass-pound"},
    times={
        **dict.fromkeys(("h", "std", "stunde"), "pro Stunde"),
        **dict.fromkeys(("d", "tag"), "pro Tag"),
        **dict.fromkeys(("monat",), "pro Monat"),
        **dict.fromkeys(("jahr", "a"), "pro Jahr"),
        **{
            "kg": "pro Kilogramm",
            "l": "pro Liter",
            "min": "pro Minute",
            "m": "pro Meter",
            "s": "pro Sekunde",
        },
    },
    rules=(
        (_DATE, _written),
        (_NUMERIC, _numeric),
        (_CLOCK, lambda m: clock(int(m[1]), int(m[2]), "") if m[1] else None),
        (_ORDINAL, _counted),
        (_SPAN, lambda match: f"{year(int(match[1]))} bis {year(int(match[2]))}"),
        (_YEAR, _in_year),
        (_DECADE, _decade),
        (_STREET, lambda match: f"{match[1]}straße"),
        (_ABBREVIATION, _abbreviation),
    ),
)
