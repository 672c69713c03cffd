"""Opus there and back: packets and Ogg pages, whole, cut up, and broken; and over the wire."""

import io
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from voice_grpc.codec.ogg import PageReader, PageWriter
from voice_grpc.codec.opus import MAX_PACKET, PacketDecoder, PacketEncoder
from voice_grpc.codec.transcode import Decoder, Encoder
from voice_grpc.core.audio import RATE_HZ, Samples, rms, to_float, to_pcm16
from voice_grpc.core.config import RATES_HZ, AudioFormat, Encoding
from voice_grpc.core.errors import Skipped
from voice_grpc.pb import voice_pb2 as pb

from ..serving import OK, noise, serving

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")

BOTH = (Encoding.OPUS_PACKET, Encoding.OGG_OPUS)
OPUS = pb.AUDIO_ENCODING_OPUS_PACKET
OGG = pb.AUDIO_ENCODING_OGG_OPUS


def tone(rate_hz: int, seconds: float = 1.0) -> Samples:
    return to_pcm16(0.4 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz))


def pieces(samples: Samples, size: int) -> list[Samples]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]


def loudest_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(to_float(samples)))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("encoding", BOTH)
@pytest.mark.parametrize("size", [137, 960, 4_000])
def test_there_and_back(encoding: Encoding, rate_hz: int, size: int) -> None:
    """Whatever the cuts: the same tone, of the same length but for the last packet's filling."""
    format = AudioFormat(encoding, rate_hz)
    encoder, decoder = Encoder(format), Decoder(format)
    made = [piece for part in pieces(tone(rate_hz), size) for piece in encoder.encode(part)]
    made += encoder.encode(np.zeros(0, np.int16), is_last=True)
    heard = [decoder.decode(piece.data) for piece in made if piece.data]
    samples = np.concatenate([part.samples for part in heard])
    assert 1.0 <= sum(piece.length for piece in made) / rate_hz <= 1.04
    assert sum(part.length for part in heard) == sum(piece.length for piece in made)
    assert abs(loudest_hz(samples[2_000:14_000]) - 440) < 5
    assert abs(rms(samples[2_000:14_000]) / rms(tone(RATE_HZ)) - 1) < 0.1
    if encoding is Encoding.OPUS_PACKET:
        assert {piece.length for piece in made} == {rate_hz // 50}


def test_speech_costs_a_tenth() -> None:
    """Noise as loud as speech is the worst case; PCM at 16 kHz would be 32,000 bytes."""
    encoder = PacketEncoder(16_000)
    packets = encoder.feed(noise(1.0)) + encoder.flush()
    assert sum(map(len, packets)) < 4_500


def test_pages_are_what_others_read() -> None:
    """libsndfile reads the stream, and checks every page's sum on the way."""
    encoder = Encoder(AudioFormat(Encoding.OGG_OPUS, 24_000))
    made = [*encoder.encode(tone(24_000)), *encoder.encode(np.zeros(0, np.int16), is_last=True)]
    samples, rate_hz = soundfile.read(io.BytesIO(b"".join(piece.data for piece in made)), dtype="int16")
    assert rate_hz in (24_000, 48_000)
    assert 0.98 <= len(samples) / rate_hz <= 1.05
    assert rms(samples) > 0.2


def test_pages_of_others_are_read() -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(48_000), 48_000, format="OGG", subtype="OPUS")
    data = file.getvalue()
    decoder = Decoder(AudioFormat(Encoding.OGG_OPUS, 48_000))
    heard = np.concatenate([decoder.decode(data[at : at + 333]).samples for at in range(0, len(data), 333)])
    assert abs(loudest_hz(heard[2_000:14_000]) - 440) < 5


def test_one_stream_may_follow_another() -> None:
    decoder = Decoder(AudioFormat(Encoding.OGG_OPUS))
    lengths = []
    for _ in range(2):
        encoder = Encoder(AudioFormat(Encoding.OGG_OPUS))
        made = encoder.encode(tone(16_000)) + encoder.encode(np.zeros(0, np.int16), is_last=True)
        lengths.append(sum(decoder.decode(piece.data).length for piece in made))
    assert lengths[0] == lengths[1] > 16_000


def test_a_page_holds_what_was_put_there_wherever_the_stream_is_cut() -> None:
    packets = [bytes([n]) * size for n, size in enumerate((1, 254, 255, 256, 510, 1_275))]
    writer = PageWriter(48_000, 7)
    data = writer.feed(packets[:3]) + writer.feed(packets[3:], is_last=True)
    for size in (1, 27, 28, 1_000, len(data)):
        reader = PageReader()
        assert [p for at in range(0, len(data), size) for p in reader.feed(data[at : at + size])] == packets


