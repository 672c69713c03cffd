"""How Spanish, French, Italian and Portuguese say what is not written as words.

What lives here: their words, dates and abbreviations. They are one idea in four vocabularies: a comma
for the decimals, the day before the month, years read as numbers, and a first of the month.
"""

import re
from collections.abc import Callable, Mapping

from ..reading import Say
from .language import Language


def _year(number: int) -> str:
    return str(number)


def _dates(months: Mapping[str, int], first: str, of: str) -> Callable[[int | None, int, int | None], str]:
    """Day, month, year with `of` between them; the first of a month has its own word."""
    names = {number: name for name, number in reversed(list(months.items()))}

    def date(day: int | None, month: int, of_year: int | None) -> str:
        said = [] if day is None else [first if day == 1 else str(day)]
        said += [names[month]] + ([str(of_year)] if of_year else [])
        return f" {of} ".join(said) if of else " ".join(said)

    return date


def _fractions(
    halves: tuple[str, str], names: Mapping[int, tuple[str, str]], one: str
) -> Callable[[int, int], str | None]:
    def fraction(top: int, bottom: int) -> str | None:
        if bottom == 2:
            return halves[0] if top == 1 else f"{top} {halves[1]}"
        if bottom not in names:
            return None
        return f"{one} {names[bottom][0]}" if top == 1 else f"{top} {names[bottom][1]}"

    return fraction


def _months(names: str, *short: tuple[str, int]) -> dict[str, int]:
    """The short ones behind the full ones, which are those that are said."""
    full = {name: number for number, name in enumerate(names.split(), 1)}
    return full | dict(short)


def _shorts(words: Mapping[str, str]) -> tuple[re.Pattern[str], Say]:
    pattern = re.compile(
        rf"(?<![\w.])({'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})(?!\w)"
    )

    def say(match: re.Match[str]) -> str:
        """The full stop that ends the text stays."""
        is_last = match[0].endswith(".") and not match.string[match.end() :].strip()
        return words[match[1]] + ("." if is_last else "")

    return pattern, say


def _hour(between: str, one: str, many: str) -> Callable[[int, int, str], str]:
    def clock(hour: int, minute: int, half: str) -> str:
        said = f"{hour} {one if hour == 1 else many}".strip()
        return f"{said} {between} {minute}".replace("  ", " ") if minute else said

    return clock


_ARTICLE_MONTHS_ES = (
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
)

SPANISH = Language(
    code="es",
    region="ES",
    words={
        **{"to": "a", "minus": "menos", "plus": "más", "point": "punto", "dot": "punto", "at": "arroba"},
        **{"underscore": "guion bajo", "dash": "guion", "hashtag": "almohadilla", "number": "número"},
        **{"percent": "por ciento", "per": "por", "of": "de", "over": "sobre", "times": "por"},
        **{"divided by": "entre", "equals": "igual a", "and": "y", "about": "aproximadamente"},
        **{"power": "elevado a", "squared": "al cuadrado", "cubed": "al cubo", "root": "raíz cuadrada de"},
        **{"cube root": "raíz cúbica de", "sharp": "sharp", "less": "menor que", "greater": "mayor que"},
        **{"at most": "menor o igual que", "at least": "mayor o igual que", "unequal": "distinto de"},
        **{"infinity": "infinito", "plus or minus": "más menos", "version": "versión", "degrees": "grados"},
        **{"per thousand": "por mil", "cents between": "con|céntimos|céntimo", "factorial": "factorial"},
        **{
            "section": "sección",
            "identical": "idéntico a",
            "element": "en",
            "so": "entonces",
            "up": "arriba",
        },
        **{"down": "abajo", "proportional": "proporcional a", "paragraph": "artículo"},
    },
    digits=tuple(re.findall(r"\S+", "cero uno dos tres cuatro cinco seis siete ocho nueve")),
    scales={
        **dict.fromkeys(("k", "K", "mil"), ("mil", "mil")),
        **dict.fromkeys(("M", "mill.", "millón", "millones", "m"), ("millón", "millones")),
        **dict.fromkeys(("bn", "mil millones"), ("mil millones", "mil millones")),
        **dict.fromkeys(("billón", "billones"), ("billón", "billones")),
    },
    fraction=_fractions(
        ("medio", "medios"),
        {
            3: ("tercio", "tercios"),
            4: ("cuarto", "cuartos"),
            5: ("quinto", "quintos"),
            8: ("octavo", "octavos"),
        },
        "un",
    ),
    year=_year,
    date=_dates(_months(_ARTICLE_MONTHS_ES), "primero", "de"),
    clock=_hour("y", "", ""),
    times={
        **dict.fromkeys(("h", "hora"), "por hora"),
        **dict.fromkeys(("día", "dia"), "por día"),
        **{"mes": "por mes", "año": "por año", "kg": "por kilo", "l": "por litro", "s": "por segundo"},
    },
    months=_months(
        _ARTICLE_MONTHS_ES,
        *(("ene", 1), ("feb", 2), ("mar", 3), ("abr", 4), ("jun", 6), ("jul", 7), ("ago", 8), ("sept", 9)),
        *(("oct", 10), ("nov", 11), ("dic", 12)),
    ),
    rules=(
        (re.compile(r"(?<![\w.,])1[.]?º(?!\w)|(?<![\w.,])1\.?er(?!\w)"), "primero"),
        (re.compile(r"(?<![\w.,])1[.]?ª(?!\w)"), "primera"),
        _shorts(
            {
                **{"Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Dr.": "doctor", "Dra.": "doctora"},
                **{"p. ej.": "por ejemplo", "p.ej.": "por ejemplo", "etc.": "etcétera", "Ud.": "usted"},
                **{
                    "Uds.": "ustedes",
                    "EE. UU.": "Estados Unidos",
                    "EE.UU.": "Estados Unidos",
                    "pág.": "página",
                },
                **{
                    "n.º": "número",
                    "nº": "número",
                    "N.º": "número",
                    "tel.": "teléfono",
                    "aprox.": "aproximadamente",
                },
            }
        ),
    ),
)

