"""What an operator sees of conversations: log lines, traces and metrics. Implements `ports.Observer`.

turn_log.py     a line a turn, and one for the begin and the end of a session: always there
later.py        tells the others a second later, many at once
instruments.py  which metrics there are: names, units, labels, without any package
metrics.py      fills them                              ┐
traces.py       the spans of a conversation and a turn  │
engine_attributes.py  what spans say of an engine       │
call_traces.py  those of calls of one stage             │ of the extra `otel`: imported by
exporters.py    to a collector, by the OTEL_ variables  │ `start.py` alone, and only when asked for
prometheus.py   the same metrics for Prometheus         │
exposition.py   the HTTP server that it asks            ┘
start.py        what of it the environment and the settings ask for

Nothing of it holds a word, a sample, a token or a key, and no label of a metric has values that a caller
chooses. Nothing is done for each frame; a turn costs some ten spans and records; what leaves the process
leaves it in threads of the SDK.
"""
