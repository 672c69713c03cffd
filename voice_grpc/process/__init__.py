"""How a program of ours runs on its machine, whatever it is for.

command_line.py, home.py      options out of flags, variables and `.env`; `~` in paths
log_lines.py, redaction.py    what a line of the log looks like; secrets out of it
signals.py, child_process.py  processes that serve, and their end
reloaded.py, beside.py        the operator's files, read again when they change; work beside a block
cores.py                      how many cores it may compute on
installation.py               what is missing, and the command that brings it

What lives here: what is true of a process. What must not: where a server is, and who may call it (`net`).
"""
