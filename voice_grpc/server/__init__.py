"""The composition root: engines chosen and warmed, the service put together, started and drained.

engine_registry.py   how each engine is made, and which ones the settings ask for
embedded_models.py   which models the embedded ones are made of, and what is still to be fetched
startup.py           settings in, warm engines out: a chain a stage, and the apology spoken
end_of_turn.py       who hears whether a turn is over, warm beside the stages
caller_limits.py     what one caller may use, and one connection open
server.py            the service behind one port, from its start to its drain; `voice-grpc serve`
"""
