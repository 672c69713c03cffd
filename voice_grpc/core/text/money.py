"""Amounts of money: signs and codes on either side, scales, ranges, cents, and what they are paid for.

What lives here: one shape for all of them, so that nothing that belongs to an amount is left behind it.
What must not: how a currency is called, which the CLDR knows (`languages/language.py`).
"""

import re

from .languages import Language
from .reading import DIGITS, Reading

_SIGNS = {
    **{
        "$": "USD",
        "€": "EUR",
        "£": "GBP",
        "¥": "JPY",
        "￥": "JPY",
        "₹": "INR",
        "₩": "KRW",
        "₽": "RUB",
        "₺": "TRY",
    },
    **{"₴": "UAH", "₪": "ILS", "₫": "VND", "฿": "THB", "₱": "PHP", "₦": "NGN", "₡": "CRC", "₲": "PYG"},
    **{
        "₵": "GHS",
        "₸": "KZT",
        "₭": "LAK",
        "₮": "MNT",
        "₼": "AZN",
        "₾": "GEL",
        "৳": "BDT",
        "₨": "PKR",
        "R$": "BRL",
    },
}
"""Read by the everyday name: dollars, pounds."""
_LETTERED = {
    **{"US$": "USD", "AU$": "AUD", "A$": "AUD", "CA$": "CAD", "C$": "CAD", "NZ$": "NZD", "HK$": "HKD"},
    **{"S$": "SGD", "NT$": "TWD", "MX$": "MXN", "zł": "PLN", "Kč": "CZK", "RMB": "CNY"},
}
_CODES = re.findall(
    r"\S+",
    "USD EUR GBP JPY CHF CNY INR KRW AUD CAD NZD SEK NOK DKK ISK PLN CZK HUF RON BGN RUB TRY UAH BRL MXN ARS"
    " CLP COP PEN ZAR ILS AED SAR QAR EGP NGN KES HKD SGD TWD THB IDR MYR PHP VND PKR",
)
_ALSO_WORDS = {"TRY", "COP", "PEN", "RON", "SAR", "MYR", "CLP", "KES"}
"""Currencies only where they are written large."""
_CENTS = {"USD", "EUR", "AUD", "CAD", "NZD", "HKD", "SGD", "GBP"}
"""Whose hundredth part has a name in daily use; of others the amount is read as a number."""
_ANY_SIGN = "|".join(map(re.escape, sorted([*_SIGNS, "₿", *_LETTERED], key=len, reverse=True)))
_ANY_CODE = "|".join([*_CODES, *(code.lower() for code in _CODES if code not in _ALSO_WORDS)])
_PER = r"(?:\s?/\s?([^\W\d_]{1,14})(?![\w/]))?"
_LONE = re.compile(r"(?<!\w)[€£¥₹₩](?!\w)|(?<!\S)\$(?=\s[a-z])")
"""The currency itself: the € rose."""


