"""Whisper itself, synchronously: finds and loads the model, and turns pieces of audio into text.

CTranslate2 lets go of the GIL while it computes and runs as many calls at once as it has workers;
they share one copy of the weights. One call takes several pieces whose windows are equally long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.audio import Floats, seconds
from ...core.errors import EngineError, EngineMissing
from ...model_files.catalog import model_path
from . import decoding as window
from .decoding import DecodeOptions, DecodePass, DecodeRequest, DecodeResult, Hypothesis
from .languages import SURE, iso_code, likeliest, whisper_codes
from .segments import TimedWord, segments, voiced

# ----------------------------------------------------------------
# what `WHISPER_MODEL` means: a packaged model, a directory, or a name on the model hub


_PACKAGED = {"base": "whisper-base", "tiny": "whisper-tiny"}
_NEEDED = ("model.bin", "config.json", "tokenizer.json")


def find(model: str, download: Callable[[str], str]) -> Path:
    """The directory of `base`, `tiny`, a path, or a hub id, which is fetched."""
    if model in _PACKAGED:
        return model_path(_PACKAGED[model])
    path = Path(model).expanduser()
    if path.is_dir():
        missing = [name for name in _NEEDED if not (path / name).is_file()]
        if missing:
            lacking = ", ".join(missing)
            raise EngineMissing("stt", f"{path} is no CTranslate2 Whisper model: {lacking} is missing")
        return path
    if path.is_absolute() or model.startswith((".", "~")):
        raise EngineMissing("stt", f"there is no Whisper model directory {path}")
    try:
        return Path(download(model))
    except Exception as error:  # noqa: BLE001 - the hub client raises a dozen unrelated errors
        raise EngineMissing(
            "stt",
            f"cannot fetch Whisper model {model!r} ({first_line(error)}); check the name and the network, "
            "or set WHISPER_MODEL to base, tiny or a directory",
        ) from error


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


# ----------------------------------------------------------------
# what Whisper runs on, and whether this machine has it


_ON_CUDA = ("float16", "int8_float16", "float32")
"""In order of preference; a card older than Volta has no fast float16, and CTranslate2 says so."""


@dataclass(frozen=True, slots=True)
class Hardware:
    device: str = "cpu"
    """`cpu` or `cuda`."""
    compute_type: str = "int8"
    """As CTranslate2 names them."""
    threads: int = 1
    """Of one call on a CPU."""
    workers: int = 2
    """Calls at once; they share one copy of the weights."""
    step_s: float = 0.0
    """Windows are rounded up to a multiple of it, so that pieces of different lengths fit into one
    batch, and what a piece is shown does not depend on its company. 0: to the sample."""


def found_device(wanted: str) -> str:
    """`cpu` or `cuda`; of `auto` the better one.

    Raises `EngineMissing` when CTranslate2 or the device is not there.
    """
    ct2 = _ctranslate2()
    cards = ct2.get_cuda_device_count()
    if wanted == "cuda" and not cards:
        raise EngineMissing("stt", "this machine has no CUDA device that CTranslate2 can use; take cpu")
    return wanted if wanted != "auto" else "cuda" if cards else "cpu"


def compute_types(device: str) -> tuple[str, ...]:
    """What it can compute with, the best first."""
    known: set[str] = _ctranslate2().get_supported_compute_types(device)
    best = [name for name in (_ON_CUDA if device == "cuda" else ("int8",)) if name in known]
    return *best, *sorted(known - {*best})


def _ctranslate2() -> Any:
    try:
        import ctranslate2
    except ImportError as error:
        said = "faster-whisper is not installed: run pip install 'voice-grpc[local]'"
        raise EngineMissing("stt", said) from error
    return ctranslate2


_PROMPT_TOKENS = 64
"""Of expected words, at most: each is computed before the first token of the answer."""

_FRAMES_FULL = 3000
_AROUND_WORDS = ' .,;:!?…"“”„«»()[]¿¡。，、！？：；'
"""Left out of timed words; an apostrophe or a hyphen is part of one."""

_LONGEST = 448
"""Whisper's text context. CTranslate2 gives at most half of `max_length` to the answer."""


