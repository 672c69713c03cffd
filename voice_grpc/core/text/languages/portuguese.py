"""How Portuguese says what is not written as words."""

import re

from .language import Language
from .romance import abbreviations, dates, fractions, hours, months, year_as_number

_MONTHS_PT = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"

PORTUGUESE = Language(
    code="pt",
    region="PT",
    between="entre",
    on=r"em|dia|até|no\sdia",
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
    fraction=fractions(
        ("meio", "meios"),
        {
            3: ("terço", "terços"),
            4: ("quarto", "quartos"),
            5: ("quinto", "quintos"),
            8: ("oitavo", "oitavos"),
        },
        "um",
    ),
    year=year_as_number,
    date=dates(months(_MONTHS_PT), "primeiro", "de"),
    clock=hours("e", "hora", "horas"),
    times={
        **dict.fromkeys(("h", "hora"), "por hora"),
        **{"dia": "por dia", "mês": "por mês", "ano": "por ano", "kg": "por quilo", "l": "por litro"},
        **{"s": "por segundo", "min": "por minuto"},
    },
    months=months(
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
        abbreviations(
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
