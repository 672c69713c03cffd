"""Measures what the README quotes: `python -m voice_grpc.bench [MEASUREMENT …]`.

local.py                    the embedded engines on this machine, and a spoken conversation on them
overhead.py                 what the server itself adds to engines that are scripted
cloud.py  cloud_oracle.py   the vendors' adapters against fakes that take as long as the vendors do
gateway.py                  what the gateway adds to a round trip
stt_wer.py  stt_utterances.py   words that the embedded Whisper gets wrong, beside the stock call
turns/                      how soon a finished sentence is answered, and how often a pause
load.py  servers.py         who speaks, and the processes that are spoken to
results.py                  every figure, kept
"""