_MONTHS_FR = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"

FRENCH = Language(
    code="fr",
    region="FR",
    words={
        **{"to": "à", "minus": "moins", "plus": "plus", "point": "point", "dot": "point", "at": "arobase"},
        **{"underscore": "tiret bas", "dash": "tiret", "hashtag": "hashtag", "number": "numéro"},
        **{"percent": "pour cent", "per": "par", "of": "de", "over": "sur", "times": "fois"},
        **{"divided by": "divisé par", "equals": "égale", "and": "et", "about": "environ"},
        **{"power": "puissance", "squared": "au carré", "cubed": "au cube", "root": "racine carrée de"},
        **{
            "cube root": "racine cubique de",
            "sharp": "sharp",
            "less": "inférieur à",
            "greater": "supérieur à",
        },
        **{"at most": "inférieur ou égal à", "at least": "supérieur ou égal à", "unequal": "différent de"},
        **{"infinity": "infini", "plus or minus": "plus ou moins", "version": "version", "degrees": "degrés"},
        **{"per thousand": "pour mille", "cents between": "|centimes|centime", "factorial": "factorielle"},
        **{"section": "section", "identical": "identique à", "element": "dans", "so": "donc", "up": "haut"},
        **{"down": "bas", "proportional": "proportionnel à", "paragraph": "paragraphe"},
    },
    digits=tuple(re.findall(r"\S+", "zéro un deux trois quatre cinq six sept huit neuf")),
    scales={
        **dict.fromkeys(("k", "K", "mille"), ("mille", "mille")),
        **dict.fromkeys(("M", "m", "mio", "million", "millions"), ("million", "millions")),
        **dict.fromkeys(("Md", "Mds", "mds", "milliard", "milliards"), ("milliard", "milliards")),
    },
    fraction=_fractions(
        ("un demi", "demis"),
        {
            3: ("tiers", "tiers"),
            4: ("quart", "quarts"),
            5: ("cinquième", "cinquièmes"),
            8: ("huitième", "huitièmes"),
        },
        "un",
    ),
    year=_year,
    date=_dates(_months(_MONTHS_FR), "premier", ""),
    clock=_hour("", "heure", "heures"),
    times={
        **dict.fromkeys(("h", "heure"), "par heure"),
        **{"jour": "par jour", "j": "par jour", "mois": "par mois", "an": "par an", "kg": "le kilo"},
        **{"l": "le litre", "s": "par seconde", "min": "par minute"},
    },
    months=_months(
        _MONTHS_FR,
        *(
            ("janv", 1),
            ("févr", 2),
            ("avr", 4),
            ("juil", 7),
            ("sept", 9),
            ("oct", 10),
            ("nov", 11),
            ("déc", 12),
        ),
    ),
    rules=(
        (
            re.compile(r"(?<![\w.,])(\d{1,2})\s?h(?!\w)"),
            lambda m: f"{m[1]} {'heure' if m[1] == '1' else 'heures'}",
        ),
        (re.compile(r"(?<![\w.,])1er(?!\w)"), "premier"),
        (re.compile(r"(?<![\w.,])1(?:re|ère)(?!\w)"), "première"),
        (re.compile(r"(?<!\w)[nN]°\s?(?=\d)"), "numéro "),
        (re.compile(r"(?<![\w.])M\.\s(?=[A-ZÀ-Þ])"), "monsieur "),
        _shorts(
            {
                **{
                    "Mme": "madame",
                    "Mlle": "mademoiselle",
                    "MM.": "messieurs",
                    "Dr": "docteur",
                    "etc.": "et cetera",
                },
                **{
                    "p. ex.": "par exemple",
                    "p.ex.": "par exemple",
                    "c.-à-d.": "c'est-à-dire",
                    "env.": "environ",
                },
                **{"tél.": "téléphone", "av.": "avenue", "bd": "boulevard", "St": "saint", "Ste": "sainte"},
            }
        ),
    ),
)

