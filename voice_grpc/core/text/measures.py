"""Numbers with a unit: lengths, weights, speeds, data, temperatures, per cent; ranges of them too.

What lives here: how units are spelled, in all languages alike. What must not: how they are called,
which the CLDR knows (`languages/language.py`).
"""

import re

from .languages import Language
from .languages.language import load_units
from .languages.unit_names import NAMES, SPELLINGS
from .reading import DIGITS, Reading

_UNITS = {
    **{"km": "length-kilometer", "m": "length-meter", "dm": "length-decimeter", "cm": "length-centimeter"},
    **{
        "mm": "length-millimeter",
        "µm": "length-micrometer",
        "μm": "length-micrometer",
        "nm": "length-nanometer",
    },
    **{"mi": "length-mile", "yd": "length-yard", "ft": "length-foot", "nmi": "length-nautical-mile"},
    **{"kg": "mass-kilogram", "g": "mass-gram", "mg": "mass-milligram", "µg": "mass-microgram"},
    **{"μg": "mass-microgram", "mcg": "mass-microgram", "lb": "mass-pound", "lbs": "mass-pound"},
    **{
        "oz": "mass-ounce",
        "t": "mass-tonne",
        "l": "volume-liter",
        "L": "volume-liter",
        "dl": "volume-deciliter",
    },
    **{
        "cl": "volume-centiliter",
        "ml": "volume-milliliter",
        "mL": "volume-milliliter",
        "hl": "volume-hectoliter",
    },
    **{
        "gal": "volume-gallon",
        "tbsp": "volume-tablespoon",
        "tsp": "volume-teaspoon",
        "fl oz": "volume-fluid-ounce",
    },
    **{"m²": "area-square-meter", "m2": "area-square-meter", "km²": "area-square-kilometer"},
    **{"km2": "area-square-kilometer", "cm²": "area-square-centimeter", "sqm": "area-square-meter"},
    **{
        "sq m": "area-square-meter",
        "sq ft": "area-square-foot",
        "sqft": "area-square-foot",
        "ft²": "area-square-foot",
    },
    **{
        "ha": "area-hectare",
        "m³": "volume-cubic-meter",
        "m3": "volume-cubic-meter",
        "cm³": "volume-cubic-centimeter",
    },
    **{"sq mi": "area-square-mile", "km/h": "speed-kilometer-per-hour", "kmh": "speed-kilometer-per-hour"},
    **{
        "kph": "speed-kilometer-per-hour",
        "m/s": "speed-meter-per-second",
        "m/s²": "acceleration-meter-per-square-second",
        "mph": "speed-mile-per-hour",
    },
    **{
        "W": "power-watt",
        "kW": "power-kilowatt",
        "MW": "power-megawatt",
        "GW": "power-gigawatt",
        "mW": "power-milliwatt",
    },
    **{
        "hp": "power-horsepower",
        "kWh": "energy-kilowatt-hour",
        "kJ": "energy-kilojoule",
        "J": "energy-joule",
    },
    **{"kcal": "energy-kilocalorie", "V": "electric-volt", "mA": "electric-milliampere", "Ω": "electric-ohm"},
    **{"Hz": "frequency-hertz", "kHz": "frequency-kilohertz", "MHz": "frequency-megahertz"},
    **{
        "GHz": "frequency-gigahertz",
        "KB": "digital-kilobyte",
        "kB": "digital-kilobyte",
        "MB": "digital-megabyte",
    },
    **{
        "GB": "digital-gigabyte",
        "TB": "digital-terabyte",
        "PB": "digital-petabyte",
        "kbit": "digital-kilobit",
    },
    **{
        "Mbit": "digital-megabit",
        "Gbit": "digital-gigabit",
        "Mb": "digital-megabit",
        "Gb": "digital-gigabit",
    },
    **{"ms": "duration-millisecond", "µs": "duration-microsecond", "μs": "duration-microsecond"},
    **{
        "ns": "duration-nanosecond",
        "s": "duration-second",
        "sec": "duration-second",
        "secs": "duration-second",
    },
    **{"min": "duration-minute", "mins": "duration-minute", "h": "duration-hour", "hr": "duration-hour"},
    **{
        "hrs": "duration-hour",
        "hPa": "pressure-hectopascal",
        "kPa": "pressure-kilopascal",
        "Pa": "pressure-pascal",
    },
    **{"mbar": "pressure-millibar", "psi": "pressure-pound-force-per-square-inch"},
    **{"px": "graphics-pixel", "dpi": "graphics-dot-per-inch", "lm": "light-lumen"},
    **{
        "mpg": "consumption-mile-per-gallon",
        "ppm": "concentr-part-per-1e6",
        "mmHg": "pressure-millimeter-ofhg",
    },
    **{"°C": "temperature-celsius", "°F": "temperature-fahrenheit", "℃": "temperature-celsius"},
    **{"℉": "temperature-fahrenheit", "N": "force-newton", "lx": "light-lux"},
}
_RATES = {
    **{"kbps": ("digital-kilobit", "s"), "Mbps": ("digital-megabit", "s"), "Gbps": ("digital-gigabit", "s")},
    **{"MBps": ("digital-megabyte", "s")},
}
_LENGTHS = ("length-foot", "length-inch")
_FEET = re.compile(
    r"(?<![\w.,'’])(\d{1,3})\s?(?:ft|feet|foot|['’′])\.?\s?(\d{1,2})\s?(?:in|inches|inch|[\"”″]|'')(?!\w)\.?"
)
_INCHES = re.compile(
    r"(?<![\w.,/])(\d{1,3}(?:\.\d{1,2})?)(?:[\"”″](?!\w)|\s?in\.(?=\s[a-z])|-?in(?=ch(?!\w))(?:ch))"
)
_PRIME = re.compile(r"(?<![\w.,])(\d{1,3})′(?!\w)")
_ALONE_RATE = re.compile(r"(?<![\w/])(km/h|m/s)(?![\w/])")
_WINDOW = 300


