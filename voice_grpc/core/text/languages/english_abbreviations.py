"""What English writes short: streets, titles, and words such as "approx."."""

import re

STREET = re.compile(
    r"(?<=[a-z\d])\s(Dr|St|Ave|Rd|Blvd|Ln|Ct|Pl|Hwy|Sq)\.?(?=$|[\s,.;!?])(?!\s[A-Z][a-z]+\s[a-z])"
)
_STREETS = {
    **{"Dr": "Drive", "St": "Street", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Ln": "Lane"},
    **{"Ct": "Court", "Pl": "Place", "Hwy": "Highway", "Sq": "Square"},
}
_NUMBER_BEFORE = re.compile(r"\d\w{0,4}\s(?:[A-Z]\.?\s)?(?:[A-Z\d][\w'’.]{0,20}\s?){1,3}$")
TITLES = {
    **{"Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor", "St": "Saint"},
    **{
        "Sr": "Senior",
        "Jr": "Junior",
        "Rev": "Reverend",
        "Gen": "General",
        "Col": "Colonel",
        "Sgt": "Sergeant",
    },
    **{"Capt": "Captain", "Lt": "Lieutenant", "Gov": "Governor", "Sen": "Senator", "Rep": "Representative"},
    **{"Hon": "Honorable", "Mt": "Mount", "Ft": "Fort"},
}
TITLE = re.compile(
    r"(?<![\w.])(?:(Dr|Mr|Mrs|Ms|Prof|St)\.?|(Rev|Gen|Col|Sgt|Capt|Lt|Gov|Sen|Rep|Hon|Mt|Ft)\.)\s(?=[A-ZÀ-Þ]|and\s)"
)
AFTER_NAME = re.compile(r"(?<=[a-z]),?\s(Sr|Jr)\.?(?!\w)")
_SHORTS = {
    **{"e.g.": "for example", "i.e.": "that is", "vs.": "versus", "vs": "versus", "approx.": "approximately"},
    **{"etc": "et cetera", "Inc": "Incorporated", "Ltd": "Limited", "Corp": "Corporation", "Co": "Company"},
    **{"w/o": "without", "w/": "with", "dept.": "department", "Dept.": "Department", "est.": "estimated"},
    **{"incl.": "including", "excl.": "excluding", "max.": "maximum", "min.": "minimum", "avg.": "average"},
    **{"Fig.": "Figure", "fig.": "figure", "ca.": "about", "cf.": "compare", "et al.": "and others"},
    **{"P.S.": "P S", "a.k.a.": "also known as", "aka": "also known as", "ASAP": "as soon as possible"},
    **{
        "b/c": "because",
        "pp.": "pages",
        "Vol.": "Volume",
        "vol.": "volume",
        "Ch.": "Chapter",
        "eds.": "editors",
    },
}
ABBREVIATION = re.compile(
    r"(?<![\w./])(?:([eE])\.\s?g\.(,?)|([iI])\.\s?e\.(,?)|(vs|etc|Inc|Ltd|Corp|Co)(\.?)(?!\w)(?=(.?))"
    r"|(approx\.|w/o|w/|[dD]ept\.|incl\.|excl\.|max\.|avg\.|[fF]ig\.|ca\.|cf\.|et al\.|a\.k\.a\.|aka|b/c"
    r"|pp\.|[vV]ol\.|Ch\.)(?!\w))"
)
NO = re.compile(r"(?<!\w)([Nn])(?:os?|r)\.\s?(?=\d)")
PAGE = re.compile(r"(?<!\w)p\.\s(?=\d)")
ERA = re.compile(r"(?<!\w)(A\.?D\.?|AD)(?=\s\d)|(?<=\d\s)AD(?!\w)")


def abbreviation(match: re.Match[str]) -> str | None:
    """The full stop that also ends the sentence stays; so does that of a word that needs none."""
    if match[1]:
        return ("For example" if match[1] == "E" else "for example") + match[2]
    if match[3]:
        return ("That is" if match[3] == "I" else "that is") + match[4]
    if match[5] is None:
        return _SHORTS[match[8]] if match[8] != "w/" else "with"
    ends = match[6] and not match.string[match.end() :].strip()
    if match[5] == "vs":
        return "versus"
    if match[5] == "etc" or match[6]:
        return _SHORTS[match[5]] + ("." if ends or _begins(match) else "")
    return None


def _begins(match: re.Match[str]) -> bool:
    """Whether a sentence begins behind the full stop of `match`."""
    return (
        bool(match[6])
        and match[5] == "etc"
        and bool(re.match(r"\s[A-Z]", match.string[match.end() : match.end() + 2]))
    )


def street(match: re.Match[str]) -> str | None:
    before = match.string[max(0, match.start() - 60) : match.start() + 1]
    is_numbered = _NUMBER_BEFORE.search(before) is not None
    if not is_numbered and not re.search(r"[A-Z][a-z]+\s$", before):
        return None
    following = match.string[match.end() : match.end() + 2]
    if not is_numbered and re.match(r"\s[A-Z]", following):
        return None
    ends = (
        "." if match[0].endswith(".") and (not following.strip() or re.match(r"\s[A-Z]", following)) else ""
    )
    return f" {_STREETS[match[1]]}{ends}"
