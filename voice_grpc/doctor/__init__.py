"""`voice-grpc doctor`: whether every configured engine is well.

check.py     one real small call of each engine, and what came of it
table.py     the results as a table or as JSON
command.py   the command line; what is no engine is looked at by `server/checks`
"""
