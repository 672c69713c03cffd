"""Whisper itself, synchronously: what `WHISPER_MODEL` means, what it runs on, and one pass over chunks of
audio.

CTranslate2 lets go of the GIL while it computes and runs as many calls at once as it has workers;
they share one copy of the weights. One call takes several chunks whose windows are equally long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.audio import RATE_HZ, Floats, seconds
from ...core.errors import EngineError, EngineMissing
from ...model_files.cache import model_path
from ...process.installation import advice
from ..worker_threads import Abandoned
from .decoding import (
    FULL,
    SAFE_TAIL_S,
    TAIL_S,
    WINDOW_S,
    DecodeOptions,
    DecodePass,
    DecodeRequest,
    DecodeResult,
    Hypothesis,
    in_silence,
    interim_passes,
    passes,
    token_cap,
    window_room,
    window_size,
)
from .languages import SURE, iso_code, likeliest, whisper_codes
from .segments import TimedWord, segments, voiced

PACKAGED = {"base": "whisper-base", "tiny": "whisper-tiny"}
"""The names of `WHISPER_MODEL` for models that come in packages, and those of the models."""
_NEEDED = ("model.bin", "config.json", "tokenizer.json")


def find(model: str, download: Callable[[str], str]) -> Path:
    """The directory of `base`, `tiny`, a path, or a hub id, which is fetched."""
    if model in PACKAGED:
        return model_path(PACKAGED[model])
    path = Path(model)
    if path.is_dir():
        missing = [name for name in _NEEDED if not (path / name).is_file()]
        if missing:
            lacking = ", ".join(missing)
            raise EngineMissing("stt", f"{path} is no CTranslate2 Whisper model: {lacking} is missing")
        return path
    if path.is_absolute() or model.startswith("."):
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


_ON_CUDA = ("float16", "int8_float16", "float32")
"""In order of preference; a card older than Volta has no fast float16, and CTranslate2 says so."""


@dataclass(frozen=True, slots=True)
class Hardware:
    device: str = "cpu"
    """`cpu` or `cuda`."""
    compute_type: str = "int8"
    """As CTranslate2 names them."""
    threads: int = 1
    """CPU threads of one call."""
    workers: int = 2
    """Calls at once; they share one copy of the weights."""
    step_s: float = 0.0
    """Windows are rounded up to a multiple of it, so that chunks of different lengths fit into one
    batch, and what a chunk is shown does not depend on its company. 0: to the sample."""


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
    """What `device` can compute with, the best first."""
    known: set[str] = _ctranslate2().get_supported_compute_types(device)
    best = [name for name in (_ON_CUDA if device == "cuda" else ("int8",)) if name in known]
    return *best, *sorted(known - {*best})


def _ctranslate2() -> Any:
    try:
        import ctranslate2
    except ImportError as error:
        raise _not_installed() from error
    return ctranslate2


def _not_installed() -> EngineMissing:
    return EngineMissing("stt", f"faster-whisper is not installed: run {advice('local')}")


_PROMPT_TOKENS = 64
"""Tokens of expected words, at most: each is computed before the first token of the answer."""

_FRAMES_FULL = 3000
_AROUND_WORDS = ' .,;:!?…"“”„«»()[]¿¡。，、！？：；'
"""Characters left out around timed words; an apostrophe or a hyphen is part of one."""

_LONGEST = 448
"""Tokens of Whisper's text context. CTranslate2 gives at most half of `max_length` to the answer."""


def hum() -> Floats:
    """A second of sound that is no speech and no silence, to warm a model with."""
    wave: Floats = (0.1 * np.sin(np.arange(RATE_HZ) * 0.2)).astype(np.float32)
    return wave


