"""`make bench`: what the embedded engines take here, what Whisper gets right, and what we add ourselves."""

import argparse
import asyncio

from ..engines.llama_cpp.llm import DEFAULT_MODEL
from . import answers, cloud, gateway, local, overhead, stt_wer, words

MEASUREMENTS = ("local", "answers", "overhead", "cloud", "gateway", "wer", "words")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voice_grpc.bench", description=__doc__)
    parser.add_argument(
        "measurements", nargs="*", default=list(MEASUREMENTS), help=f"of: {', '.join(MEASUREMENTS)} (all)"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of load for each number of sessions")
    parser.add_argument("--model", nargs="+", default=[DEFAULT_MODEL], help="of answers")
    parser.add_argument("--stt", choices=cloud.STT_PROFILES, default=cloud.STT_PROFILES[0], help="of cloud")
    parser.add_argument("--llm", choices=cloud.LLM_PROFILES, default=cloud.LLM_PROFILES[0], help="of cloud")
    chosen = parser.parse_args()
    if unknown := set(chosen.measurements) - set(MEASUREMENTS):
        parser.error(f"no measurement {', '.join(sorted(unknown))}; there are: {', '.join(MEASUREMENTS)}")
    if "local" in chosen.measurements:
        print("A spoken conversation on the embedded models, by this machine's clock")
        print(local.report(asyncio.run(local.measure())), flush=True)
    if "answers" in chosen.measurements:
        print("\nTwenty questions to the embedded language model", flush=True)
        answers.main(["--model", *chosen.model])
    if "overhead" in chosen.measurements:
        print(f"\nOur own part: measured minus the {overhead.ORACLE_SECONDS * 1000:.0f} ms that was scripted")
        print(overhead.HEADER, flush=True)
        for sessions in (1, 30):
            result = asyncio.run(overhead.measure(sessions, chosen.seconds))
            print(overhead.report(result), flush=True)
    if "cloud" in chosen.measurements:
        _cloud(chosen.seconds, cloud.Profiles(chosen.stt, chosen.llm))
    if "gateway" in chosen.measurements:
        print(f"\nWhat the gateway adds, {gateway.SESSIONS} browsers that speak")
        print(gateway.HEADER, flush=True)
        print(gateway.report(asyncio.run(gateway.measure(chosen.seconds))), flush=True)
    if "wer" in chosen.measurements:
        print("\nWhisper, the stock call and ours, interleaved", flush=True)
        stt_wer.main([])
    if "words" in chosen.measurements:
        print("\nNumbers, signs and codes, said by Piper and read back by Whisper", flush=True)
        words.main([])


def _cloud(seconds: float, profiles: cloud.Profiles) -> None:
    print("\nThe cloud's adapters against fakes that take as long as the vendors do", flush=True)
    try:
        for sessions in (1, 8):
            print(f"\n{cloud.report(asyncio.run(cloud.measure(sessions, seconds, profiles)))}", flush=True)
    except cloud.NoCheckout as absent:
        print(f"left out: {absent}")


if __name__ == "__main__":
    main()
