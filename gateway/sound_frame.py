"""Sound in the binary frames of `voice.v1.json`: a header of 24 bytes, little-endian, then the payload.

     0 u8  version, 1
     1 u8  flags: 1 is_last, 2 offset_samples counts, 4 discontinuity
     2 u16 segment_index
     4 u32 turn
     8 u32 chunk_index
    12 u32 duration_samples
    16 u64 offset_samples
    24     payload, in the declared encoding

Upwards only the flags 2 and 4 and offset_samples count; the rest is 0 or ignored.
"""

import struct

from voice_grpc.pb import voice_pb2 as pb

from .closing import bad_message

HEADER = struct.Struct("<BBHIIIQ")
VERSION = 1
IS_LAST, HAS_OFFSET, DISCONTINUITY = 1, 2, 4


def read(frame: bytes) -> pb.AudioInput:
    """Raises `Refused`."""
    if len(frame) < HEADER.size or frame[0] != VERSION:
        got = f"{len(frame)} bytes" + (f" of version {frame[0]}" if frame else "")
        raise bad_message(
            f"audio: got {got}, accepted: a header of 24 bytes of version 1, then sound", "audio"
        )
    _, flags, _, _, _, _, offset = HEADER.unpack_from(frame)
    audio = pb.AudioInput(data=frame[HEADER.size :], discontinuity=bool(flags & DISCONTINUITY))
    if flags & HAS_OFFSET:
        audio.offset_samples = offset
    return audio


def written(turn: int, audio: pb.AudioOutput) -> bytes:
    flags = HAS_OFFSET | (IS_LAST if audio.is_last else 0)
    place = (min(audio.segment_index, 0xFFFF), turn, audio.chunk_index, audio.duration_samples)
    return HEADER.pack(VERSION, flags, *place, audio.offset_samples) + audio.data