class WhisperModel:
    """Loads in its constructor; every method may be called from several threads."""

    def __init__(self, model: str, hardware: Hardware) -> None:
        """Raises `EngineMissing` (not installed, no such model), `EngineError` (damaged)."""
        try:
            import faster_whisper
            from faster_whisper.tokenizer import Tokenizer
            from faster_whisper.transcribe import get_ctranslate2_storage, get_suppressed_tokens
        except ImportError as error:
            raise _not_installed() from error
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
        tail_s = TAIL_S.get(model, SAFE_TAIL_S)
        self.passes, self.interim_passes = passes(tail_s), interim_passes(tail_s)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(map(iso_code, self._codes))

    def codes(self, tags: Sequence[str]) -> tuple[str, ...]:
        """Whisper's codes of the BCP 47 `tags`. Raises `EngineError` when the model knows none of them."""
        return whisper_codes(tags, self._codes)

    def batch_key(self, request: DecodeRequest) -> tuple[DecodePass, int, int]:
        """Requests of equal keys may be decoded together: equal passes, windows, counts of expected
        tokens."""
        samples = (
            0
            if request.decode_pass.is_full
            else window_size(len(request.audio), request.decode_pass, self._step_s)
        )
        return request.decode_pass, samples, len(self._expected(request.options))

    def decode(
        self, requests: Sequence[DecodeRequest], is_abandoned: Callable[[], bool]
    ) -> list[DecodeResult]:
        """The results of `requests` of one `batch_key`, in order. Raises `Abandoned`, and what CTranslate2
        raises, `RuntimeError` mostly."""
        if is_abandoned():
            raise Abandoned
        encoded = self._model.encode(self._features(requests))
        languages = self._languages(encoded, requests)
        if is_abandoned():
            raise Abandoned
        hypotheses = self._hypotheses(encoded, requests, languages)
        return [
            DecodeResult(hypothesis, language)
            for hypothesis, language in zip(hypotheses, languages, strict=True)
        ]

    def words(self, audio: Floats, result: DecodeResult, task: str) -> tuple[TimedWord, ...]:
        """When each word of `result`, decoded from `audio`, was said, by the attention of the decoder: one
        more encoding, and a pass over the text. Without punctuation. Raises `RuntimeError` of CTranslate2."""
        decode_pass = self.passes[0]
        encoded = self._model.encode(self._storage(self._mel(audio, decode_pass)[None]))
        tokens = [token for segment in result.hypothesis.segments for token in segment.tokens]
        frames = round((decode_pass.lead_s + seconds(len(audio))) * _FRAMES_FULL / WINDOW_S)
        tokenizer = self._tokenizer(result.language, task)
        found = self._fw.find_alignment(tokenizer, [tokens], encoded, frames)[0]
        said: list[TimedWord] = []
        for each in found:
            start, end = (max(0.0, float(each[at]) - decode_pass.lead_s) for at in ("start", "end"))
            if text := each["word"].strip(_AROUND_WORDS):
                said.append(TimedWord(text, start, end))
        return voiced(audio, said)

    def _features(self, requests: Sequence[DecodeRequest]) -> Any:
        return self._storage(
            np.stack([self._mel(request.audio, request.decode_pass) for request in requests])
        )

    def _mel(self, audio: Floats, decode_pass: DecodePass) -> Any:
        extract = self._fw.feature_extractor
        if decode_pass.is_full:
            mel = extract(audio)[:, :_FRAMES_FULL]
            return np.pad(mel, ((0, 0), (0, _FRAMES_FULL - mel.shape[1])))
        return extract(in_silence(audio, decode_pass, self._step_s))[:, :_FRAMES_FULL]

    def _languages(self, encoded: Any, requests: Sequence[DecodeRequest]) -> list[str]:
        among = [request.options.languages for request in requests]
        if all(len(codes) == 1 for codes in among):
            return [code for (code,) in among]
        detected = self._model.detect_language(encoded)
        likely = [likeliest(each, codes) for each, codes in zip(detected, among, strict=True)]
        doubtful = [
            n
            for n, (_, p) in enumerate(likely)
            if p < SURE and not requests[n].options.is_interim and len(among[n]) != 1
        ]
        if doubtful:
            full = [DecodeRequest(requests[n].audio, FULL, requests[n].options) for n in doubtful]
            detected = self._model.detect_language(self._model.encode(self._features(full)))
            for n, each in zip(doubtful, detected, strict=True):
                likely[n] = likeliest(each, among[n])
        return [code for code, _ in likely]

    def _tokenizer(self, language: str, task: str) -> Any:
        if (language, task) not in self._tokenizers:
            self._tokenizers[language, task] = self._new_tokenizer(
                self._fw.hf_tokenizer, self.is_multilingual, task=task, language=language
            )
        return self._tokenizers[language, task]

    def _expected(self, options: DecodeOptions) -> list[int]:
        if not options.prompt.strip():
            return []
        tokenizer = self._tokenizer("en", options.task)
        return [tokenizer.sot_prev, *tokenizer.encode(" " + options.prompt.strip())[:_PROMPT_TOKENS]]

    def _hypotheses(
        self, encoded: Any, requests: Sequence[DecodeRequest], languages: Sequence[str]
    ) -> list[Hypothesis]:
        decode_pass = requests[0].decode_pass
        tokenizers = [
            self._tokenizer(c, request.options.task) for c, request in zip(languages, requests, strict=True)
        ]
        starts = [
            [*self._expected(s.options), *t.sot_sequence] for s, t in zip(requests, tokenizers, strict=True)
        ]
        longest = seconds(
            max(window_room(len(request.audio), decode_pass, self._step_s) for request in requests)
        )
        cap = min(token_cap(longest, decode_pass), _LONGEST // 2)
        results = self._model.generate(
            encoded,
            starts,
            beam_size=decode_pass.beam,
            max_length=min(_LONGEST, max(2 * cap, cap + len(starts[0]))),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
        )
        return [
            _hypothesis(result, request, tokenizer)
            for result, request, tokenizer in zip(results, requests, tokenizers, strict=True)
        ]


def _hypothesis(result: Any, request: DecodeRequest, tokenizer: Any) -> Hypothesis:
    ids, decode_pass, audio_s = result.sequences_ids[0], request.decode_pass, seconds(len(request.audio))
    said = segments(ids, tokenizer.timestamp_begin, decode_pass.lead_s, audio_s, tokenizer.decode)
    return Hypothesis(
        text=tokenizer.decode([token for segment in said for token in segment.tokens]),
        logprob=result.scores[0] * len(ids) / (len(ids) + 1),
        no_speech=result.no_speech_prob,
        tokens=len(ids),
        audio_s=audio_s,
        is_cut=len(ids) >= min(token_cap(audio_s, decode_pass), _LONGEST // 2),
        segments=said,
    )
