"""The file of a voice, cut in two before the decoder: text → latents, and latents → sound.

What lives here: the little of ONNX's format that a cut needs. What must not: running either half.

A model is one protobuf message, and its weights are fields of it, so the halves are made of the bytes of its
fields as they stand. `onnx.utils.Extractor` does the same with every field parsed and copied: for
en_US-joe-medium it takes 0.3 s and 130 MB more than loading it whole, and 33 MB of packages; this takes 0.1 s
and no memory that lasts. The numbers of the fields are those of onnx/onnx.proto; none gets another meaning.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_MODEL_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
"""Of a GraphProto: what is computed, the weights, and what goes in and out."""
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME = 1, 2, 3
_INITIALIZER_NAME = 8
_VALUE_NAME = 1

_DECODER = "/dec/"
"""How the nodes of the decoder are named: `dec` is the attribute of VITS's `SynthesizerTrn` that holds it."""
_ENTRANCE = "/dec/conv_pre/"
"""Its first node, whose input is the latents."""


class UncutModel(ValueError):
    """A model without a decoder that can be told from the rest, or none that can be read at all."""


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    whole: memoryview
    """With its number and length."""
    value: memoryview


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    whole: memoryview


@dataclass(frozen=True, slots=True)
class Seam:
    """What goes over from one half to the other, by the names of the tensors."""

    latents: str
    """Shape (1, channels, frames), float32."""
    conditions: Sequence[str]
    """Further inputs of the decoder that are the same for every frame, such as who speaks; float32."""
    sound: str
    """The decoder's output, shape (1, 1, samples), float32."""

    @property
    def names(self) -> list[str]:
        return [self.latents, *self.conditions]


def cut(model: Path, encoder: Path, decoder: Path) -> Seam:
    """Write the halves of `model`: `encoder` has its inputs and gives what `Seam.names` says, `decoder`
    takes that and gives `Seam.sound`.

    Raises `UncutModel`, and OSError when a file cannot be read or written.
    """
    graph = _Graph(model.read_bytes())
    seam = _seam(graph.nodes)
    graph.write(encoder, [], seam.names)
    graph.write(decoder, seam.names, [seam.sound])
    return seam


def _seam(nodes: Sequence[_Node]) -> Seam:
    decoder = [node for node in nodes if node.name.startswith(_DECODER)]
    within = {name for node in decoder for name in node.outputs}
    computed = {name for node in nodes if node.inputs for name in node.outputs} - within
    taken = dict.fromkeys(name for node in decoder for name in node.inputs if name in computed)
    latents = [
        name for node in decoder if node.name.startswith(_ENTRANCE) for name in node.inputs if name in taken
    ]
    sounds = within - {name for node in decoder for name in node.inputs}
    if len(latents) != 1 or len(sounds) != 1:
        raise UncutModel(
            f"it has no decoder {_DECODER} that takes latents at {_ENTRANCE} and gives one sound"
        )
    return Seam(latents[0], [name for name in taken if name != latents[0]], sounds.pop())


class _Graph:
    """A model in parts, all of them views of its bytes."""

    def __init__(self, model: bytes) -> None:
        fields = list(_fields(memoryview(model)))
        self._head = [field.whole for field in fields if field.number != _MODEL_GRAPH]
        graphs = [field.value for field in fields if field.number == _MODEL_GRAPH]
        if len(graphs) != 1:
            raise UncutModel(f"it has {len(graphs)} graphs instead of 1")
        parts = list(_fields(graphs[0]))
        self.nodes = [_node(part) for part in parts if part.number == _NODE]
        self._weights = [part for part in parts if part.number == _INITIALIZER]
        self._inputs = [part for part in parts if part.number == _INPUT]

    def write(self, path: Path, given: Sequence[str], wanted: Sequence[str]) -> None:
        """What computes the tensors `wanted` from those `given` and from inputs of the model."""
        nodes, read = self._above(wanted, given)
        parts = [node.whole for node in nodes]
        parts += [part.whole for part in self._weights if _text(part, _INITIALIZER_NAME) in read]
        parts += [part.whole for part in self._inputs if _text(part, _VALUE_NAME) in read]
        ends = [_field(_INPUT, _float_tensor(name)) for name in given]
        ends += [_field(_OUTPUT, _float_tensor(name)) for name in wanted]
        size = sum(map(len, parts)) + sum(map(len, ends))
        with path.open("wb") as file:
            file.writelines([*self._head, _key(_MODEL_GRAPH), _varint(size), *parts, *ends])

    def _above(self, wanted: Iterable[str], given: Iterable[str]) -> tuple[list[_Node], set[str]]:
        """The nodes in their order, and the names of all that they read."""
        makers = {name: place for place, node in enumerate(self.nodes) for name in node.outputs}
        kept: set[int] = set()
        seen, ahead = set(given), [name for name in wanted if name not in given]
        while ahead:
            name = ahead.pop()
            if name in seen:
                continue
            seen.add(name)
            if (place := makers.get(name)) is not None:
                kept.add(place)
                ahead += self.nodes[place].inputs
        return [self.nodes[place] for place in sorted(kept)], seen - set(given)


def _node(part: _Field) -> _Node:
    texts: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: [], _NODE_NAME: []}
    for field in _fields(part.value):
        if field.number in texts:
            texts[field.number].append(_decoded(field.value))
    return _Node("".join(texts[_NODE_NAME]), texts[_NODE_INPUT], texts[_NODE_OUTPUT], part.whole)


def _text(part: _Field, number: int) -> str:
    return "".join(_decoded(field.value) for field in _fields(part.value) if field.number == number)


def _decoded(value: memoryview) -> str:
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise UncutModel(f"a name in it is no UTF-8: {error}") from error


# ------------------------------------------------------- protobuf.dev/programming-guides/encoding


def _fields(message: memoryview) -> Iterator[_Field]:
    """Raises `UncutModel` for bytes that are no message."""
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        match key & 7:
            case 0:
                _, end = _read_varint(message, at)
            case 1:
                end = at + 8
            case 2:
                size, at = _read_varint(message, at)
                end = at + size
            case 5:
                end = at + 4
            case kind:
                raise UncutModel(f"it has a field of type {kind}, which protobuf does not know")
        if end > len(message):
            raise UncutModel(f"it ends {end - len(message)} bytes too early")
        yield _Field(key >> 3, message[start:end], message[at:end])
        at = end


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """Its value, and the place after it."""
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise UncutModel("it ends within a number")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _key(number: int) -> bytes:
    """Of a field that says how long it is."""
    return _varint(number << 3 | 2)


def _field(number: int, value: bytes) -> bytes:
    return _key(number) + _varint(len(value)) + value


def _float_tensor(name: str) -> bytes:
    """A ValueInfoProto: its name, and its type, a tensor of FLOAT (1) of any shape."""
    return _field(_VALUE_NAME, name.encode()) + _field(2, _field(1, b"\x08\x01"))
