"""Signs between words and numbers: arithmetic, relations, roots, powers, fractions, ratios, arrows.

What lives here: which sign means something where it stands, so that it is said; the rest has no sound
and becomes a space, which joins nothing. What must not: the words themselves (`languages/`).
"""

import re
import unicodedata

from .languages import Language
from .reading import MARKED, Reading

_LEFT = rf"(?<=[\w{MARKED})\]!%°'′])"
_RIGHT = rf"(?=[-−+±√]?[\w{MARKED}(\[.√])"
_UNICODE_FRACTION = re.compile(r"(?:(?<![\w.,])(\d{1,9})\s?)?([¼½¾⅐-⅞])")
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_MIXED_FRACTION = re.compile(r"(?<![\w/.,])(\d{1,6}) ([1-9]\d?)/([1-9]\d?)(?![\w/])(?!\.\d)")
_FRACTION = re.compile(r"(?<![\w/.,^])([1-9]\d?)/([1-9]\d{0,2})(?![\w/^])(?!\.\d)")
_HALF = re.compile(r"^one (?=half$|quarter$|third$)")
"""Two and a half, in English."""
_AS_ONE = re.compile(r"(?<![\w/.,])(?:24/7|50/50|9/11|20/20)(?![\w/])")
_QUOTIENT = re.compile(r"(?<![\w/.,])(\d{1,15}|[a-z]|(?<=\)))/(\d{1,15}|[a-z]|(?=\())(?![\w/])")
_DIVIDED = re.compile(rf"(?<=[\d{MARKED})])\s/\s(?=[\d(√{MARKED}])")
_PER_MEASURE = re.compile(rf"(?<=[{MARKED}])/(?=[\d{MARKED}])")
_PER = re.compile(
    rf"(?<=[\w{MARKED}])/(min|minute|hr|hour|h|day|week|month|mo|year|yr|person|night|sec|second|s)(?![\w/])"
)

_SUPERSCRIPTS = {
    "⁰": "0",
    "¹": "1",
    "²": "2",
    "³": "3",
    "⁴": "4",
    "⁵": "5",
    "⁶": "6",
    "⁷": "7",
    "⁸": "8",
    "⁹": "9",
}
_SUPERSCRIPTS |= {"⁻": "-", "⁺": "+", "ⁿ": "n", "ˣ": "x", "ⁱ": "i"}
_RAISED = re.compile(
    rf"(?:(?<=[\d)\]{MARKED}])|(?<=(?<![^\W\d_])[^\W\d_])|(?<=(?<![^\W\d_])[^\W\d_]{{2}})|(?<=sin|cos|tan|log))([{''.join(_SUPERSCRIPTS)}]{{1,12}})"
)
_SCIENTIFIC = re.compile(r"(?<![\w.])(\d{1,9}(?:[.,]\d{1,9})?)[eE]([-−+]?\d{1,3})(?!\w)")
_FOOTNOTE = re.compile(f"[{''.join(_SUPERSCRIPTS)}]{{1,8}}")
_SUBSCRIPT = re.compile("[\u2080-\u2089]{1,8}")
_EXPONENT = r"([-−+]?(?:\d{1,15}(?:\.\d{1,8})?|[a-zA-Z](?!\w)))"
_POWER = re.compile(
    rf"(?<=[\w{MARKED})\]])\s?(?:\^|\*\*)\s?"
    rf"(?:\({_EXPONENT}\)|{_EXPONENT})"
)
_POWER_OF = re.compile(rf"(?<=[\w{MARKED})\]])\s?(?:\^|\*\*)\s?(?=[\w{MARKED}(√-])")
_ROOT = re.compile(r"([√∛])\s?")
_FACTORIAL = re.compile(
    r"(?:(?<![\w'’.])([a-z]|\d{1,4}))!(?=\s=|\s?[+*/×·)÷−])|(?<![\w'’])([nkmr])!(?![\w=])"
)
_SHARP = re.compile(r"(?<![\w#&])([A-G])[#♯](m(?:in|aj)?)?(\d{1,2})?(?![\w#])|(?<![\w#])(C|F)#(?=\.)")
_GREEK = re.compile(r"(?<![\u0370-\u03ff\u1f00-\u1fff])[Α-Ωα-ω](?![\u0370-\u03ff\u1f00-\u1fff])")
_FLAT = re.compile(r"(?<!\w)([A-G])♭")
_NUMBERED = re.compile(r"(?<![\w#&])#\s?(?=\d)|№\s?")

