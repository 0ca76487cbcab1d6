"""The weights of a model of this project's own kind, a Llama in a GGUF file, read without detours.

transformers reads such files too, in ten seconds: it parses the vocabulary that the file holds, which is in ``tokenizer.json``
as well, and unpacks the weights sixteen rows at a time. Here the file is mapped into memory, its vocabulary passed over, and
each tensor unpacked in pieces that a processor's cache holds. The numbers are the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType
from gguf.quants import dequantize

from retranslate.errors import InputError
from retranslate.tensor_names import transformers_name

EMBEDDING = "model.embed_tokens.weight"
_PIECE = 8192
"""Blocks unpacked at a time."""

# What the bytes of a block are, beside 32 numbers of four bits: (a smallest value, fifth bits, the number that stands for 0).
_NIBBLES = {"Q4_0": (False, False, 8), "Q4_1": (True, False, 0), "Q5_0": (False, True, 16), "Q5_1": (True, True, 0)}

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]


def read_llama(
    path: Path, shapes: Mapping[str, tuple[int, ...]], heads: int, key_heads: int
) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of a Llama, float32, one by one, with their names in transformers.

    ``shapes`` are those of the tensors that there must be; ``heads`` and ``key_heads`` the numbers of attention heads
    of queries and of keys. Raises InputError when the file is no GGUF file, is cut short, holds another architecture,
    or has other tensors or other shapes.
    """
    try:
        reader = _Reader(path)
        architecture = reader.fields["general.architecture"].contents()
        _refuse_overlaps(reader)
    except Exception as error:  # whatever a damaged file leads to
        raise InputError(
            f"{path}: the model cannot be loaded: damaged or cut short; export the model again."
        ) from error
    if architecture != "llama":
        raise InputError(
            f"{path}: the model cannot be loaded: of architecture {architecture!r} where 'llama' is expected."
        )
    absent = set(shapes)
    for stored in reader.tensors:
        name = transformers_name(stored.name)
        shape = tuple(int(size) for size in reversed(stored.shape))
        if shapes.get(name) != shape:
            raise InputError(
                f"{path}: the model cannot be loaded: {stored.name} has the shape {shape}, where config.json asks for "
                f"{shapes.get(name, 'no such tensor')}; export the model again."
            )
        values = unpacked(stored.data, stored.tensor_type).reshape(shape)
        for part, count in (("q_proj", heads), ("k_proj", key_heads)):
            if f".{part}." in name:
                values = halves_apart(values, count)
        absent.remove(name)
        yield name, torch.from_numpy(values)
    if absent:
        raise InputError(
            f"{path}: the weights are incomplete: {len(absent)} tensors are missing, such as {min(absent)}; export the model again."
        )


class PackedEmbedding(torch.nn.Module):
    """The embedding of tokens in the file at ``path``, whose rows are unpacked when they are asked for.

    Where the last layer has its own copy of them in another layout, all of them in float32 would be in memory twice.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        (stored,) = (item for item in _Reader(path).tensors if transformers_name(item.name) == EMBEDDING)
        self._rows, self._kind = stored.data, stored.tensor_type

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The rows of ``ids``, of any shape, each of ``size`` numbers: (..., size), float32."""
        return torch.from_numpy(unpacked(self._rows[ids.flatten().numpy()], self._kind)).view(*ids.shape, -1)


def _refuse_overlaps(reader: GGUFReader) -> None:
    """Raises ValueError where a tensor begins in front of the weights (an offset may wrap around) or in another tensor."""
    spans = sorted((int(stored.data_offset), int(stored.n_bytes)) for stored in reader.tensors)
    free_from = int(reader.data_offset)
    for start, size in spans:
        if start < free_from:
            raise ValueError(f"a tensor at byte {start}, where other things are")
        free_from = start + size


class _Reader(GGUFReader):  # type: ignore[misc]
    """Passes over lists, which nobody here asks for: those of the vocabulary have a hundred thousand members."""

    def _get_field_parts(self, orig_offs: int, raw_type: int, *rest: Any) -> Any:
        if raw_type != GGUFValueType.ARRAY or self.byte_order != "I":
            return super()._get_field_parts(orig_offs, raw_type, *rest)
        kind, count = struct.unpack_from("=IQ", self.data, orig_offs)
        end = orig_offs + 12
        if kind == GGUFValueType.STRING:
            for _ in range(count):
                end += 8 + struct.unpack_from("=Q", self.data, end)[0]
        elif kind == GGUFValueType.ARRAY:
            return super()._get_field_parts(orig_offs, raw_type, *rest)
        else:
            end += count * np.dtype(self.gguf_scalar_to_np[GGUFValueType(kind)]).itemsize
        return end - orig_offs, [], [], [GGUFValueType.ARRAY, GGUFValueType(kind)]


def halves_apart(values: Floats, heads: int) -> Floats:
    """Query or key rows with the two halves of each head's rotary pairs apart, as transformers wants them.

    In a GGUF file they lie side by side.
    """
    half = values.shape[0] // heads // 2
    apart: Floats = values.reshape(heads, half, 2, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
    return apart


def unpacked(data: np.ndarray[Any, Any], kind: GGMLQuantizationType) -> Floats:
    """The values of a tensor, float32, in one row."""
    if kind == GGMLQuantizationType.F32:
        return np.array(data, dtype=np.float32).reshape(-1)
    if kind.name != "Q8_0" and kind.name not in _NIBBLES:
        return np.asarray(dequantize(data, kind), dtype=np.float32).reshape(-1)
    size, bytes_each = GGML_QUANT_SIZES[kind]
    blocks = data.reshape(-1, bytes_each)
    values = np.empty((len(blocks), size), dtype=np.float32)
    for start in range(0, len(blocks), _PIECE):
        _unpack(blocks[start : start + _PIECE], kind.name, values[start : start + _PIECE])
    return values.reshape(-1)


def _unpack(blocks: Bytes, kind: str, values: Floats) -> None:
    """Writes to ``values``, (blocks, 32), the numbers of ``blocks``, (blocks, bytes)."""
    scale, rest = _half_precision(blocks[:, :2]), blocks[:, 2:]
    if kind == "Q8_0":
        np.multiply(rest.view(np.int8), scale, out=values)
        return
    has_least, has_fifth, zero = _NIBBLES[kind]
    if has_least:
        least, rest = _half_precision(rest[:, :2]), rest[:, 2:]
    if has_fifth:
        fifth, rest = np.unpackbits(rest[:, :4], axis=1, bitorder="little"), rest[:, 4:]
    numbers = np.concatenate([rest & 15, rest >> 4], axis=1)
    if has_fifth:
        numbers |= fifth << 4
    np.multiply(numbers.view(np.int8) - np.int8(zero), scale, out=values)
    if has_least:
        values += least


def _half_precision(column: Bytes) -> Floats:
    return np.ascontiguousarray(column).view(np.float16).astype(np.float32)
