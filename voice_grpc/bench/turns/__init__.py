"""How soon a finished sentence is answered, against how often somebody is answered who only pauses.

sentences.py  speakers.py   what is said, and by whom
material.py                 its ends and pauses, known from the sound and by construction
variants.py   server.py     what is compared, and the process that is spoken to
player.py                   one case, by the clock: what was heard when
curve.py      plot.py       figures of a variant, their table and their picture
measure.py                  all cases with all variants, in turn
"""
