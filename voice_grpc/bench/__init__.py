"""Measures what `docs/measurements.md` quotes: `python -m voice_grpc.bench [MEASUREMENT …]`.

local.py                    the embedded engines on this machine, and a spoken conversation on them
overhead.py                 what the server itself adds to engines that are scripted
cloud.py  cloud_oracle.py   the vendors' adapters against fakes that take as long as the vendors do
gateway.py                  what the gateway adds to a round trip
observed.py                 what it costs to be seen, by a collector and a Prometheus
neighbours/                 what one caller's flood costs another caller
stt_wer.py  stt_utterances.py   words that the embedded Whisper gets wrong, beside the stock call
words.py                    what a voice makes of numbers, signs and codes
answers.py                  what the embedded language models know, and how long they talk
turns/                      how soon a finished sentence is answered, and how often a pause
yielding/                   what lowers, holds and stops an answer that somebody speaks over
line/                       an answer over a bad line
load.py  servers.py         who speaks, and the processes that are spoken to
results.py                  every figure, kept
"""