_MONTHS_IT = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"

ITALIAN = Language(
    code="it",
    region="IT",
    words={
        **{"to": "a", "minus": "meno", "plus": "più", "point": "punto", "dot": "punto", "at": "chiocciola"},
        **{"underscore": "trattino basso", "dash": "trattino", "hashtag": "hashtag", "number": "numero"},
        **{"percent": "per cento", "per": "per", "of": "di", "over": "su", "times": "per"},
        **{"divided by": "diviso", "equals": "uguale", "and": "e", "about": "circa"},
        **{"power": "elevato a", "squared": "al quadrato", "cubed": "al cubo", "root": "radice quadrata di"},
        **{"cube root": "radice cubica di", "sharp": "sharp", "less": "minore di", "greater": "maggiore di"},
        **{"at most": "minore o uguale a", "at least": "maggiore o uguale a", "unequal": "diverso da"},
        **{"infinity": "infinito", "plus or minus": "più o meno", "version": "versione", "degrees": "gradi"},
        **{"per thousand": "per mille", "cents between": "e|centesimi|centesimo", "factorial": "fattoriale"},
        **{"section": "sezione", "identical": "identico a", "element": "in", "so": "quindi", "up": "su"},
        **{"down": "giù", "proportional": "proporzionale a", "paragraph": "paragrafo"},
    },
    digits=tuple(re.findall(r"\S+", "zero uno due tre quattro cinque sei sette otto nove")),
    scales={
        **dict.fromkeys(("k", "K", "mila"), ("mila", "mila")),
        **dict.fromkeys(("M", "mln", "milione", "milioni"), ("milione", "milioni")),
        **dict.fromkeys(("Mrd", "mld", "miliardo", "miliardi"), ("miliardo", "miliardi")),
    },
    fraction=_fractions(
        ("un mezzo", "mezzi"),
        {3: ("terzo", "terzi"), 4: ("quarto", "quarti"), 5: ("quinto", "quinti"), 8: ("ottavo", "ottavi")},
        "un",
    ),
    year=_year,
    date=_dates(_months(_MONTHS_IT), "primo", ""),
    clock=_hour("e", "", ""),
    times={
        **dict.fromkeys(("h", "ora"), "all'ora"),
        **{"giorno": "al giorno", "mese": "al mese", "anno": "all'anno", "kg": "al chilo", "l": "al litro"},
        **{"s": "al secondo", "min": "al minuto"},
    },
    months=_months(_MONTHS_IT, ("gen", 1), ("feb", 2), ("apr", 4), ("ott", 10), ("nov", 11), ("dic", 12)),
    rules=(
        (re.compile(r"(?<![\w.,])1[°º](?!\s?[CF](?!\w))(?!\w)"), "primo"),
        (re.compile(r"(?<![\w.,])1ª(?!\w)"), "prima"),
        _shorts(
            {
                **{"Sig.": "signor", "Sig.ra": "signora", "Dott.": "dottor", "Dott.ssa": "dottoressa"},
                **{
                    "Prof.": "professor",
                    "Avv.": "avvocato",
                    "ecc.": "eccetera",
                    "es.": "esempio",
                    "pag.": "pagina",
                },
                **{
                    "p.es.": "per esempio",
                    "tel.": "telefono",
                    "n.": "numero",
                    "dott.": "dottor",
                    "sig.": "signor",
                },
            }
        ),
    ),
)

