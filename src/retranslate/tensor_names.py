"""The tensors of a Llama by both their names: that in transformers, and that in llama.cpp's GGUF files."""

from __future__ import annotations

from retranslate.errors import InputError

_IN_LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_TOP = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_IN_TRANSFORMERS = {theirs: ours for ours, theirs in _IN_LAYER.items()}
_TOP_IN_TRANSFORMERS = {theirs: ours for ours, theirs in _TOP.items()}


def llama_cpp_name(key: str) -> str:
    """The name in llama.cpp of the weights that transformers calls ``key``. Raises InputError for an unknown one.

    >>> llama_cpp_name("model.layers.3.mlp.up_proj.weight")
    'blk.3.ffn_up.weight'
    """
    if key in _TOP:
        return _TOP[key]
    match key.split("."):
        case ["model", "layers", number, *module, "weight"] if ".".join(module) in _IN_LAYER:
            return f"blk.{number}.{_IN_LAYER['.'.join(module)]}.weight"
    raise InputError(f"the tensor {key!r} has no place in a Llama-type GGUF file.")


def transformers_name(name: str) -> str:
    """The name in transformers of the tensor that llama.cpp calls ``name``; ``name`` itself if it is no tensor of a Llama.

    >>> transformers_name("blk.3.ffn_up.weight")
    'model.layers.3.mlp.up_proj.weight'
    """
    match name.split("."):
        case ["blk", number, part, "weight"] if part in _IN_TRANSFORMERS:
            return f"model.layers.{number}.{_IN_TRANSFORMERS[part]}.weight"
    return _TOP_IN_TRANSFORMERS.get(name, name)
