"""Tensor names: each way undoes the other."""

from __future__ import annotations

import pytest

from retranslate.errors import InputError
from retranslate.tensor_names import llama_cpp_name, transformers_name

LLAMA_CPP = [
    "token_embd.weight",
    "output_norm.weight",
    "output.weight",
    *(
        f"blk.{layer}.{part}.weight"
        for layer in (0, 29)
        for part in "attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down attn_norm ffn_norm".split()
    ),
]


@pytest.mark.parametrize("name", LLAMA_CPP)
def test_there_and_back(name: str) -> None:
    assert transformers_name(name) != name
    assert llama_cpp_name(transformers_name(name)) == name


def test_what_is_no_tensor_of_a_llama() -> None:
    assert transformers_name("blk.0.ssm.weight") == "blk.0.ssm.weight"
    with pytest.raises(InputError, match=r"'model\.layers\.0\.odd\.weight' has no place"):
        llama_cpp_name("model.layers.0.odd.weight")
