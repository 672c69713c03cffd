"""Digits and letters that are a name and no amount: telephones, cards, accounts, codes, versions.

What lives here: knowing them, and saying them one by one in groups as a person does, with a comma
where a short pause helps. What must not: dates and amounts, which look alike (`dates.py`, `money.py`).

Telephone numbers are grouped as Google's libphonenumber groups those of their country.
"""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from .languages import Language
from .reading import DIGITS, MARKED, Reading

_ALONE = r"(?<![\w.,:/@-])(?<![\d] )"
_END = r"(?![\w])(?![-./:,]\d)"

_UUID = re.compile(r"(?<![\w-])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\w-])")
_MAC = re.compile(r"(?<![\w:-])[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}(?![\w:-])")
_HEX = re.compile(
    r"(?<![\w.-])(0x)?(?=[a-f]{0,39}\d)(?=\d{0,39}[a-f])([0-9a-f]{7,40})(?![\w.-])|(?<![\w.])0x([0-9a-fA-F]{1,16})(?!\w)"
)
_COLOUR = re.compile(r"(?<![\w&])#([0-9a-fA-F]{6})(?!\w)")
_IP = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{2,5}))?(?:/(\d{1,2}))?(?![\w]|\.\d)")
_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![\w-])")
_CARD = re.compile(
    rf"{_ALONE}(?:\d{{4}}[ -]){{3}}\d{{1,7}}{_END}|{_ALONE}3\d{{3}}[ -]\d{{6}}[ -]\d{{5}}{_END}"
)
_INTERNATIONAL = re.compile(r"(?<![\w.+-])(?:\+|00)[1-9](?:[ ()./-]{0,3}\d){6,14}(?!\w)(?![-./]\d)")
_NANP = re.compile(
    rf"{_ALONE}(?:1[ .-])?(?:\(\d{{3}}\) ?|\d{{3}}[ .-])\d{{3}}[ .-]\d{{4}}{_END}"
    rf"|{_ALONE}\d{{3}}-\d{{4}}{_END}"
)
"""As the North American Numbering Plan is written: 555-010-0199, (555) 010-0199, 555-0199."""
_NATIONAL = re.compile(rf"{_ALONE}\(?0\d{{1,5}}\)?(?:[ /.-]{{1,3}}\d{{2,8}}){{1,5}}{_END}")
"""With the trunk zero: 030 1234567, 06 12 34 56 78, 020 7946 0958."""
_GROUPED = re.compile(rf"{_ALONE}[1-9]\d{{1,3}}(?:[ .]\d{{2,4}}){{2,4}}{_END}")
"""Without a trunk zero, as in Spain and Portugal: 912 345 678."""
_DASHED = re.compile(rf"{_ALONE}\d{{1,9}}(?:-\d{{1,9}}){{2,6}}{_END}")
"""Social security, ISBN and the like; dates have been said before."""
_LONG = re.compile(rf"{_ALONE}\d{{10,40}}{_END}")
_ZERO_FIRST = re.compile(rf"{_ALONE}0\d{{1,20}}{_END}")
_SHORT_CODE = re.compile(
    r"(?<!\w)((?:call|dial|ring|phone|text)(?:ing|ed|s)?|(?:dial )?extension|ext\.?)"
    r"( (?:the )?)(\d{3,6})(?![\w.,:/-]*\d)(?!\w)",
    re.I,
)
_KEYWORD = (
    r"pin|passcode|password|pass ?code|code|otp|booking|reference|ref|confirmation|account|ticket|tracking"
    r"|serial|order|invoice|case|id|zip|postcode|flight|license|licence|plate|policy|member|customer|phone|telephone"
    r"|kennwort|konto|kontonummer|bestellnummer|kundennummer|plz|código|pedido|commande|codice|ordine"
)
_KEYED = re.compile(
    rf"(?<!\w)({_KEYWORD})((?: ?(?:number|no\.?|nr\.?|code|is|ist|es|est|è|é|:|#)){{0,3}} ?#? ?)"
    r"(?=[A-Z0-9-]{0,23}\d)([A-Z0-9]{1,24}(?:-[A-Z0-9]{1,12}){0,4})(?![\w.,]*\w)(?![%°])",
    re.I,
)
_COUNTED = re.compile(r"\s(?:people|minutes?|hours?|days?|times|items?|dollars?|euros?|of)\b")
_VERSION = re.compile(
    r"(?<![\w.,])(?:([vV])\.? ?)?(\d{1,4}(?:\.\d{1,4}){2,4})(?:-?(alpha|beta|rc)\.?(\d{1,3})?)?(?!\w)(?!\.\d)"
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,4}")
_V = re.compile(r"(?<![\w.,])[vV](\d{1,4}(?:\.\d{1,4})?)(?![\w.]*\d)(?!\w)")
_SOFTWARE = (
    "Python|Java|Node(?:\\.js)?|iOS|iPadOS|Android|Ubuntu|Debian|macOS|Windows|PHP|Ruby|Perl|Django|Rails|Rust|Swift"
    "|Kotlin|Go|PostgreSQL|Postgres|MySQL|Kubernetes|Docker|React|Angular|Vue|TypeScript|CUDA|GPT|Claude|Gemini"
    "|Llama|Bluetooth|USB|HTTP|TLS|OpenGL|C\\+\\+|[Vv]ersion|[Rr]elease|[Ss]ection|[Cc]hapter|[Ff]igure|[Tt]able"
)
_NAMED_VERSION = re.compile(rf"(?<!\w)({_SOFTWARE})([ -])(\d{{1,4}})\.(\d{{2,4}})(?![\w%]|\.\d)")
_CHAIN = re.compile(r"(?<![\w-])[A-Za-z](?:-[A-Za-z]){2,25}(?![\w-])")
_PLATE = re.compile(
    r"(?<![\w-])(?:[A-Z]{2}\d{2} ?[A-Z]{3}|\d[A-Z]{3}\d{3}|[A-Z]{3}[ -]\d{3,4}"
    r"|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} ?\d{1,4}|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|(?!FY|CY|AD|BC|CE)[A-Z]{2}\d{3,4}"
    r"|[A-Z]{2}-\d{3}-[A-Z]{2})(?![\w-])|(?<=light )[A-Z]{2} \d{1,4}(?![\w-])"
)
"""Licence plates, British postcodes, and flights."""
_MIXED = re.compile(
    r"(?<![\w.-])(?=[A-Z]{0,12}\d)(?=\d{0,12}[A-Z])[A-Z0-9]{2,24}(?:-[A-Z0-9]{2,12}){0,4}(?![\w.-]*\w)"
)
_SUFFIX = re.compile(
    r"(?<=[A-Za-z])(?<!\d[eE])(?<!-to)-(?=\d{1,4}(?!\w|-|\.\d))|(?<=[A-Z]{2})-(?=[A-Z](?!\w))"
    rf"|(?<=[{MARKED}])-(?=[a-z]{{2}})"
)
"""The hyphen of USB-C and COVID-19, which is not said."""
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"
_PIECES = re.compile(r"\d+|[^\W\d_]+")


