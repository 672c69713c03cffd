"""What is said while something takes its time: short, and true whatever comes of it.

A file of its own: words of many languages, which whoever adds one edits alone.
"""

from ..languages import listed_as

FILLERS = {
    "ar": "لحظة من فضلك.",
    "cs": "Okamžik, prosím.",
    "da": "Et øjeblik.",
    "de": "Einen Moment bitte.",
    "en": "One moment, please.",
    "es": "Un momento, por favor.",
    "fi": "Hetkinen, olkaa hyvä.",
    "fr": "Un instant, s'il vous plaît.",
    "hi": "एक क्षण रुकिए।",
    "it": "Un momento, per favore.",
    "ja": "少々お待ちください。",
    "ko": "잠시만 기다려 주세요.",
    "nl": "Een ogenblik alstublieft.",
    "no": "Et øyeblikk.",
    "pl": "Chwileczkę, proszę.",
    "pt": "Um momento, por favor.",
    "ru": "Одну минуту, пожалуйста.",
    "sv": "Ett ögonblick.",
    "tr": "Bir dakika lütfen.",
    "uk": "Хвилинку, будь ласка.",
    "zh": "请稍等。",
}


def filler(language: str) -> str:
    """In the language of a BCP 47 tag; English where there is none."""
    return FILLERS.get(listed_as(language), FILLERS["en"])
