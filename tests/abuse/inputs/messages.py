"""Messages of the contract, made from its descriptors: a field that is added tomorrow is sent tomorrow.

Each has a few of its fields, whatever they are: right values, boundary numbers, unknown enum values, NaN, odd
and huge texts. Lone surrogates a proto string cannot hold; `frames.py` spells them in JSON.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .mutation import odd_bytes, odd_texts

DEEPEST = 4
"""Messages in messages. Deeper than protobuf reads they are in `DEEP`."""

MOST_FIELDS = 4
"""Set in one message, by chance."""

_INFINITY = float("inf")
_FLOATS = (0.0, -0.0, 0.5, 1.0, -1.0, 1e-45, 3.4e38, _INFINITY, -_INFINITY, float("nan"))


def _integers(least: int, most: int) -> SearchStrategy[int]:
    bounds = {0, 1, 2, 8_000, 16_000, 48_000, most // 2, most - 1, most, least, least + 1, -1}
    inside = sorted(each for each in bounds if least <= each <= most)
    return st.one_of(st.sampled_from(inside), st.integers(least, most))


_TEXTS = st.one_of(odd_texts, st.text(st.characters(codec="utf-8"), max_size=20))

F = FieldDescriptor
_VALUES: Mapping[int, SearchStrategy[Any]] = {
    F.TYPE_DOUBLE: st.one_of(st.sampled_from(_FLOATS), st.floats()),
    F.TYPE_FLOAT: st.one_of(st.sampled_from(_FLOATS), st.floats(width=32)),
    F.TYPE_INT64: _integers(-(2**63), 2**63 - 1),
    F.TYPE_UINT64: _integers(0, 2**64 - 1),
    F.TYPE_INT32: _integers(-(2**31), 2**31 - 1),
    F.TYPE_UINT32: _integers(0, 2**32 - 1),
    F.TYPE_BOOL: st.booleans(),
    F.TYPE_STRING: _TEXTS,
    F.TYPE_BYTES: st.one_of(odd_bytes, st.binary(max_size=40)),
}
"""By the type of a field."""


def messages(kind: type[Message]) -> SearchStrategy[Message]:
    """Of this class, with any of its fields."""
    return _made(kind.DESCRIPTOR, 0)


@cache
def _made(descriptor: Descriptor, depth: int) -> SearchStrategy[Message]:
    make: Callable[[], Message] = GetMessageClass(descriptor)
    usable = [each for each in descriptor.fields if depth < DEEPEST or each.message_type is None]
    if not usable:
        return st.builds(make)

    @st.composite
    def message(draw: st.DrawFn) -> Message:
        made = make()
        for field in draw(st.lists(st.sampled_from(usable), max_size=MOST_FIELDS)):
            _set(draw, made, field, depth)
        return made

    return message()


def _set(draw: st.DrawFn, made: Message, field: FieldDescriptor, depth: int) -> None:
    if _is_map(field):
        for _ in range(draw(st.integers(0, 3))):
            key, value = _entry(field).fields
            _put(draw, getattr(made, field.name), draw(_VALUES[key.type]), value, depth)
    elif field.is_repeated:
        values = draw(st.lists(_values(field, depth), max_size=4))
        getattr(made, field.name).extend(values * draw(st.sampled_from((1, 1, 1, 30))))
    elif field.message_type is not None:
        getattr(made, field.name).SetInParent()
        getattr(made, field.name).CopyFrom(draw(_values(field, depth)))
    else:
        setattr(made, field.name, draw(_values(field, depth)))


def _put(draw: st.DrawFn, mapping: Any, key: object, value: FieldDescriptor, depth: int) -> None:
    if value.message_type is None:
        mapping[key] = draw(_values(value, depth))
    else:
        mapping[key].CopyFrom(draw(_values(value, depth)))


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _entry(field: FieldDescriptor) -> Descriptor:
    """Of a map: a message of key and value."""
    assert field.message_type is not None
    return field.message_type


def _values(field: FieldDescriptor, depth: int) -> SearchStrategy[Any]:
    if field.message_type is not None:
        return _made(field.message_type, depth + 1)
    if field.enum_type is not None:
        known = [value.number for value in field.enum_type.values]
        return st.sampled_from([*known, *known, max(known) + 1, 99, -1, 2**31 - 1])
    return _VALUES[field.type]
