"""How Spanish says what is not written as words."""

import re

from .language import Language
from .romance import abbreviations, dates, fractions, hours, months, year_as_number

_ARTICLE_MONTHS_ES = (
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
)

SPANISH = Language(
    code="es",
    region="ES",
    between="entre",
    on=r"(?:el|del|al|desde|hasta|día)(?:\sel)?",
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
    fraction=fractions(
        ("medio", "medios"),
        {
            3: ("tercio", "tercios"),
            4: ("cuarto", "cuartos"),
            5: ("quinto", "quintos"),
            8: ("octavo", "octavos"),
        },
        "un",
    ),
    year=year_as_number,
    date=dates(months(_ARTICLE_MONTHS_ES), "primero", "de"),
    clock=hours("y", "", ""),
    times={
        **dict.fromkeys(("h", "hora"), "por hora"),
        **dict.fromkeys(("día", "dia"), "por día"),
        **{"mes": "por mes", "año": "por año", "kg": "por kilo", "l": "por litro", "s": "por segundo"},
    },
    months=months(
        _ARTICLE_MONTHS_ES,
        *(("ene", 1), ("feb", 2), ("mar", 3), ("abr", 4), ("jun", 6), ("jul", 7), ("ago", 8), ("sept", 9)),
        *(("oct", 10), ("nov", 11), ("dic", 12)),
    ),
    rules=(
        (re.compile(r"(?<![\w.,])1[.]?º(?!\w)|(?<![\w.,])1\.?er(?!\w)"), "primero"),
        (re.compile(r"(?<![\w.,])1[.]?ª(?!\w)"), "primera"),
        abbreviations(
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
