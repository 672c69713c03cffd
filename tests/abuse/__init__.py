"""Proof that stays: what strangers send (`fuzz`), and people who come and go for minutes (`soak`).

Tools, run by `make fuzz` and `make soak`; the tests beside them run a thousandth of both.
"""
