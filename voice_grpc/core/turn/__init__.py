"""Who has the turn: when the user's ends, and whether a voice over the answer takes it.

taker.py         the states, the table, and `TurnTaker`
state.py         what is known of a turn, and the settings that count
actions.py  preparation.py  overlap.py    what is done: at each transition, early, and about a voice over
                 the answer
endpointing.py   how much voice is speech        patience.py      how long a silence must last
interruption.py  what a voice over the answer means    user_level.py    whose voice it is
"""
