"""`voice-grpc whisper-server`: our Whisper over OpenAI's HTTP protocol, for the GPU box and any other tool.

command      the command line, and what to install
options      flags, environment → settings
serving      from the first signal handler to the last request
server       the model, the application and uvicorn, put together
app          routes: what is answered where
disconnect   a caller that goes away stops its work
admission    who is let in: keys, readiness, a bounded number at once
handler      one request, from its first byte to its last
upload       multipart → fields and a file, bounded while it is read
params       fields → what is asked for
audio        a file of any format → 16 kHz mono, a stretch at a time
transcriber  stretch → chunks → what each of them says
batching     chunks of all requests → batches → the model
formats      what was said → JSON, text, subtitles, server-sent events
errors       everything that can go wrong, in OpenAI's shape
metrics      what Prometheus reads

What a chunk is shown to Whisper with, and which of its texts is believed, is `engines.whisper`'s.
"""
