"""`voice-grpc doctor`: whether every configured engine is well.

check.py     one real small call of each engine, and what came of it
store.py     the same of a store that servers share
command.py   the command line, and the results as a table or as JSON
"""