_ANY = rf"{_LEFT}\s?(?:{{}})\s?{_RIGHT}"
_LOOSE = rf"(?:{_LEFT}\s?|(?<!\S))(?:{{}})\s?{_RIGHT}"
_EVEN = rf"{_LEFT}(?:\s(?:{{}})\s|(?:{{}})){_RIGHT}"
_OPERATORS: tuple[tuple[str, str, str], ...] = (
    (_LOOSE.format(r"≤|<=|⩽"), "at most", "≤<⩽"),
    (_LOOSE.format(r"≥|>=|⩾"), "at least", "≥>⩾"),
    (_LOOSE.format(r"≠|!=|=/="), "unequal", "≠!="),
    (_LOOSE.format(r"≡"), "identical", "≡"),
    (_LOOSE.format(r"[≈≃≅~∼](?=\s?[-\d$€£√π{MARKED}])".replace("{MARKED}", MARKED)), "about", "≈≃≅~∼"),
    (_ANY.format(r"[≈≃≅∼]"), "about", "≈≃≅~∼"),
    (_ANY.format(r"[→➔➜⟶↦]|-{1,3}>|={2,3}>"), "to", "→➔➜⟶↦>"),
    (_ANY.format(r"⇒|⟹|=>|∴"), "so", "⇒⟹>∴"),
    (_ANY.format(r"[↔⇔⟷]|<-{1,2}>|<=>"), "and", "↔⇔⟷>"),
    (_LOOSE.format(r"(?<![<])<(?![<>=|/])(?=\s?[-\d$€£.{MARKED}])".replace("{MARKED}", MARKED)), "less", "<"),
    (
        _LOOSE.format(r"(?<![->=])>(?![>=])(?=\s?[-\d$€£.{MARKED}])".replace("{MARKED}", MARKED)),
        "greater",
        ">",
    ),
    (_EVEN.format("<", rf"(?<=[\d{MARKED}])<|(?<=(?<!\w)\w)<(?=\w(?!\w))"), "less", "<"),
    (_EVEN.format(">", rf"(?<=[\d{MARKED}])>|(?<=(?<!\w)\w)>(?=\w(?!\w))"), "greater", ">"),
    (_LOOSE.format(r"±|\+/-|\+-"), "plus or minus", "±+"),
    (_ANY.format(r"[*×·∙⋅✕✖⨯](?!\*)"), "times", "*×·∙⋅✕✖⨯"),
    (_ANY.format(r"÷"), "divided by", "÷"),
    (_LOOSE.format(r"={1,3}|:="), "equals", "="),
    (_LOOSE.format(r"∝"), "proportional", "∝"),
    (_ANY.format(r"∈"), "element", "∈"),
)
"""In this order; each is put into the word of its name."""
_COMPILED = tuple((re.compile(pattern), word, needs) for pattern, word, needs in _OPERATORS)
_COEFFICIENT = re.compile(r"(?<=\d)(?=[abcknxyz](?:\s?[-+*/=<>^)≤≥≠×·−²³]|[.,;:!?]?$))")
_CROSS = re.compile(r"(?<=\d)\s?x\s?(?=\d)|(?<=\d)x(?=\s[a-z]{2})")
"""3x4, 3 x 4, and 2x."""

