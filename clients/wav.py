"""Sound files: any that soundfile reads as the user's voice, and what was said and heard as stereo WAV."""

from pathlib import Path

import numpy as np
import soundfile

from .audio import INPUT_HZ, Samples, resample

LONGEST = 3600
"""Seconds of one file: what is held in memory stays under 120 MB."""


class BadFile(Exception):
    """A file that cannot be read or written; the text is one line that says which and why."""


def read_voice(path: Path, rate_hz: int = INPUT_HZ) -> Samples:
    """The file as PCM16 mono at `rate_hz`, whatever its format, rate and channels. Raises `BadFile`."""
    if not path.is_file():
        raise BadFile(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames > LONGEST * file.samplerate:
                raise BadFile(f"{path}: longer than {LONGEST // 60} minutes")
            sound, from_hz = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, OSError, TypeError) as error:  # TypeError: raw data without a header
        raise BadFile(f"{path}: not a sound file that can be read (WAV, FLAC, OGG and MP3 can)") from error
    if not len(sound):
        raise BadFile(f"{path}: holds no sound")
    mono = np.nan_to_num(sound.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
    scaled = np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)
    return resample(scaled, from_hz, rate_hz)


def check_writable(path: Path) -> None:
    """So that it is known before an hour of talk, not after. Raises `BadFile`."""
    if path.suffix.lower() != ".wav":
        raise BadFile(f"{path}: the recording is a WAV file, so its name must end in .wav")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise BadFile(f"{path}: {'is a folder' if path.is_dir() else 'there is no such folder'}")
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise BadFile(f"{path}: cannot be written ({error.strerror})") from error


def write_stereo(path: Path, left: Samples, right: Samples, rate_hz: int) -> None:
    """Both channels from the same moment on, the shorter one filled up with silence."""
    stereo = np.zeros((max(len(left), len(right)), 2), np.int16)
    stereo[: len(left), 0] = left
    stereo[: len(right), 1] = right
    try:
        soundfile.write(path, stereo, rate_hz, format="WAV", subtype="PCM_16")
    except (soundfile.SoundFileError, OSError) as error:
        raise BadFile(f"{path}: cannot be written ({error})") from error
