"""What the caller, and whoever looks on, is told of a conversation.

outbox         all that is told → the wire                 notices       what went wrong, or is left out
turn_events    where a turn has got to                     metrics       what it took
turn_reports   a turn, for those who look on               call_reports  a call of Transcribe or Synthesize
"""