_MINUS = re.compile(rf"(?<=[\w{MARKED})\]])\s?−\s?(?=[\w{MARKED}(])")
_NEGATIVE = re.compile(rf"(?<![\w)\]{MARKED}–—-])[-−](?=[.\d{MARKED}√])")
_TWO_MINUSES = re.compile(r"(?<=\d)\s[-−]\s[-−](?=\d)")
_EQUATION = re.compile(
    rf"(?:(?<=[\d)\]{MARKED}])|(?<=(?<!\w)[a-zA-Z]))( ?)-( ?)(?=(?:\d|[a-zA-Z](?!\w)|[({MARKED}√])"
    rf"(?:[\s\d.+*/^()×÷−{MARKED}-]|(?<!\w)[a-zA-Z](?!\w)){{0,40}}=)"
    r"|(?<=(?<![^\W\d])[b-hj-z])( )-( )(?=[b-hj-z](?!\w)|\d)"
)
_BETWEEN = re.compile(
    r"(?<![\w.,-])(\d{1,9}(?:[.,]\d{1,6})?)\s?([-–])\s?(\d{1,9}(?:[.,]\d{1,6})?)(?![\w-])(?![.,]\d)"
)
_SPAN = re.compile(
    rf"(?<=[\d{MARKED}])\s?–\s?(?=[\d{MARKED}])|(?<=[{MARKED}])-(?=[{MARKED}\d])|(?<=\d)-(?=[{MARKED}])"
)
_RATIO = re.compile(r"(?<![\w:.,])(\d{1,4}(?:\.\d{1,3})?):(\d{1,4}(?:\.\d{1,3})?)(?![\w:])(?!\.\d)")
_PLUS_PLUS = re.compile(r"(?<=[A-Za-z])\+\+(?![\w+])")
_PLUS = re.compile(r"\+{1,4}")
_AND = re.compile(r"\s?&{1,2}\s?")
_PERCENT = re.compile(r"\s?%")
_SYMBOL = re.compile("[\u2200-\u22ff]")
_ARROWS = re.compile("[\u2190-\u21ff\u27f0-\u27ff\u2934\u2935]")
_BARE = tuple(
    (re.compile(sign), word)
    for sign, word in (("∞", "infinity"), ("‰", "per thousand"), ("±", "plus or minus"), ("÷", "divided by"))
)
_SECTION = re.compile(r"§{1,2}\s?(?=\d)")
_COLON_DIGITS = re.compile(r"(?<=\d):(?=\d)|(?<=\d)[·∙](?=\d)|(?<=\d)['’](?=\d)")
_SLASH = re.compile(r"\s?/\s?")


def read(reading: Reading, language: Language) -> None:
    """Say the signs that stand between what is said."""
    reading.say(_COEFFICIENT, " ", "abcknxyz")
    _letters(reading, language)
    _fractions(reading, language)
    _powers(reading, language)
    _ranges(reading, language)
    reading.say(_NEGATIVE, language["minus"], "-−")
    for pattern, word, needs in _COMPILED:
        reading.say(pattern, language[word], needs)
    reading.say(_CROSS, language["times"], "x")
    reading.say(_MINUS, language["minus"], "−")
    reading.say(_PLUS_PLUS, f"{language['plus']} {language['plus']}", "+")
    reading.say(_PLUS, language["plus"], "+")
    reading.say(_AND, language["and"], "&")
    reading.say(_PERCENT, language["percent"], "%")
    reading.say(_SECTION, language["paragraph"], "§")
    for bare, word in _BARE:
        reading.say(bare, language[word], bare.pattern)
    reading.say(_PER_MEASURE, language["per"], "/")
    reading.say(_PER, lambda m: language.times.get(m[1]) or f"{language['per']} {m[1]}", "/")
    reading.say(_COLON_DIGITS, " ", ":·∙'’")
    reading.say(_SLASH, " ", "/")
    if not reading.text.isascii():
        reading.say(_SYMBOL, lambda match: language.letters.get(match[0]))
        reading.say(_ARROWS, " ")