def load(language: Language) -> None:
    """How telephone numbers look where it is spoken, so that no sentence waits for it."""
    for region in {language.region, "US", "GB"}:
        phonenumbers.format_number(phonenumbers.parse("0301234567", region), PhoneNumberFormat.NATIONAL)


def read(reading: Reading, language: Language) -> None:
    """Say what is a name in digits or letters."""
    reading.say(_CHAIN, lambda match: match[0].upper().replace("-", ", "), "-")
    if reading.has(DIGITS):
        reading.say(_COLOUR, lambda match: f"{language['hashtag']} {letters(match[1], language)}", "#")
        _read_numbers(reading, language)
    reading.say(_SUFFIX, " ", "-")


def _read_numbers(reading: Reading, language: Language) -> None:
    def each(match: re.Match[str]) -> str:
        return one_by_one(match[0], language)

    def groups(match: re.Match[str]) -> str:
        return ", ".join(letters(part, language) for part in re.split("[:-]", match[0]))

    def fours(match: re.Match[str]) -> str:
        plain = re.sub(r"[ -]", "", match[0])
        return ", ".join(letters(plain[at : at + 4], language) for at in range(0, len(plain), 4))

    def phone(match: re.Match[str]) -> str:
        return telephone(match[0], language, reading.region)

    def keyed(match: re.Match[str]) -> str | None:
        if len(match[3]) < 3 or _COUNTED.match(match.string, match.end()):
            return None
        if match[3].isalpha() or (
            match[3].isdigit() and match[1].lower() in ("order", "case", "id") and len(match[3]) < 4
        ):
            return None
        between = match[2].replace("#", " ").replace(":", ",")
        return f"{match[1]}{between} {one_by_one(match[3], language)}".replace(" ,", ",")

    reading.say(_UUID, groups, "-")
    reading.say(_MAC, groups, ":")
    reading.say(_HEX, lambda match: _hex(match, language))
    reading.say(_IP, lambda match: _ip(match, language), ".")
    reading.say(_IBAN, fours, _CAPITALS)
    reading.say(_CARD, fours)
    reading.say(_INTERNATIONAL, phone, "+0")
    reading.say(_NANP, phone, " .-")
    reading.say(_NATIONAL, lambda match: _national(match[0], language, reading.region))
    if language.code in ("es", "pt", "it"):
        reading.say(_GROUPED, lambda match: _valid(match[0], language, reading.region))
    reading.say(_DASHED, each, "-")
    reading.say(_PLATE, each, _CAPITALS)
    reading.say(_SHORT_CODE, lambda m: f"{m[1]}{m[2]}{language.spelled(m[3])}")
    reading.say(_KEYED, keyed)
    reading.say(_LONG, lambda match: _long(match[0], language, reading.region))
    reading.say(_ZERO_FIRST, each, "0")
    reading.say(_VERSION, lambda match: _version(match, language), ".")
    reading.say(_V, lambda match: _v(match, language), "vV")
    reading.say(_NAMED_VERSION, lambda m: f"{m[1]} {_points(f'{m[3]}.{m[4]}', language)}", ".")
    reading.say(_MIXED, lambda match: _mixed(match[0], language), _CAPITALS)


