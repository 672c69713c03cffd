"""Units that the CLDR has no name for, and how they are spelled: what is loud, turns, beats or is charged.

What lives here: their names, one and many, in each language that has a module. What must not: the units
that the CLDR names (`measures.py`).
"""

from collections.abc import Mapping

_TABLE = """
unit-decibel        dB                 | decibel, decibels | Dezibel, Dezibel | decibelio, decibelios | décibel, décibels | decibel, decibel | decibel, decibéis
unit-frame          fps FPS            | frame per second, frames per second | Bild pro Sekunde, Bilder pro Sekunde | fotograma por segundo, fotogramas por segundo | image par seconde, images par seconde | fotogramma al secondo, fotogrammi al secondo | quadro por segundo, quadros por segundo
unit-revolution     rpm RPM U/min tr/min | revolution per minute, revolutions per minute | Umdrehung pro Minute, Umdrehungen pro Minute | revolución por minuto, revoluciones por minuto | tour par minute, tours par minute | giro al minuto, giri al minuto | rotação por minuto, rotações por minuto
unit-beat           bpm BPM            | beat per minute, beats per minute | Schlag pro Minute, Schläge pro Minute | pulsación por minuto, pulsaciones por minuto | battement par minute, battements par minute | battito al minuto, battiti al minuto | batimento por minuto, batimentos por minuto
unit-milliamp-hour  mAh                | milliamp hour, milliamp hours | Milliamperestunde, Milliamperestunden | miliamperio hora, miliamperios hora | milliampère heure, milliampères heure | milliamperora, milliamperore | miliampere hora, miliamperes hora
unit-amp-hour       Ah                 | amp hour, amp hours | Amperestunde, Amperestunden | amperio hora, amperios hora | ampère heure, ampères heure | amperora, amperore | ampere hora, amperes hora
unit-watt-hour      Wh                 | watt hour, watt hours | Wattstunde, Wattstunden | vatio hora, vatios hora | watt heure, watts heure | wattora, wattora | watt hora, watts hora
unit-megawatt-hour  MWh                | megawatt hour, megawatt hours | Megawattstunde, Megawattstunden | megavatio hora, megavatios hora | mégawatt heure, mégawatts heure | megawattora, megawattora | megawatt hora, megawatts hora
unit-newton-meter   Nm                 | newton meter, newton meters | Newtonmeter, Newtonmeter | newton metro, newtons metro | newton mètre, newtons mètre | newton metro, newton metro | newton metro, newtons metro
unit-millivolt      mV                 | millivolt, millivolts | Millivolt, Millivolt | milivoltio, milivoltios | millivolt, millivolts | millivolt, millivolt | milivolt, milivolts
unit-kilovolt       kV                 | kilovolt, kilovolts | Kilovolt, Kilovolt | kilovoltio, kilovoltios | kilovolt, kilovolts | kilovolt, kilovolt | quilovolt, quilovolts
unit-mebibyte       MiB                | mebibyte, mebibytes | Mebibyte, Mebibyte | mebibyte, mebibytes | mébioctet, mébioctets | mebibyte, mebibyte | mebibyte, mebibytes
unit-gibibyte       GiB                | gibibyte, gibibytes | Gibibyte, Gibibyte | gibibyte, gibibytes | gibioctet, gibioctets | gibibyte, gibibyte | gibibyte, gibibytes
"""  # noqa: E501 - a table, one unit a line
"""Name, spellings, and one and many in the languages of `_ORDER`."""
_ORDER = ("en", "de", "es", "fr", "it", "pt")


def _read(table: str) -> tuple[dict[str, str], dict[str, dict[str, tuple[str, str]]]]:
    spellings: dict[str, str] = {}
    names: dict[str, dict[str, tuple[str, str]]] = {}
    for line in table.strip().splitlines():
        head, *languages = line.split(" | ")
        unit, *written = head.split()
        spellings |= dict.fromkeys(written, unit)
        pairs = (pair.strip().split(", ") for pair in languages)
        names[unit] = {code: (one, many) for code, (one, many) in zip(_ORDER, pairs, strict=True)}
    return spellings, names


_SPELLED, _NAMED = _read(_TABLE)
SPELLINGS: Mapping[str, str] = _SPELLED
"""Name of a unit, by how it is written."""
NAMES: Mapping[str, Mapping[str, tuple[str, str]]] = _NAMED
"""One and many, by the unit and by the language (ISO 639)."""
