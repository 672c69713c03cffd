"""Decides: turn-taking, text and playout as pure functions of events and time.

Nothing here awaits, reads a clock, opens a file or imports anything but the standard library and numpy;
`text` also names of units and shapes of telephone numbers (babel, phonenumbers). Time is always an argument.

    turn/  who has it        playout/  an answer on its way to the ear        echo/  the answer's own voice
    text/  what is said      transcript/  what was                model_output/  what a model writes that is
    neither
"""
