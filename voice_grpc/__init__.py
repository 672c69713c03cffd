"""Speech comes in on one gRPC stream, and an answer goes out on it before the silence feels long.

     mic frame ─▶ vad ─▶ stt ─▶  turn  ─▶ llm ─▶ clauses ─▶ tts ─▶ pacer ─▶ client
     └──────── listen ───────┘  decide   └──────────── reply ──────────┘
            frames → events     events → commands       command → frames

core decides, session runs, engines compute. The rooms, in the order data meets them:

    rpc, wire             the call: who it is, its config, its messages ⇄ `core.requests`, `core.responses`
    session               one conversation and all of its tasks: frames → events → commands → answers
    core, core.text       what is decided: turns, endpoints, pacing, memory; what is said
    codec                 bytes ⇄ PCM
    ports, fallback       what a session needs, and who stands by for whom
    engines, model_files  who provides it, and with which files
    store, recording      what was said and heard, kept; the same as sound
    settings, server      what the operator sets, and how it is put together
    net, process          what everything that talks shares; how a program of ours runs
    telemetry             what an operator sees of conversations
    doctor, bench         whether it is well, and how soon it answers
    whisper_server        the embedded Whisper, for others
    client                the other side of the call
"""

__version__ = "0.1.0"
