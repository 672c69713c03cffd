"""The composition root: engines chosen and warmed, the service put together, started and drained.

engine_registry.py   how each engine is made, and which ones the settings ask for
embedded_models.py   which models the embedded ones are made of, and what is still to be fetched
startup.py           settings in, warm engines out: a chain a stage, and the apology spoken
end_of_turn.py       who hears whether a turn is over, warm beside the stages
cpu_plan.py          in how many threads each engine computes
echo.py, recordings.py, resume_secret.py   what else the settings ask for, made
garbage.py           when Python looks for garbage
caller_limits.py     what one caller may use, and one connection open
tls.py               the certificate of each handshake
checks/              what the settings name, looked at before anything starts
server.py            the service behind one port, from its start to its drain; `voice-grpc serve`
"""