class Measures:
    """The patterns for measures in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._spellings = {**_UNITS, **SPELLINGS, **language.units}
        load_units(
            language,
            frozenset(self._spellings.values()) - NAMES.keys() | frozenset(_LENGTHS) | _named(_RATES),
        )
        spelled = sorted([*self._spellings, *_RATES], key=len, reverse=True)
        unit = "|".join(re.escape(each).replace(r"°", r"°\s?") for each in spelled)
        number = language.number
        sign = r"(?:(?<![\w)])(?:[-−+]|±\s?))?"
        dash = rf"\s?(?:-|–|—|{language['to']}\s|\.\.\.?)\s?"
        alone = r"(?<![\w.,/])(?<!\d\s)"
        self._measure = re.compile(
            rf"({sign}){alone}({number})(?:\s?({unit})(?![\w²³]))?(?:{dash}([-−+]?)({number}))?"
            rf"(\s|-(?=\w))?({unit})(?![\w²³]|['’]\w)(?:/({unit})(?![\w²³]))?"
        )
        self._percent = re.compile(
            rf"({sign})(?<![\w.,])({number})(?:\s?%)?(?:{dash}([-−+]?)({number}))?\s?(%|‰|bps(?!\w)|(?:pp|ppt)(?!\w))"
        )
        self._degrees = re.compile(
            rf"({sign})(?<![\w.,])({number})(?:\s?°)?(?:{dash}([-−+]?)({number}))?\s?°(?!\w)"
        )

    def read(self, reading: Reading) -> None:
        if not reading.has(DIGITS + "/"):
            return
        language = self._language
        feet, inches = language.unit("length-foot"), language.unit("length-inch")
        reading.say(_FEET, lambda m: f"{self._count(m[1], feet)} {self._count(m[2], inches)}", "tf'’′")
        reading.say(self._measure, self._said)
        reading.say(self._percent, self._percents, "%‰bp")
        reading.say(self._degrees, self._angle, "°")
        reading.say(_INCHES, self._inches, '"”″n')
        reading.say(_PRIME, lambda m: self._count(m[1], feet), "′")
        reading.say(_ALONE_RATE, lambda m: language.unit(_UNITS[m[1]])[1], "/")

    def _count(self, number: str, unit: tuple[str, str]) -> str:
        return f"{number} {unit[0] if self._language.is_one(number) else unit[1]}"

    def _inches(self, match: re.Match[str]) -> str | None:
        one, many = self._language.unit("length-inch")
        if _closes_a_quote(match):
            return None
        return self._count(match[1], (one, one if self._is_attributive(match) else many))

    def _said(self, match: re.Match[str]) -> str | None:
        sign, low, low_unit, high_sign, high, gap, unit, per = match.groups()
        if low_unit and high is None:
            return None
        if unit == "m" and re.match(r"\s?[$€£]", match.string[match.end() : match.end() + 2]):
            return None
        names = self._names(unit, per)
        names = (names[0], names[0]) if gap == "-" or self._is_attributive(match) else names
        if high is None:
            return f"{self._sign(sign)}{self._count(low, names)}"
        first = low
        if low_unit and low_unit != unit:
            first = self._count(low, self._names(low_unit, None))
        upper = f"{self._sign(high_sign)}{self._count(high, names)}"
        return f"{self._sign(sign)}{first} {self._language.until(match)} {upper}"

    def _is_attributive(self, match: re.Match[str]) -> bool:
        """A 5 kilometer run: before a noun, English has the singular."""
        before = match.string[max(0, match.start() - 3) : match.start()]
        following = match.string[match.end() : match.end() + 2]
        is_article = re.search(r"(?<!\w)[aA]\s$", before) is not None
        return self._language.code == "en" and is_article and re.match(r"\s[a-z]", following) is not None

    def _names(self, spelled: str, per: str | None) -> tuple[str, str]:
        language, key = self._language, re.sub(r"°\s", "°", spelled)
        name, rate = _RATES.get(key, (self._spellings.get(key, ""), per))
        one, many = language.unit(name)
        if rate is None:
            return one, many
        single = language.unit(self._spellings[re.sub(r"°\s", "°", rate)])[0]
        return f"{one} {language['per']} {single}", f"{many} {language['per']} {single}"

    def _sign(self, sign: str) -> str:
        word = {"-": "minus", "−": "minus", "+": "plus", "±": "plus or minus"}.get(sign.strip())
        return self._language[word] + " " if word else ""

    def _percents(self, match: re.Match[str]) -> str:
        sign, low, high_sign, high, mark = match.groups()
        word = {"%": "percent", "‰": "per thousand"}.get(mark)
        name = self._language[word] if word else "basis points" if mark == "bps" else "percentage points"
        return f"{self._range(match, sign, low, high_sign, high)} {name}"

    def _angle(self, match: re.Match[str]) -> str:
        return f"{self._range(match, *match.groups())} {self._language['degrees']}"

    def _range(
        self, match: re.Match[str], sign: str, low: str, high_sign: str | None, high: str | None
    ) -> str:
        said = f"{self._sign(sign)}{low}"
        to = self._language.until(match)
        return f"{said} {to} {self._sign(high_sign or '')}{high}" if high else said


def _named(rates: dict[str, tuple[str, str]]) -> frozenset[str]:
    return frozenset(name for name, _ in rates.values())


def _closes_a_quote(match: re.Match[str]) -> bool:
    """Whether the mark behind the number ends what an earlier one began."""
    mark = match[0][-1]
    before = match.string[max(0, match.start() - _WINDOW) : match.start()]
    return mark in '"”' and ("“" in before or before.count('"') % 2 == 1)