class Money:
    """The patterns for amounts in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._names = {sign: language.everyday(code) for sign, code in _SIGNS.items()}
        self._names |= {sign: language.currency(code) for sign, code in _LETTERED.items()}
        self._names |= {code.upper(): language.currency(code) for code in _CODES}
        self._names |= {
            "kr": ("krona", "kronor"),
            "Fr.": language.everyday("CHF"),
            "₿": ("bitcoin", "bitcoin"),
        }

        amount = self._amount()
        self._before_amount = re.compile(
            rf"((?<![\w)])[-−])?((?<![A-Za-z])(?:{_ANY_SIGN})|(?<!\w)(?:{_ANY_CODE}|kr\.?|Fr\.|Rs\.?)(?=\s?\d))"
            rf"\s?([-−])?{amount}(?![\d])(?:\s?(?<=[\s\d])({_ANY_CODE})(?!\w))?{_PER}"
        )
        """Sign or code first. Groups: minus, money, minus, amount and scale twice, money again, what for."""
        self._after_amount = re.compile(
            rf"((?<!\S)[-−]\s?)?(?<![\w.,]){amount}(?:\sd[ei](?=\s)|\sd['’])?"
            rf"\s?({_ANY_SIGN}|¢|(?:{_ANY_CODE}|ct|kr|Fr\.)(?!\w)){_PER}"
        )
        """Amount first. Groups: minus, amount and scale twice, money, what for."""

    def _amount(self) -> str:
        """One or a range; groups: number, scale, number, scale."""
        scales = "|".join(map(re.escape, sorted(self._language.scales, key=len, reverse=True)))
        scale, number = rf"(?:\s?({scales})(?![\w]))?", self._language.number
        dash = rf"\s?(?:-|–|—|−|{self._language['to']}\s)\s?"
        return rf"({number}){scale}(?:{dash}(?:{_ANY_SIGN}|{_ANY_CODE})?\s?({number})(?!\d){scale})?"

    def read(self, reading: Reading) -> None:
        if reading.has(DIGITS):
            reading.say(self._before_amount, self._before)
            reading.say(self._after_amount, self._after)
        reading.say(_LONE, lambda match: self._names[match[0]][0], "€£¥₹₩$")

    def _before(self, match: re.Match[str]) -> str:
        minus, money, inner, low, low_scale, high, high_scale, code, unit = match.groups()
        name = self._name(code or money)
        name = (name[0], name[0], name[2]) if self._is_attributive(match) else name
        said = self._said(name, (low, low_scale), (high, high_scale), self._language.until(match))
        return f"{self._language['minus'] + ' ' if minus or inner else ''}{said}{self._for(unit)}"

    def _after(self, match: re.Match[str]) -> str:
        minus, low, low_scale, high, high_scale, money, unit = match.groups()
        ends = (low, low_scale), (high, high_scale)
        said = self._said(self._name(money), *ends, self._language.until(match))
        return f"{self._language['minus'] + ' ' if minus else ''}{said}{self._for(unit)}"

    def _is_attributive(self, match: re.Match[str]) -> bool:
        """A 5 dollar coffee: before a noun, English has the singular."""
        before = match.string[max(0, match.start() - 3) : match.start()].lower()
        noun = re.match(r"\s[a-z]", match.string[match.end() : match.end() + 2])
        return (
            self._language.code == "en" and re.search(r"(?<!\w)a\s$", before) is not None and noun is not None
        )

    def _name(self, money: str) -> tuple[str, str, str]:
        """One, many, and the hundredth part if it has a name."""
        _, cents, cent = self._language["cents between"].split("|")
        if money in ("¢", "ct"):
            return cent, cents, ""
        money = {"kr.": "kr", "Rs.": "₹", "Rs": "₹"}.get(money, money)
        one, many = self._names.get(money) or self._names[money.upper()]
        code = _SIGNS.get(money) or _LETTERED.get(money) or money.upper()
        cents = "pence" if code == "GBP" and self._language.code == "en" else cents
        return one, many, cents if code in _CENTS else ""

    def _said(
        self,
        name: tuple[str, str, str],
        low: tuple[str, str | None],
        high: tuple[str | None, str | None],
        to: str,
    ) -> str:
        """`to`: the word between the two, where there are two."""
        if high[0] is None:
            return self._one(name, *low)
        upper = self._one(name, high[0], high[1])
        has_cents = any(re.search(r"[.,]\d\d$", number) for number in (low[0], high[0]))
        if has_cents and not high[1]:
            return f"{self._one(name, *low)} {to} {upper}"
        scale = self._scaled(low[0], low[1])[0] if low[1] and low[1] != high[1] else ""
        return " ".join(f"{low[0]} {scale} {to} {upper}".split())

    def _scaled(self, number: str, scale: str) -> tuple[str, str]:
        one, many = self._language.scales[scale]
        word = one if self._language.is_one(number) else many
        return word, self._language["of"] if one != many else ""

    def _one(self, name: tuple[str, str, str], number: str, scale: str | None) -> str:
        one, many, part = name
        if scale:
            word, of = self._scaled(number, scale)
            of = "d'" if of == "de" and self._language.code == "fr" and many[0] in "aeiou" else of + " "
            return f"{number} {word} {of.lstrip()}{many}"
        whole, point, cents = number.rpartition("," if self._language.is_comma_decimal else ".")
        if not point or len(cents) != 2 or not part:
            return f"{number} {one if self._language.is_one(number) else many}"
        named = one if self._language.is_one(whole) else many
        if cents == "00":
            return f"{whole} {named}"
        if whole == "0":
            return f"{int(cents)} {part}"
        between = self._language["cents between"].split("|")[0]
        smaller = f" {part}" if cents[0] == "0" else ""
        return " ".join(f"{whole} {named} {between} {int(cents)}{smaller}".split())

    def _for(self, unit: str | None) -> str:
        if not unit:
            return ""
        return " " + (self._language.times.get(unit.lower()) or f"{self._language['per']} {unit}")
