"""What happens to conversations when their servers, their store and their lines are killed.

    words     sixty words that are sounds: what was said and what was heard can be read back, word by word
    engines   a recogniser, a model and a voice that speak them; the detector is the real one
    serve     `voice-grpc serve` on those, as a process
    cluster   servers, a Valkey and an Envoy as processes, and who kills them
    relay     a line that can be cut
    person    somebody who asks, listens, and is asked afterwards what was heard

Words and history are what is asserted. How long it took is measured by `make chaos`.
"""
