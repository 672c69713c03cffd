"""Words that leave a sentence open, by language: articles, prepositions, conjunctions, possessives and
auxiliaries (the closed classes of each grammar), particles, and the sounds with which people keep their turn.

lists.py       what is listed of a language
germanic.py, romance.py, slavic.py, suffixing.py, unspaced.py   the languages, by what their grammars share
"""
