"""What a recogniser wrote, and what of it somebody said. Pure, and the same behind every recogniser.

text           places in a text, and the words in it
annotations    sounds, music and speakers that it writes down beside words
loops          a phrase again and again, and more words than the time holds
inventions     what it is known to write where nobody speaks
agreement      what two passes over growing sound agree on
belief         the gate: all of these and the evidence, put together
"""