_MONTHS_PT = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"

PORTUGUESE = Language(
    code="pt",
    region="PT",
    words={
        **{"to": "a", "minus": "menos", "plus": "mais", "point": "ponto", "dot": "ponto", "at": "arroba"},
        **{"underscore": "underscore", "dash": "hífen", "hashtag": "hashtag", "number": "número"},
        **{"percent": "por cento", "per": "por", "of": "de", "over": "sobre", "times": "vezes"},
        **{"divided by": "dividido por", "equals": "igual a", "and": "e", "about": "cerca de"},
        **{"power": "elevado a", "squared": "ao quadrado", "cubed": "ao cubo", "root": "raiz quadrada de"},
        **{"cube root": "raiz cúbica de", "sharp": "sharp", "less": "menor que", "greater": "maior que"},
        **{"at most": "menor ou igual a", "at least": "maior ou igual a", "unequal": "diferente de"},
        **{"infinity": "infinito", "plus or minus": "mais ou menos", "version": "versão", "degrees": "graus"},
        **{"per thousand": "por mil", "cents between": "e|cêntimos|cêntimo", "factorial": "fatorial"},
        **{"section": "seção", "identical": "idêntico a", "element": "em", "so": "então", "up": "acima"},
        **{"down": "abaixo", "proportional": "proporcional a", "paragraph": "parágrafo"},
    },
    digits=tuple(re.findall(r"\S+", "zero um dois três quatro cinco seis sete oito nove")),
    scales={
        **dict.fromkeys(("k", "K", "mil"), ("mil", "mil")),
        **dict.fromkeys(("M", "mi", "milhão", "milhões"), ("milhão", "milhões")),
        **dict.fromkeys(("bi", "bilhão", "bilhões"), ("bilhão", "bilhões")),
    },
    fraction=_fractions(
        ("meio", "meios"),
        {
            3: ("terço", "terços"),
            4: ("quarto", "quartos"),
            5: ("quinto", "quintos"),
            8: ("oitavo", "oitavos"),
        },
        "um",
    ),
    year=_year,
    date=_dates(_months(_MONTHS_PT), "primeiro", "de"),
    clock=_hour("e", "hora", "horas"),
    times={
        **dict.fromkeys(("h", "hora"), "por hora"),
        **{"dia": "por dia", "mês": "por mês", "ano": "por ano", "kg": "por quilo", "l": "por litro"},
        **{"s": "por segundo", "min": "por minuto"},
    },
    months=_months(
        _MONTHS_PT,
        *(("jan", 1), ("fev", 2), ("abr", 4), ("jun", 6), ("jul", 7), ("ago", 8), ("set", 9), ("out", 10)),
        *(("nov", 11), ("dez", 12)),
    ),
    rules=(
        (
            re.compile(r"(?<![\w.,])(\d{1,2})\s?h(?!\w)"),
            lambda m: f"{m[1]} {'hora' if m[1] == '1' else 'horas'}",
        ),
        (re.compile(r"(?<![\w.,])1[.]?[º°](?!\s?[CF](?!\w))(?!\w)"), "primeiro"),
        (re.compile(r"(?<![\w.,])1[.]?ª(?!\w)"), "primeira"),
        _shorts(
            {
                **{
                    "Sr.": "senhor",
                    "Sra.": "senhora",
                    "Dr.": "doutor",
                    "Dra.": "doutora",
                    "etc.": "etcétera",
                },
                **{"p. ex.": "por exemplo", "p.ex.": "por exemplo", "n.º": "número", "nº": "número"},
                **{"pág.": "página", "tel.": "telefone", "aprox.": "aproximadamente", "Prof.": "professor"},
            }
        ),
    ),
)
