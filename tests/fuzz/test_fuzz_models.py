"""Model files that are damaged or lie are refused in a line; nothing of what they promise is allocated."""

from __future__ import annotations

import resource
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given

from hostile import attempt, fuzzed, in_time, mangled
from retranslate.errors import InputError
from retranslate.gguf_weights import read_llama

SHAPES = {"model.embed_tokens.weight": (4, 32), "model.layers.0.self_attn.q_proj.weight": (32, 32)}
STORED = {"token_embd.weight": (4, 32), "blk.0.attn_q.weight": (32, 32)}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A GGUF file with two tensors and a vocabulary."""
    path = tmp_path_factory.mktemp("gguf") / "honest.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_token_list(["a", "b"])
    for name, shape in STORED.items():
        writer.add_tensor(name, np.ones(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def read(path: Path, data: bytes) -> dict[str, tuple[int, ...]]:
    """The shapes of what is read. Raises InputError."""
    path.write_bytes(data)
    return {name: tuple(tensor.shape) for name, tensor in read_llama(path, SHAPES, 2, 2)}


def test_the_honest_file_is_read(honest: bytes, tmp_path: Path) -> None:
    assert read(tmp_path / "m.gguf", honest) == SHAPES


@fuzzed
@given(changes=mangled(bytes(1600)))
def test_a_mangled_file_is_read_in_full_or_refused(
    honest: bytes, tmp_path_factory: pytest.TempPathFactory, changes: bytes
) -> None:
    # Where the zeros were changed, so is the file.
    path = tmp_path_factory.getbasetemp() / "any.gguf"
    mixed = bytes(old ^ new for old, new in zip(honest, changes, strict=False)) + honest[len(changes) :]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert attempt(lambda: read(path, mixed), path) in (SHAPES, None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


@pytest.mark.parametrize("size", [0, 3, 8, 24, 100, 400, -1])
def test_a_file_that_was_cut_short(honest: bytes, tmp_path: Path, size: int) -> None:
    with pytest.raises(InputError, match=r"damaged or cut short|incomplete"):
        read(tmp_path / "m.gguf", honest[:size])


@pytest.mark.parametrize("value", [0, 2**20, 2**32, 2**48, 2**63 - 1, 2**64 - 1])
@pytest.mark.parametrize("place", ["tensors", "fields", "row", "rows", "offset", "vocabulary", "length of a word"])
def test_a_file_that_lies_about_a_size(honest: bytes, tmp_path: Path, place: str, value: int) -> None:
    at = {
        "tensors": 8,
        "fields": 16,
        "row": honest.index(b"token_embd.weight") + 17 + 4,
        "rows": honest.index(b"token_embd.weight") + 17 + 4 + 8,
        "offset": honest.index(b"blk.0.attn_q.weight") + 19 + 4 + 16 + 4,
        "vocabulary": honest.index(b"tokenizer.ggml.tokens") + 21 + 8,
        "length of a word": honest.index(b"tokenizer.ggml.tokens") + 21 + 16,
    }[place]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with in_time(), pytest.raises(InputError, match=r"m\.gguf"):
        read(tmp_path / "m.gguf", honest[:at] + struct.pack("<Q", value) + honest[at + 8 :])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes
