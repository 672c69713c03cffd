"""`make bench`: every measurement of this folder, or those that are named. Each figure is kept in a
JSON file too."""

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ..engines.llama_cpp.llm import DEFAULT_MODEL
from . import answers, cloud, gateway, local, observed, overhead, results, stt_wer, words
from .line import measure as line
from .neighbours import embedded
from .neighbours import measure as neighbours
from .turns import measure as turns
from .turns import plot
from .turns.material import PAUSES
from .turns.variants import VARIANTS, chosen_variants
from .yielding import measure as yielding

RECORDINGS_VARIABLE = "VOICE_BENCH_RECORDINGS"


def _local(given: argparse.Namespace) -> object:
    print("A spoken conversation on the embedded models, by this machine's clock")
    figures = asyncio.run(local.measure())
    print(local.report(figures), flush=True)
    return figures


def _answers(given: argparse.Namespace) -> object:
    print("\nTwenty questions to the embedded language model", flush=True)
    return answers.main(["--model", *given.model])


def _overhead(given: argparse.Namespace) -> object:
    print("\nOur own part: measured minus what was scripted, answers begun in the silence or not")
    print(overhead.HEADER, flush=True)
    found = []
    for sessions in given.sessions or (1, 50):
        server = "heard" if given.silero else "scripted"
        for measured in asyncio.run(overhead.measure(sessions, given.seconds, server)):
            found.append(measured)
            print(overhead.report(measured), flush=True)
    return found


def _observed(given: argparse.Namespace) -> object:
    print("\nWhat traces and metrics cost, by turns with and without", flush=True)
    try:
        found = observed.measure(given.seconds)
    except observed.NotInstalled as absent:
        print(f"left out: {absent}")
        return None
    print(f"{observed.HEADER}\n{observed.report(found)}", flush=True)
    return found


def _cloud(given: argparse.Namespace) -> object:
    print("\nThe cloud's adapters against fakes that take as long as the vendors do", flush=True)
    found = []
    try:
        for sessions in (1, 8):
            profiles = cloud.Profiles(given.stt, given.llm)
            found.append(asyncio.run(cloud.measure(sessions, given.seconds, profiles)))
            print(f"\n{cloud.report(found[-1])}", flush=True)
    except cloud.NoCheckout as absent:
        print(f"left out: {absent}")
    return found


def _gateway(given: argparse.Namespace) -> object:
    print(f"\nWhat the gateway adds, {gateway.SESSIONS} browsers that speak")
    print(gateway.HEADER, flush=True)
    added = asyncio.run(gateway.measure(given.seconds))
    print(gateway.report(added), flush=True)
    return added


def _neighbours(given: argparse.Namespace) -> object:
    which = "the embedded models" if given.embedded else "scripted engines"
    print(f"\nOne caller's answers beside another's flood, on {which}")
    print(neighbours.HEADER, flush=True)
    if given.embedded:
        found = embedded.measure(embedded.KINDS)
    else:
        found = neighbours.measure(neighbours.KINDS, given.seconds / 2)
    for each in found:
        print(neighbours.report(each), flush=True)
    return found


def _wer(given: argparse.Namespace) -> object:
    print("\nWhisper, the stock call and ours, interleaved", flush=True)
    return stt_wer.main([]).figures


def _words(given: argparse.Namespace) -> object:
    print("\nNumbers, signs and codes, said by Piper and read back by Whisper", flush=True)
    return words.main([])


def _turns(given: argparse.Namespace) -> object:
    print("\nFinished sentences and pauses: how soon the one is answered, how often the other", flush=True)
    plan = turns.TurnsPlan(
        chosen_variants(given.variant),
        None if given.full else given.cases,
        given.pause or PAUSES,
        given.recordings,
        given.talkers,
    )
    figures = turns.measure(plan)
    print(turns.report(figures), flush=True)
    if given.png:
        plot.draw(figures, given.png)
    return figures


