"""How English says what is not written as words: amounts, times, units, signs.

What lives here: only what voices get wrong; plain numbers they read well by themselves.
Every pattern is bounded, and no replacement holds a sign that another pattern looks for.
"""

import re

_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,15})(?:\.\d{1,8})?"
_ALONE = r"(?<![\w.,])"
"""Not in the middle of a longer number or a name."""

_CURRENCIES = {
    "$": ("dollar", "dollars", "cents"),
    "€": ("euro", "euros", "cents"),
    "£": ("pound", "pounds", "pence"),
    "¥": ("yen", "yen", "sen"),
    "₹": ("rupee", "rupees", "paise"),
}
_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion"}
_PRICE = re.compile(
    rf"([$€£¥₹])\s?({_NUMBER})(?!\d)(?:\s?(thousand|million|billion|trillion|[kKMB])(?!\w))?"
    rf"|{_ALONE}({_NUMBER})\s?([€£¥₹])"
)

_UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "m/s": ("meter per second", "meters per second"),
    "mph": ("mile per hour", "miles per hour"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "kW": ("kilowatt", "kilowatts"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "ml": ("milliliter", "milliliters"),
    "lbs": ("pound", "pounds"),
    "ms": ("millisecond", "milliseconds"),
    "GHz": ("gigahertz", "gigahertz"),
    "MHz": ("megahertz", "megahertz"),
    "GB": ("gigabyte", "gigabytes"),
    "MB": ("megabyte", "megabytes"),
    "TB": ("terabyte", "terabytes"),
}
_UNIT = re.compile(rf"{_ALONE}({_NUMBER})\s?({'|'.join(_UNITS)})(?![\w/])")
_RATE = re.compile(r"(?<![\w/])(km/h|m/s)(?![\w/])")

_CLOCK = re.compile(r"(?<![\w:.,])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?![:\d])(\s?[aApP]\.?[mM]\b)?")
_FRACTIONS = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
}
_FRACTION = re.compile(r"(?<![\w/.,])(?:1/2|[12]/3|[13]/4)(?![\w/])")
_ORDINAL = re.compile(rf"{_ALONE}([1-9]|1\d|2\d|3[01])(?:st|nd|rd|th)(?!\w)")
_ORDINALS: list[str] = re.findall(
    r"\w+",
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
    " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
)
_TENS = {2: ("twentieth", "twenty"), 3: ("thirtieth", "thirty")}

_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s?°\s?C(?!\w)"), " degrees Celsius"),
    (re.compile(r"\s?°\s?F(?!\w)"), " degrees Fahrenheit"),
    (re.compile(r"°"), " degrees "),
    (re.compile(r"\s?%"), " percent "),
    (re.compile(r"(?<!\S)[-−](?=[.\d])"), "minus "),
    (re.compile(r"(?<=\d)\s?–\s?(?=\d)"), " to "),
    (re.compile(r"(?<![\w-])(\d{1,2})-(?=\d{1,2}(?![\w-]))"), r"\1 to "),
    (re.compile(r"±"), " plus or minus "),
    (re.compile(r"\+"), " plus "),
    (re.compile(r"(?<=\d)\s?×\s?(?=\d)"), " times "),
    (re.compile(r"÷"), " divided by "),
    (re.compile(r"−"), " minus "),
    (re.compile(r"&"), " and "),
    (re.compile(r"[/$€£¥₹×]"), " "),
)


def read_signs(text: str) -> str:
    """`text` with amounts, times, units and signs in words."""
    text = _CLOCK.sub(_clock, _UNIT.sub(_unit, _PRICE.sub(_price, text)))
    text = _RATE.sub(lambda match: _UNITS[match[1]][1], text)
    text = _FRACTION.sub(lambda match: _FRACTIONS[match[0]], text)
    text = _ORDINAL.sub(lambda match: _ordinal(int(match[1])), text)
    for pattern, words in _SIGNS:
        text = pattern.sub(words, text)
    return text


def _price(match: re.Match[str]) -> str:
    sign, number, scale = match[1] or match[5], match[2] or match[4], match[3]
    one, many, small = _CURRENCIES[sign]
    if scale:
        return f"{number} {_SCALES.get(scale, scale)} {many}"
    whole, _, part = number.partition(".")
    if len(part) != 2 or part == "00":
        amount = whole if part == "00" else number
        return f"{amount} {one if amount == '1' else many}"
    if whole == "0":
        return f"{int(part)} {small}"
    return f"{whole} {one if whole == '1' else many} {int(part)}" + (f" {small}" if part[0] == "0" else "")


def _unit(match: re.Match[str]) -> str:
    one, many = _UNITS[match[2]]
    return f"{match[1]} {one if match[1] == '1' else many}"


def _clock(match: re.Match[str]) -> str:
    hour, minute, second, half = match.groups()
    words = [str(int(hour))]
    if minute != "00":
        words.append(minute if minute[0] != "0" else f"oh {minute[1]}")
    elif not half and not second:
        words.append("o'clock" if int(hour) <= 12 else "hundred")
    if second:
        words.append(f"and {int(second)} seconds")
    if half:
        words.append("AM" if half.strip()[0] in "aA" else "PM")
    return " ".join(words)


def _ordinal(number: int) -> str:
    if number < len(_ORDINALS):
        return _ORDINALS[number]
    exact, prefix = _TENS[number // 10]
    return f"{prefix} {_ORDINALS[number % 10]}" if number % 10 else exact
