# demo test check generate bench: a handful of words runs everything.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --disable-pip-version-check --quiet
PROTO := protos/voice/v1/voice.proto
RELEASED := protos/released.binpb
N ?= 50

.PHONY: help demo test test-again check generate bench fuzz soak load chaos released clean

help:
	@echo "make demo      a spoken conversation with the embedded models (DEMO_WAV=question.wav: with your question)"
	@echo "make test      all tests"
	@echo "make test-again what failed of them, alone"
	@echo "make check     lint, types, layers, the contract, generated code, what is in deploy/"
	@echo "make generate  the stubs in voice_grpc/pb from $(PROTO)"
	@echo "make bench     latency, overhead and turn-taking on this machine (figures: build/bench.json)"
	@echo "make fuzz      100,000 inputs that strangers could send, while a conversation has to stay unharmed"
	@echo "make soak      30 people for 10 minutes who talk, interrupt, vanish and come back: nothing grows"
	@echo "make chaos     servers and lines are killed in mid-sentence: is any word lost, and how soon comes the next?"
	@echo "make load      N=50 conversations at once on scripted engines: what the server adds to each answer"

# Wheels only: nothing is compiled on the way to the first conversation.
$(VENV)/.local: pyproject.toml
	@echo "installing the server, the page and the microphone into $(VENV) (once, some minutes) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --only-binary :all: --editable '.[local,gateway,webrtc,opus]'
	@$(PIP) --only-binary :all: --editable '.[mic]' || \
	  echo "no wheel of the microphone's package here: talk by text, by files, or in the page"
	@touch $@

$(VENV)/.dev: $(VENV)/.local
	@echo "installing what the tests need into $(VENV) (once) …"
	@$(PIP) --prefer-binary --editable '.[local,mic,opus,gateway,webrtc,whisper-server,otel,s3,dev]'
	@touch $@

demo: $(VENV)/.local
	@$(BIN)/voice-grpc models pull
	@$(BIN)/voice-grpc demo

test: $(VENV)/.dev
	@$(BIN)/voice-grpc models pull whisper-base whisper-tiny smart-turn qwen-0.5b gemma joe
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test-again: $(VENV)/.dev
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy voice_grpc clients gateway tests
	$(BIN)/python -m pytest tests/test_layers.py tests/test_budgets.py tests/test_tasks.py tests/test_generated.py
	$(BIN)/python -m pytest tests/deploy
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf breaking --against $(RELEASED)

generate: $(VENV)/.dev
	$(BIN)/python -m grpc_tools.protoc -Ivoice_grpc/pb=protos/voice/v1 --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	  --python_out=. --pyi_out=. --grpc_python_out=. --mypy_grpc_out=. $(PROTO)

# What clients in the field were built with; only a release moves it.
released: $(VENV)/.dev
	$(BIN)/buf build --output $(RELEASED)

bench: $(VENV)/.dev
	$(BIN)/python -m voice_grpc.bench --png build/turns.png

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.abuse.fuzz

soak: $(VENV)/.dev
	$(BIN)/python -m tests.abuse.soak

chaos: $(VENV)/.dev
	$(BIN)/python -m tests.chaos

load: $(VENV)/.dev
	$(BIN)/python -m voice_grpc.bench overhead --silero --sessions $(N) --json build/load.json

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