# ---------------------------------------------------------------- broken


@pytest.mark.parametrize("data", [b"\xff" * 15, b"\xfb\x00\x01", bytes(MAX_PACKET + 1)])
def test_what_is_no_packet_is_refused_and_the_next_one_heard(data: bytes) -> None:
    decoder = PacketDecoder()
    with pytest.raises(Skipped, match=r"audio.data: got '\d+ bytes', accepted: .*Opus packet"):
        decoder.feed(data)
    (packet, *_) = PacketEncoder(48_000).feed(tone(48_000))
    assert len(decoder.feed(packet)) > 0


def test_what_is_no_page_is_refused_and_the_next_one_found() -> None:
    (good, *_) = Encoder(AudioFormat(Encoding.OGG_OPUS)).encode(tone(16_000))
    reader = PageReader()
    with pytest.raises(Skipped, match="Ogg pages"):
        reader.feed(b"this is no page at all, and it is long enough" + good.data)
    assert len(reader.feed(b"")) == 50


def test_pages_in_front_of_what_is_no_page_are_heard() -> None:
    """All in one message; what is no page is refused with the next one, and costs nothing but itself."""
    packets = PacketEncoder(16_000).feed(tone(16_000))
    writer = PageWriter(16_000, serial=7)
    reader = PageReader()
    garbage = b"this is no page at all, and it is long enough"
    assert reader.feed(writer.feed(packets[:3]) + garbage) == packets[:3]
    with pytest.raises(Skipped, match="Ogg pages"):
        reader.feed(writer.feed(packets[3:5]))
    assert reader.feed(writer.feed(packets[5:6])) == packets[3:6]


def test_endless_packets_take_no_memory() -> None:
    """Pages that say for ever that their packet goes on."""
    page = b"OggS\0\1" + bytes(20) + b"\xff" + b"\xff" * 255 + bytes(255 * 255)
    reader = PageReader()
    for _ in range(50):
        assert reader.feed(page) == []
    assert len(reader._packet) <= MAX_PACKET + 255  # noqa: SLF001


# ---------------------------------------------------------------- over the wire


@pytest.mark.parametrize("encoding", [OPUS, OGG])
async def test_a_conversation_in_opus(encoding: pb.AudioEncoding) -> None:
    form = AudioFormat(Encoding.OPUS_PACKET if encoding == OPUS else Encoding.OGG_OPUS, 48_000)
    encoder, decoder = Encoder(form), Decoder(form)
    format = pb.AudioFormat(encoding=encoding, sample_rate_hz=48_000)
    async with serving() as served, served.talk() as talk:
        started = await talk.config(input_audio=format, output_audio=format)
        assert started.effective_config.input_audio.encoding == encoding
        for piece in encoder.encode(noise(0.6, 48_000), is_last=True):
            await talk.send(pb.ConverseRequest(audio=pb.AudioInput(data=piece.data)))
        await talk.send(pb.ConverseRequest(activity=pb.UserActivity(kind=pb.UserActivity.KIND_END)))
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        assert [t.text for t in talk.transcripts() if t.is_final] == ["hello there"]
        chunks = talk.chunks(1)
        assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert [chunk.chunk_index for chunk in chunks] == list(range(len(chunks)))
        assert all(b.offset_samples == a.offset_samples + a.duration_samples for a, b in pairwise(chunks))
        sound = np.concatenate([decoder.decode(chunk.data).samples for chunk in chunks if chunk.data])
        assert rms(sound) > 0.1
        assert not talk.notices
        await talk.half_close()
        assert await talk.ended() == OK


async def test_a_bad_packet_costs_itself() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config(input_audio=pb.AudioFormat(encoding=OPUS))
        await talk.send(pb.ConverseRequest(seq=9, audio=pb.AudioInput(data=b"\xff" * 15)))
        notice = await talk.notice("BAD_MESSAGE")
        assert (notice.field, notice.request_seq) == ("audio.data", 9)
        await talk.text("Well then.", text_only=True)
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED


async def test_synthesis_in_opus() -> None:
    request = pb.SynthesizeRequest(text="Hello there.", output_audio=pb.AudioFormat(encoding=OPUS))
    async with serving() as served:
        responses = [response async for response in served.stub.Synthesize(request)]
    decoder = Decoder(AudioFormat(Encoding.OPUS_PACKET, 24_000))
    assert all(r.audio.duration_samples == 480 for r in responses)
    assert rms(np.concatenate([decoder.decode(r.audio.data).samples for r in responses])) > 0.1
