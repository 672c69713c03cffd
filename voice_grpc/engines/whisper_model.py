"""Whisper itself, synchronously: finds and loads the model, and turns a piece of audio into text.

CTranslate2 lets go of the GIL while it computes and runs as many calls at once as it has workers;
they share one copy of the weights.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.audio import Floats, seconds
from ..core.errors import EngineError, EngineMissing
from . import whisper_window as window
from .whisper_languages import SURE, iso_code, likeliest, whisper_codes
from .whisper_passage import Abandoned, Passage, Written
from .whisper_source import find, first_line
from .whisper_window import Guess, Look

_PROMPT_TOKENS = 64
"""Of expected words, at most: each is computed before the first token of the answer."""

_FRAMES_FULL = 3000
_LONGEST = 448
"""Whisper's text context. CTranslate2 gives at most half of `max_length` to the answer."""

_SURE_OF_LANGUAGE_S = 3.0


class WhisperModel:
    """Loads in its constructor; every method may be called from several threads."""

    def __init__(self, model: str, threads: int, workers: int) -> None:
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
                str(path), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=workers
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
        self._tokenizers: dict[str, Any] = {}
        self._suppressed: Any = get_suppressed_tokens(self._tokenizer("en"), [-1])
        tail_s = window.TAIL_S.get(model, window.SAFE_TAIL_S)
        self.looks, self.glance = window.looks(tail_s), window.glance(tail_s)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(map(iso_code, self._codes))

    def codes(self, tags: Sequence[str]) -> tuple[str, ...]:
        """Raises `EngineError` when it knows none of the BCP 47 `tags`."""
        return whisper_codes(tags, self._codes)

    def write(self, passage: Passage) -> Written:
        """Raises `Abandoned`, and `EngineError` when CTranslate2 fails."""
        try:
            return self._pieces(passage)
        except RuntimeError as error:
            raise EngineError("stt", f"Whisper failed: {first_line(error)}") from error

    def _pieces(self, passage: Passage) -> Written:
        pieces: list[tuple[int, str]] = []
        audio, language, sure = passage.audio, "", False
        while len(audio):
            cut = window.first_piece(audio)
            glance = passage.is_interim and cut == len(audio)
            among = (language,) if sure else passage.languages
            text, heard = self._piece(audio[:cut], among, self.glance if glance else self.looks, passage)
            if heard and not sure:
                language, sure = heard, not glance and seconds(cut) >= _SURE_OF_LANGUAGE_S
            pieces.append((cut, text))
            audio = audio[cut:]
        return Written(tuple(pieces), language, sure)

    def _piece(
        self, audio: Floats, languages: tuple[str, ...], looks: Sequence[Look], passage: Passage
    ) -> tuple[str, str]:
        """Text and language; both empty when nothing was said."""
        if window.is_silent(audio):
            return "", ""
        best: Guess | None = None
        language = ""
        for look in looks:
            if passage.is_abandoned():
                raise Abandoned
            encoded = self._model.encode(self._features(audio, look))
            language = language or self._language(encoded, audio, languages, looks is self.glance)
            if passage.is_abandoned():
                raise Abandoned
            guess = self._guess(encoded, look, seconds(len(audio)), self._start(language, passage.prompt))
            if guess.is_noise(look):
                return "", ""
            is_settled = best is not None and window.agree(best, guess)
            best = guess if best is None else window.better(best, guess)
            if is_settled or best.is_enough(look):
                break
        if best is None or best.is_empty_loop or (looks is self.glance and best.is_stutter):
            return "", ""
        return best.text, language

    def _features(self, audio: Floats, look: Look) -> Any:
        extract = self._fw.feature_extractor
        if look.is_full:
            mel = extract(audio)[:, :_FRAMES_FULL]
            mel = np.pad(mel, ((0, 0), (0, _FRAMES_FULL - mel.shape[1])))
        else:
            mel = extract(window.in_silence(audio, look))[:, :_FRAMES_FULL]
        return self._storage(mel[None])

    def _language(self, encoded: Any, audio: Floats, among: tuple[str, ...], is_glance: bool) -> str:
        if len(among) == 1:
            return among[0]
        code, probability = likeliest(self._model.detect_language(encoded)[0], among)
        if probability < SURE and not is_glance:
            whole = self._model.encode(self._features(audio, window.FULL))
            code, _ = likeliest(self._model.detect_language(whole)[0], among)
        return code

    def _tokenizer(self, language: str) -> Any:
        if language not in self._tokenizers:
            self._tokenizers[language] = self._new_tokenizer(
                self._fw.hf_tokenizer, self.is_multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]

    def _start(self, language: str, prompt: str) -> tuple[Any, list[int]]:
        tokenizer = self._tokenizer(language)
        expected = tokenizer.encode(" " + prompt.strip())[:_PROMPT_TOKENS] if prompt.strip() else []
        before = [tokenizer.sot_prev, *expected] if expected else []
        return tokenizer, [*before, *tokenizer.sot_sequence]

    def _guess(self, encoded: Any, look: Look, audio_s: float, start: tuple[Any, list[int]]) -> Guess:
        tokenizer, tokens = start
        cap = min(window.token_cap(audio_s, look), _LONGEST // 2)
        result = self._model.generate(
            encoded,
            [tokens],
            beam_size=look.beam,
            max_length=min(_LONGEST, max(2 * cap, cap + len(tokens))),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
        )[0]
        ids = result.sequences_ids[0]
        return Guess(
            text=tokenizer.decode(_before(ids, tokenizer.timestamp_begin, look.lead_s + audio_s)),
            logprob=result.scores[0] * len(ids) / (len(ids) + 1),
            no_speech=result.no_speech_prob,
            tokens=len(ids),
            audio_s=audio_s,
            is_cut=len(ids) >= cap,
        )


def _before(ids: Sequence[int], first_stamp: int, end_s: float) -> list[int]:
    """Text whose segment begins after the audio has ended was made up; the first segment stays."""
    kept: list[int] = []
    at = 0.0
    for token in ids:
        if token >= first_stamp:
            at = (token - first_stamp) * 0.02
        elif not kept or at < end_s:
            kept.append(token)
    return kept
