"""Runs: carries out what the core decides. The only place where tasks of a conversation are created.

session          the parts put together, the tasks started, and the end, whatever brings it
context          what the parts work with
reader           what the caller sends → sound, events
hearing/         sound → events of speech, the sound of a turn → its words, and what judges its end
event_queue      what happened, in its order
decide           events and time → commands           command_runner  commands → replies, and their ends
answering/       one answer: its words and calls of tools, its clauses → sound → the ear
turn_events      where a turn has got to, as it is told
outbox           all that is told → the wire
memory           what was said and heard, kept
metrics, notices, clock, lifetime   times, failures, held time, and how long
dictation, synthesis                the listening and the speaking side on their own
"""
