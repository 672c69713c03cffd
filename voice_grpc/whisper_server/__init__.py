"""`voice-grpc whisper-server`: our Whisper over OpenAI's HTTP protocol, for the GPU box and any other tool.

options        flags, environment → settings
command        the command line, and what to install
serving        from the first signal handler to the last request
house          the model, the application and uvicorn, put together
app            routes: what is answered where
attention      a caller that goes away stops its work
admission      who is let in: keys, readiness, a bounded number at once
upload         multipart → fields and a file, bounded while it is read
transcription  one request, from its first byte to its last
request        fields → what is asked for
sound          a file of any format → 16 kHz mono, a stretch at a time
transcriber    stretch → pieces → what each of them says
line           who waits for the model, and who of them goes together
batching       pieces of all requests → batches → the model
interims       an early text goes over into the final one
answers        what was said → JSON, text, subtitles, server-sent events
languages      their English names
errors         everything that can go wrong, in OpenAI's shape
metrics        what Prometheus reads
"""
