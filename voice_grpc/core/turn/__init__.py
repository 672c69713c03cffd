"""Who has the turn: when the user's ends, and whether a voice over the answer takes it.

taker.py         the states, the table, and `TurnTaker`
state.py         what is known of a turn         settings.py      what is set of it
actions.py  preparation.py  overlap.py  conclusion.py    what is done: at each transition, early, about a
                 voice over the answer, and when the turn is over
endpointing.py   how much voice is speech        patience.py      how long a silence must last
interruption.py  what a voice over the answer means    user_level.py    whose voice it is
"""
