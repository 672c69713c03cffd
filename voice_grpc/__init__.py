"""Speech comes in on one gRPC stream, and an answer goes out on it before the silence feels long.

     mic frame ─▶ vad ─▶ stt ─▶  turn  ─▶ llm ─▶ clauses ─▶ tts ─▶ pacer ─▶ client
     └──────── listen ───────┘  decide   └──────────── reply ──────────┘
            frames → events     events → commands       command → frames

core decides, session runs, engines compute. The rooms, in the order data meets them:

    service, opening, wire_in        the call: who it is, its config, its messages
    registry, session.session        the conversation it opens, and all of its tasks
    session.reader, transcode        bytes → frames
    session.listen, session.scribe   frames → events, transcripts
    session.agenda, session.decide   events and time → `core.turn` → commands
    session.turns, session.reply     commands → answers
    session.writing, .playout        the model's words → clauses → sound, paced
    session.outbox, wire_out         messages → the call
    session.memory, store            what was said and heard, kept
    ports, chains, engines           what a session needs, who stands by for whom, and who provides it
    settings, roster, warming        which engines, and their start
    assembly, server                 how it is put together
    redaction                        what is never said
    check, patient, doctor           whether it is well
    client, connection               the other side of the call
"""

__version__ = "0.1.0"
