"""How Italian says what is not written as words."""

import re

from .language import Language
from .romance import abbreviations, dates, fractions, hours, months, year_as_number

_MONTHS_IT = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"

ITALIAN = Language(
    code="it",
    region="IT",
    between="tra|fra",
    on=r"il|del|dal|al|entro\sil",
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
    fraction=fractions(
        ("un mezzo", "mezzi"),
        {3: ("terzo", "terzi"), 4: ("quarto", "quarti"), 5: ("quinto", "quinti"), 8: ("ottavo", "ottavi")},
        "un",
    ),
    year=year_as_number,
    date=dates(months(_MONTHS_IT), "primo", ""),
    clock=hours("e", "", ""),
    times={
        **dict.fromkeys(("h", "ora"), "all'ora"),
        **{"giorno": "al giorno", "mese": "al mese", "anno": "all'anno", "kg": "al chilo", "l": "al litro"},
        **{"s": "al secondo", "min": "al minuto"},
    },
    months=months(_MONTHS_IT, ("gen", 1), ("feb", 2), ("apr", 4), ("ott", 10), ("nov", 11), ("dic", 12)),
    rules=(
        (re.compile(r"(?<![\w.,])1[°º](?!\s?[CF](?!\w))(?!\w)"), "primo"),
        (re.compile(r"(?<![\w.,])1ª(?!\w)"), "prima"),
        abbreviations(
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