def letters(text: str, language: Language) -> str:
    """Letter by letter and digit by digit. A comma after A keeps it from being an article."""
    spelled = " ".join(language.digits[int(c)] if c.isdecimal() and c.isascii() else c.upper() for c in text)
    return spelled.replace("A ", "A, ") if language.code == "en" else spelled


def one_by_one(text: str, language: Language) -> str:
    """Each group of digits or letters spelled, a comma between groups; long ones by three and four."""
    groups: list[str] = []
    for part in _PIECES.findall(text):
        groups += _grouped(part) if part.isdecimal() else [part]
    return ", ".join(letters(group, language) for group in groups)


def telephone(text: str, language: Language, region: str) -> str:
    """Digit by digit, grouped as in its country, or as it is written where no country has it."""
    written = re.sub(r"^00", "+", text.strip())
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        return one_by_one(text, language)
    is_grouped = re.search(r"\d\D+\d", text) is not None
    if is_grouped and not written.startswith("+") and not phonenumbers.is_valid_number(number):
        return one_by_one(text, language)
    form = PhoneNumberFormat.INTERNATIONAL if written.startswith("+") else PhoneNumberFormat.NATIONAL
    shown = phonenumbers.format_number(number, form)
    kept = re.sub(r"\D", "", shown) == re.sub(r"\D", "", written)
    groups = one_by_one(shown if kept else text, language)
    return f"{language['plus']} {groups}" if written.startswith("+") else groups


def _valid(text: str, language: Language, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    return one_by_one(text, language) if phonenumbers.is_valid_number(number) else None


def _national(text: str, language: Language, region: str) -> str | None:
    count = sum(map(str.isdigit, text))
    return telephone(text, language, region) if 7 <= count <= 15 else None


def _long(text: str, language: Language, region: str) -> str:
    """Ten digits and more without a comma: a telephone number where it is one, else by fours."""
    if len(text) <= 12 and (len(text) == 10 or text.startswith("0")):
        return telephone(text, language, region)
    return ", ".join(language.spelled(text[at : at + 4]) for at in range(0, len(text), 4))


def _grouped(digits: str) -> list[str]:
    """At most four together, of equal size as far as that goes: 4, 3+3, 3+4, 4+4."""
    if len(digits) <= 4:
        return [digits]
    size = 3 if len(digits) in (5, 6, 7, 9) else 4
    cuts = list(range(0, len(digits), size))
    if len(digits) - cuts[-1] == 1:
        cuts.pop()
    return [digits[start:end] for start, end in zip(cuts, [*cuts[1:], len(digits)], strict=True)]


def _hex(match: re.Match[str], language: Language) -> str | None:
    if match[3]:
        return f"{language.digits[0]} X {letters(match[3], language)}"
    return letters(match[2], language)


def _ip(match: re.Match[str], language: Language) -> str:
    said = f" {language['dot']} ".join(match[1].split("."))
    said += f", port {language.spelled(match[2])}" if match[2] else ""
    return said + (f", slash {match[3]}" if match[3] else "")


def _points(number: str, language: Language) -> str:
    """3.11 is three point eleven in a version; what begins with a zero is spelled."""
    numbers = (
        language.spelled(part) if part[0] == "0" and len(part) > 1 else part for part in number.split(".")
    )
    return f" {language['point']} ".join(numbers)


def _version(match: re.Match[str], language: Language) -> str:
    if _THOUSANDS.fullmatch(match[0]):
        return match[0] if language.is_comma_decimal else match[0].replace(".", ",")
    said = _points(match[2], language)
    said = f"{language['version']} {said}" if match[1] and not _is_named(match) else said
    return f"{said} {match[3]} {match[4] or ''}".strip() if match[3] else said


def _v(match: re.Match[str], language: Language) -> str:
    said = _points(match[1], language)
    return said if _is_named(match) else f"{language['version']} {said}"


def _is_named(match: re.Match[str]) -> bool:
    """Whether the word stands before the v already."""
    return match.string[max(0, match.start() - 8) : match.start()].lower() == "version "


def _mixed(text: str, language: Language) -> str | None:
    """X7K9P2 is spelled; MP3, CO2, A4 and RTX4090 the voice reads well."""
    digits = sum(map(str.isdigit, text))
    changes = len(_PIECES.findall(text))
    is_code = digits >= 3 and len(text) - digits - text.count("-") >= 2 and changes >= 3 and len(text) >= 5
    return one_by_one(text, language) if is_code else None
