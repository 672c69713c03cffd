"""What one caller's flood costs another caller: how much later is an answer beside it than alone?

    measure   one user by the clock, alone and beside each flood, in turn, on one server
    floods    what floods are there, and the process that makes one

A flood is a process of its own at the lowest priority: what the user is late by is the server's doing.
"""
