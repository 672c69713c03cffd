"""Runs: carries out what the core decides. The only place where tasks of a conversation are created.

session          the parts put together, the tasks started, and the end, whatever brings it
lines/           the streams that carry it, one after the other, and what becomes of it while none does
context          what the parts work with
reader           what the caller sends → sound, events
hearing/         sound → events of speech, the sound of a turn → its words, and what judges its end
event_queue      what happened, in its order
decide           events and time → commands           command_runner  commands → replies
outcomes         how answers come out: told, and remembered
answering/       one answer: its words and calls of tools, its clauses → sound → the ear
telling/         all that is told of it, to the caller and to those who look on
memory           what was said and heard, kept        recording_tap   the same as sound, where it is recorded
clock            time that can be held
dictation        the listening side on its own
"""