class WhisperModel:
    """Loads in its constructor; every method may be called from several threads."""

    def __init__(self, model: str, hardware: Hardware) -> None:
        """Raises `EngineMissing` (not installed, no such model), `EngineError` (damaged)."""
        try:
            import faster_whisper
            from faster_whisper.tokenizer import Tokenizer
            from faster_whisper.transcribe import get_ctranslate2_storage, get_suppressed_tokens
        except ImportError as error:
            raise EngineMissing(
                "stt", "faster-whisper is not installed: run pip install 'voice-grpc[local]'"
            ) from error
        path = find(model, faster_whisper.download_model)
        try:
            self._fw: Any = faster_whisper.WhisperModel(
                str(path),
                device=hardware.device,
                compute_type=hardware.compute_type,
                cpu_threads=hardware.threads,
                num_workers=hardware.workers,
            )
        except Exception as error:  # noqa: BLE001 - CTranslate2 and tokenizers share no root but Exception
            raise EngineError(
                "stt", f"cannot load Whisper from {path}: {first_line(error)}", retryable=False
            ) from error
        self._model: Any = self._fw.model
        self.is_multilingual: bool = self._model.is_multilingual
        self._codes = frozenset(self._fw.supported_languages)
        self._storage: Any = get_ctranslate2_storage
        self._new_tokenizer: Any = Tokenizer
        self._tokenizers: dict[tuple[str, str], Any] = {}
        self._suppressed: Any = get_suppressed_tokens(self._tokenizer("en", "transcribe"), [-1])
        self._step_s = hardware.step_s
        tail_s = window.TAIL_S.get(model, window.SAFE_TAIL_S)
        self.looks, self.glance = window.looks(tail_s), window.glance(tail_s)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(map(iso_code, self._codes))

    def codes(self, tags: Sequence[str]) -> tuple[str, ...]:
        """Raises `EngineError` when it knows none of the BCP 47 `tags`."""
        return whisper_codes(tags, self._codes)

    def kind(self, shot: DecodeRequest) -> tuple[DecodePass, int, int]:
        """Shots of one kind may be taken together: equal looks, windows and numbers of expected tokens."""
        size = 0 if shot.look.is_full else window.size(len(shot.audio), shot.look, self._step_s)
        return shot.look, size, len(self._expected(shot.wish))

    def look(self, shots: Sequence[DecodeRequest], is_abandoned: Callable[[], bool]) -> list[DecodeResult]:
        """What all `shots`, of one kind, show. Raises `Abandoned`, and `RuntimeError` of CTranslate2."""
        if is_abandoned():
            raise Abandoned
        encoded = self._model.encode(self._features(shots))
        languages = self._languages(encoded, shots)
        if is_abandoned():
            raise Abandoned
        guesses = self._guesses(encoded, shots, languages)
        return [DecodeResult(guess, language) for guess, language in zip(guesses, languages, strict=True)]

    def words(self, audio: Floats, seen: DecodeResult, task: str) -> tuple[TimedWord, ...]:
        """When each word of what was seen in `audio` was said, by the attention of the decoder: one more
        encoding, and a pass over the text. Without punctuation. Raises `RuntimeError` of CTranslate2."""
        look = self.looks[0]
        encoded = self._model.encode(self._storage(self._mel(audio, look)[None]))
        tokens = [token for segment in seen.guess.segments for token in segment.tokens]
        frames = round((look.lead_s + seconds(len(audio))) * _FRAMES_FULL / window.WINDOW_S)
        tokenizer = self._tokenizer(seen.language, task)
        found = self._fw.find_alignment(tokenizer, [tokens], encoded, frames)[0]
        said: list[TimedWord] = []
        for each in found:
            start, end = (max(0.0, float(each[at]) - look.lead_s) for at in ("start", "end"))
            if text := each["word"].strip(_AROUND_WORDS):
                said.append(TimedWord(text, start, end))
        return voiced(audio, said)

    def _features(self, shots: Sequence[DecodeRequest]) -> Any:
        return self._storage(np.stack([self._mel(shot.audio, shot.look) for shot in shots]))

    def _mel(self, audio: Floats, look: DecodePass) -> Any:
        extract = self._fw.feature_extractor
        if look.is_full:
            mel = extract(audio)[:, :_FRAMES_FULL]
            return np.pad(mel, ((0, 0), (0, _FRAMES_FULL - mel.shape[1])))
        return extract(window.in_silence(audio, look, self._step_s))[:, :_FRAMES_FULL]

    def _languages(self, encoded: Any, shots: Sequence[DecodeRequest]) -> list[str]:
        among = [shot.wish.languages for shot in shots]
        if all(len(codes) == 1 for codes in among):
            return [code for (code,) in among]
        heard = self._model.detect_language(encoded)
        likely = [likeliest(each, codes) for each, codes in zip(heard, among, strict=True)]
        doubtful = [
            n
            for n, (_, p) in enumerate(likely)
            if p < SURE and not shots[n].wish.is_glance and len(among[n]) != 1
        ]
        if doubtful:
            full = [DecodeRequest(shots[n].audio, window.FULL, shots[n].wish) for n in doubtful]
            heard = self._model.detect_language(self._model.encode(self._features(full)))
            for n, each in zip(doubtful, heard, strict=True):
                likely[n] = likeliest(each, among[n])
        return [code for code, _ in likely]

    def _tokenizer(self, language: str, task: str) -> Any:
        if (language, task) not in self._tokenizers:
            self._tokenizers[language, task] = self._new_tokenizer(
                self._fw.hf_tokenizer, self.is_multilingual, task=task, language=language
            )
        return self._tokenizers[language, task]

    def _expected(self, wish: DecodeOptions) -> list[int]:
        if not wish.prompt.strip():
            return []
        tokenizer = self._tokenizer("en", wish.task)
        return [tokenizer.sot_prev, *tokenizer.encode(" " + wish.prompt.strip())[:_PROMPT_TOKENS]]

    def _guesses(
        self, encoded: Any, shots: Sequence[DecodeRequest], languages: Sequence[str]
    ) -> list[Hypothesis]:
        look = shots[0].look
        tokenizers = [self._tokenizer(c, shot.wish.task) for c, shot in zip(languages, shots, strict=True)]
        starts = [[*self._expected(s.wish), *t.sot_sequence] for s, t in zip(shots, tokenizers, strict=True)]
        longest = seconds(max(window.room(len(shot.audio), look, self._step_s) for shot in shots))
        cap = min(window.token_cap(longest, look), _LONGEST // 2)
        results = self._model.generate(
            encoded,
            starts,
            beam_size=look.beam,
            max_length=min(_LONGEST, max(2 * cap, cap + len(starts[0]))),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
        )
        return [
            _guess(result, shot, tokenizer)
            for result, shot, tokenizer in zip(results, shots, tokenizers, strict=True)
        ]


def _guess(result: Any, shot: DecodeRequest, tokenizer: Any) -> Hypothesis:
    ids, look, audio_s = result.sequences_ids[0], shot.look, seconds(len(shot.audio))
    said = segments(ids, tokenizer.timestamp_begin, look.lead_s, audio_s, tokenizer.decode)
    return Hypothesis(
        text=tokenizer.decode([token for segment in said for token in segment.tokens]),
        logprob=result.scores[0] * len(ids) / (len(ids) + 1),
        no_speech=result.no_speech_prob,
        tokens=len(ids),
        audio_s=audio_s,
        is_cut=len(ids) >= min(window.token_cap(audio_s, look), _LONGEST // 2),
        segments=said,
    )


class Abandoned(Exception):
    """Nobody waits for the answer any more; raised between two calls of CTranslate2."""
