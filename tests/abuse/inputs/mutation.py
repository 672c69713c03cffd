"""Valid bytes or texts, with something wrong in them. A few edits each: what is wrong all over is refused at
its first byte, and finds nothing behind it."""

from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

ODD_TEXTS = (
    *("", " ", "\0", "a\nb", "é", "e\u0301", "\u202eabc", "\ufeff", "\uffff", "\U0001f600", "\ufdfa"),
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    *("../../etc/passwd", "%00", "' OR 1=1 --", "<speak>", "<speak><p>hi", "<speak>&amp;&bogus;</speak>"),
    *("null", "NaN", "-1", "1e999", "tone", "hum", "default", "en", "en-US", "xx", "x" * 129, "a" * 8_001),
    "a" * 60_000,
)
"""Empty, of no width, in two forms, longer than accepted; and what means something to somebody."""

ODD_BYTES = (
    *(b"", b"\0", b"\xff", b"\xff" * 9, b"\xed\xa0\x80", b"\xc0\x80", b"\r\n", b"\x80" * 11, b"OggS"),
    *(bytes(640), bytes(641), b"\x7f\xff" * 320, b"\0\0\xc0\x7f" * 160, bytes(40_000)),
)
"""Among them half of a surrogate pair, an overlong NUL, a varint without an end, 20 ms of sound, NaN."""

odd_texts = st.sampled_from(ODD_TEXTS)
odd_bytes = st.sampled_from(ODD_BYTES)

T = TypeVar("T")


def weighted(*choices: tuple[int, SearchStrategy[T]]) -> SearchStrategy[T]:
    """One of these, each so many times as often as one of 1. `one_of` takes what is named twice for one."""
    places = [place for place, (weight, _) in enumerate(choices) for _ in range(weight)]
    return st.sampled_from(places).flatmap(lambda place: choices[place][1])


_EDITS = ("replace", "insert", "delete", "repeat", "cut", "flip")


@st.composite
def mutated(draw: st.DrawFn, valid: SearchStrategy[bytes]) -> bytes:
    """One to four edits, anywhere."""
    content = bytearray(draw(valid))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.sampled_from((1, 1, 2, 4, 40)))
        match draw(st.sampled_from(_EDITS)):
            case "replace":
                content[at : at + length] = draw(odd_bytes)
            case "insert":
                content[at:at] = draw(odd_bytes)
            case "delete":
                del content[at : at + length]
            case "repeat":
                content[at:at] = content[at : at + length] * draw(st.sampled_from((1, 2, 200)))
            case "cut":
                del content[at:]
            case "flip" if content:
                content[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)


@st.composite
def mutated_lines(draw: st.DrawFn, lines: tuple[str, ...]) -> str:
    """Lines left out, said twice, swapped, cut, or with an odd word in them."""
    edited = list(lines)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(edited) - 1)))
        other = draw(st.integers(0, max(0, len(edited) - 1)))
        if not edited:
            break
        match draw(st.sampled_from(("leave out", "twice", "swap", "word", "cut", "join"))):
            case "leave out":
                del edited[at]
            case "twice":
                edited.insert(other, edited[at])
            case "swap":
                edited[at], edited[other] = edited[other], edited[at]
            case "word":
                words = edited[at].replace("=", "= ").replace(":", ": ").split(" ")
                words[draw(st.integers(0, len(words) - 1))] = draw(odd_texts)
                edited[at] = " ".join(words).replace("= ", "=").replace(": ", ":")
            case "cut":
                edited[at] = edited[at][: draw(st.integers(0, len(edited[at])))]
            case "join":
                edited[at] += edited.pop(other) if other > at else ""
    return draw(st.sampled_from(("\r\n", "\n"))).join(edited)


@st.composite
def cut_up(draw: st.DrawFn, content: SearchStrategy[bytes]) -> tuple[bytes, ...]:
    """In up to five pieces, anywhere."""
    whole = draw(content)
    places = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    return tuple(whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True))
