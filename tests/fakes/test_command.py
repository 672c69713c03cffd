"""The command line of the fakes, run as one runs it."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from .command import parser, script
from .gemini import KEY
from .script import Trouble

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_serves_and_ends_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    journal = tmp_path / "calls.jsonl"
    command = [*f"{sys.executable} -m tests.fakes.gemini --trouble quota --journal".split(), str(journal)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as fake:
        assert fake.stdout is not None
        url = fake.stdout.readline().removeprefix("listening on ").strip()
        request = urllib.request.Request(
            f"{url}/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            data=json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}).encode(),
            headers={"x-goog-api-key": KEY},
        )
        with pytest.raises(urllib.error.HTTPError, match="429"):
            urllib.request.urlopen(request)
        with urllib.request.urlopen(request) as answer:
            assert answer.read().startswith(b"data: ")
        fake.send_signal(number)
        rest, errors = fake.communicate(timeout=60)
    assert (fake.returncode, rest, errors) == (0, "", "")
    ends = [json.loads(line)["end"] for line in journal.read_text().splitlines()]
    assert ends == ["refused", "done"]
    assert KEY not in journal.read_text()


def test_flags_make_the_script(tmp_path: Path) -> None:
    given = f"--profile 20/0 --between 7.5 --trouble none --trouble cut --always quota --journal {tmp_path}/j"
    made = script(parser("A fake.").parse_args(given.split()))
    assert (made.between, made.always) == (0.0075, Trouble.QUOTA)
    assert [made.next_trouble() for _ in range(3)] == [Trouble.NONE, Trouble.CUT, Trouble.QUOTA]
    assert made.latency.draw() == pytest.approx(0.02)


def test_the_same_seed_draws_the_same_times() -> None:
    one, two, other = (
        script(parser("").parse_args(f"--profile llm-groq --seed {seed}".split())).latency
        for seed in (1, 1, 2)
    )
    assert [one.draw(), one.draw()] == [two.draw(), two.draw()]
    assert one.draw() != other.draw()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--port 70000", "0 to 65535"),
        ("--port web", "0 to 65535"),
        ("--profile slow", "MEDIAN/SIGMA"),
        ("--profile=-5/1", "numbers from 0"),
        ("--profile nan/1", "numbers from 0"),
        ("--between soon", "milliseconds"),
        ("--between -1", "milliseconds"),
        ("--between inf", "milliseconds"),
        ("--trouble cutt", "stall-middle"),
        ("--always all", "stall-middle"),
        ("--journal /nowhere/at/all", "No such file"),
    ],
)
def test_a_bad_flag_says_what_is_accepted(flags: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser("A fake.").parse_args(flags.split())
    assert said in capsys.readouterr().err
