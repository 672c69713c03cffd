"""How French says what is not written as words."""

import re

from .language import Language
from .romance import abbreviations, dates, fractions, hours, months, year_as_number

_MONTHS_FR = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"

FRENCH = Language(
    code="fr",
    region="FR",
    between="entre",
    on=r"le|du|au|dès\sle|avant\sle|après\sle",
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
    fraction=fractions(
        ("un demi", "demis"),
        {
            3: ("tiers", "tiers"),
            4: ("quart", "quarts"),
            5: ("cinquième", "cinquièmes"),
            8: ("huitième", "huitièmes"),
        },
        "un",
    ),
    year=year_as_number,
    date=dates(months(_MONTHS_FR), "premier", ""),
    clock=hours("", "heure", "heures"),
    times={
        **dict.fromkeys(("h", "heure"), "par heure"),
        **{"jour": "par jour", "j": "par jour", "mois": "par mois", "an": "par an", "kg": "le kilo"},
        **{"l": "le litre", "s": "par seconde", "min": "par minute"},
    },
    months=months(
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
        abbreviations(
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