def _letters(reading: Reading, language: Language) -> None:
    """Notes, C#, numbers behind #, and Greek letters that stand alone."""

    def sharp(match: re.Match[str]) -> str:
        kind = {"m": "minor", "min": "minor", "maj": "major"}.get(match[2] or "", "")
        return " ".join(f"{match[1] or match[4]} {language['sharp']} {kind} {match[3] or ''}".split())

    reading.say(_SHARP, sharp, "#♯")
    reading.say(_FLAT, lambda match: f"{match[1]} flat", "♭")
    reading.say(_NUMBERED, language["number"], "#№")
    if not reading.text.isascii():
        reading.say(_GREEK, lambda match: language.letters.get(match[0]))


def _fractions(reading: Reading, language: Language) -> None:
    def vulgar(match: re.Match[str]) -> str:
        top, bottom = (int(part) for part in unicodedata.normalize("NFKC", match[2]).split("\u2044"))
        said = language.fraction(top, bottom) or f"{top} {language['over']} {bottom}"
        return f"{match[1]} {language['and']} {_HALF.sub('a ', said)}" if match[1] else said

    def mixed(match: re.Match[str]) -> str | None:
        said = language.fraction(int(match[2]), int(match[3]))
        if said is None or int(match[2]) >= int(match[3]):
            return None
        return f"{match[1]} {language['and']} {_HALF.sub('a ', said)}"

    def quotient(match: re.Match[str]) -> str:
        return f"{match[1]} {language['over']} {match[2]}"

    reading.say(_AS_ONE, lambda match: match[0].replace("/", " "), "/")
    reading.say(_UNICODE_FRACTION, vulgar, _VULGAR)
    reading.say(_MIXED_FRACTION, mixed, "/")
    reading.say(
        _FRACTION, lambda m: language.fraction(int(m[1]), int(m[2])) if int(m[1]) < int(m[2]) else None, "/"
    )
    reading.say(_QUOTIENT, quotient, "/")
    reading.say(_DIVIDED, language["divided by"], "/")


def _powers(reading: Reading, language: Language) -> None:
    def power(exponent: str) -> str:
        if exponent in ("2", "3"):
            return language["squared" if exponent == "2" else "cubed"]
        sign = language["minus"] + " " if exponent[0] in "-−" else ""
        return f"{language['power']} {sign}{exponent.lstrip('-−+')}"

    def raised(match: re.Match[str]) -> str:
        return power("".join(_SUPERSCRIPTS[sign] for sign in match[1]))

    times = f"{language['times']} 10"
    reading.say(_SCIENTIFIC, lambda match: f"{match[1]} {times} {power(match[2])}", "eE")
    if not reading.text.isascii():
        reading.say(_RAISED, raised)
        reading.say(_FOOTNOTE, " ")
        reading.say(_SUBSCRIPT, lambda match: unicodedata.normalize("NFKC", match[0]))
    reading.say(_POWER, lambda match: power(match[1] or match[2]), "^*")
    reading.say(_POWER_OF, language["power"], "^*")
    reading.say(_ROOT, lambda match: language["root" if match[1] == "√" else "cube root"], "√∛")
    reading.say(_FACTORIAL, lambda match: f"{match[1] or match[2]} {language['factorial']}", "!")


def _ranges(reading: Reading, language: Language) -> None:
    def between(match: re.Match[str]) -> str | None:
        low, mark, high = match.groups()
        is_spaced = match[0] != f"{low}{mark}{high}"
        if is_spaced and mark == "–":
            return None
        if is_spaced and _falls(low, high):
            return f"{low} {language['minus']} {high}"
        return f"{low} {language.until(match)} {high}"

    reading.say(_TWO_MINUSES, f"{language['minus']} {language['minus']}", "-−")
    reading.say(_EQUATION, language["minus"], "-")
    reading.say(_BETWEEN, between, "-–")
    reading.say(_SPAN, language["to"], "-–")
    reading.say(_RATIO, lambda match: f"{match[1]} {language['to']} {match[2]}", ":")


def _falls(low: str, high: str) -> bool:
    return float(low.replace(",", ".")) > float(high.replace(",", "."))
