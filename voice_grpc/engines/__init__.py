"""Computes: a folder a vendor, a file where one is enough.

Each engine implements one protocol of `ports`, owns the threads that it computes in, imports its vendor's
package only when it is warmed, and turns every foreign error into an `EngineError`. It owns the tasks that it
starts as well: an answer's tasks end with the answer, and `close` ends what is left of them
(`ports.streaming.TaskSet`); `tests/test_tasks.py` looks for that in the source, and the conformance suite
in what runs.

What engines share: `http/`, `timeouts`, `prompt_history`, `model_output`, `worker_threads`,
`worker_pool`, `fair_queue` (whose work is next) and `shared_cores` (what waits beside a conversation).
"""