def _yielding(given: argparse.Namespace) -> object:
    print("\nVoices and noises over an answer: what lowers it, holds it, stops it", flush=True)
    figures = yielding.measure(None if given.full else yielding.CASES)
    print(yielding.report(figures), flush=True)
    return figures


def _line(given: argparse.Namespace) -> object:
    print("\nAn answer over a bad line: where it runs dry, and how much waits at the client")
    print(line.HEADER, flush=True)
    found = line.measure()
    for each in found:
        print(line.report(each), flush=True)
    return found


MEASUREMENTS: Mapping[str, Callable[[argparse.Namespace], object]] = {
    "local": _local,
    "answers": _answers,
    "overhead": _overhead,
    "observed": _observed,
    "cloud": _cloud,
    "gateway": _gateway,
    "neighbours": _neighbours,
    "wer": _wer,
    "words": _words,
    "turns": _turns,
    "yielding": _yielding,
    "line": _line,
}
"""Each prints its figures, and returns them."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m voice_grpc.bench", description=__doc__)
    names = ", ".join(MEASUREMENTS)
    parser.add_argument("measurements", nargs="*", default=list(MEASUREMENTS), help=f"of: {names} (all)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load for each number of sessions")
    parser.add_argument(
        "--sessions", type=int, nargs="+", help="at once, of overhead: one run for each number (1 50)"
    )
    parser.add_argument("--silero", action="store_true", help="hears all of it too, of overhead")
    parser.add_argument(
        "--embedded", action="store_true", help="models answer and are flooded, of neighbours"
    )
    parser.add_argument("--model", nargs="+", default=[DEFAULT_MODEL], help="of answers")
    parser.add_argument("--stt", choices=cloud.STT_PROFILES, default=cloud.STT_PROFILES[0], help="of cloud")
    parser.add_argument("--llm", choices=cloud.LLM_PROFILES, default=cloud.LLM_PROFILES[0], help="of cloud")
    parser.add_argument(
        "--json", type=Path, default=results.RESULTS, help="where figures are kept (%(default)s)"
    )
    of_turns = parser.add_argument_group("of turns")
    of_turns.add_argument("--cases", type=int, default=turns.CASES, help="whole sentences, and cut ones")
    of_turns.add_argument("--full", action="store_true", help="all sentences there are; of yielding too")
    of_turns.add_argument(
        "--variant", action="append", default=[], help=f"of: {', '.join(v.name for v in VARIANTS)} (all)"
    )
    of_turns.add_argument(
        "--pause",
        action="append",
        type=float,
        choices=PAUSES,
        help="seconds for which cut sentences are held (all)",
    )
    of_turns.add_argument("--talkers", type=int, default=1, help="who say a case each at once")
    of_turns.add_argument("--png", type=Path, help="draw the curve there")
    recordings = os.environ.get(RECORDINGS_VARIABLE)
    of_turns.add_argument(
        "--recordings",
        type=Path,
        default=Path(recordings) if recordings else None,
        help=f"folder with wav files and their manifest.json; default ${RECORDINGS_VARIABLE}",
    )
    return parser


def main() -> None:
    parser = _parser()
    given = parser.parse_args()
    if unknown := set(given.measurements) - set(MEASUREMENTS):
        parser.error(f"no measurement {', '.join(sorted(unknown))}; there are: {', '.join(MEASUREMENTS)}")
    if given.cases < 1:
        parser.error("--cases has to be 1 or more")
    if given.talkers < 1:
        parser.error("--talkers has to be 1 or more")
    if min(given.sessions or [1]) < 1:
        parser.error("--sessions has to be 1 or more")
    try:
        chosen_variants(given.variant)
        if given.png:
            plot.require_matplotlib()
    except (ValueError, plot.NoMatplotlib) as error:
        parser.error(str(error))
    for name, measured in MEASUREMENTS.items():
        if name in given.measurements:
            results.keep(given.json, name, measured(given))


if __name__ == "__main__":
    main()
