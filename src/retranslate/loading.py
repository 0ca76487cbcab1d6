"""From a folder to a model and its tokenizer, ready to be asked. Nothing is downloaded, no code of the folder's is run."""

from __future__ import annotations

import contextlib
import io
import json
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from retranslate import gguf_weights, onednn
from retranslate.errors import InputError, first_line

_TURN = threading.Lock()
"""Standard error and the warnings are the whole process's: two threads that put them aside at once would lose them."""

if hasattr(os, "register_at_fork"):
    # Of the threads that torch computes with a forked process has none, and would wait for them for ever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def open_model(
    folder: Path, gguf: Path | None, own: bool, device: str | None
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    """The model of ``folder``, in float32 and in evaluation mode on ``device``, and its tokenizer.

    ``gguf`` is the file of its weights if they are of that kind, ``own`` whether ``retranslate train`` made it. Raises
    InputError when anything is wrong with the folder, or the device cannot be used.
    """
    _refuse_code(folder)
    place = _usable(device or _default_device())
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # Without the explicit no, a folder with code of its own would be asked about on the terminal.
    shared: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    try:
        # What matters is raised; progress bars and advice on other packages are not for the reader of an article.
        with _TURN, warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            config = transformers.AutoConfig.from_pretrained(folder, **shared)
            if gguf is not None and own and config.model_type == "llama":
                model = _open_llama(gguf, config, place)
            else:
                weights = {"gguf_file": gguf.name} if gguf is not None else {"use_safetensors": True}
                model = _open_any(folder, config, place, {**weights, **shared})
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **shared)
    except InputError:
        raise
    except Exception as error:  # transformers raises nearly every class there is
        raise InputError(f"{folder}: the model cannot be loaded: {first_line(error)}") from error
    model.generation_config = _greedy(model.generation_config, config)
    return model.eval(), tokenizer


def _open_any(folder: Path, config: Any, place: str, how: dict[str, Any]) -> transformers.PreTrainedModel:
    family = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    model, report = family.from_pretrained(folder, config=config, dtype=torch.float32, output_loading_info=True, **how)
    # Weights that are not in the file would be drawn at random.
    if absent := sorted(str(key) for key in report["missing_keys"]):
        raise InputError(
            f"{folder}: the weights are incomplete: {len(absent)} tensors are missing, such as {absent[0]}; export the model again."
        )
    model.to(place)
    onednn.block_linears(model)
    return model


def _refuse_code(folder: Path) -> None:
    """Raises InputError where a model is meant to be opened by code that lies in its folder, or is to be fetched for it."""
    for name in ("config.json", "tokenizer_config.json"):
        try:
            settings = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue  # transformers will say what is wrong with it
        if isinstance(settings, dict) and settings.get("auto_map"):
            raise InputError(
                f"{folder}: the model cannot be loaded: {name} asks for code of its own (auto_map), which is never run here; "
                "where you trust it, load it with transformers and save its weights with save_pretrained() as one of the "
                "architectures that transformers has."
            )


def _open_llama(gguf: Path, config: Any, place: str) -> transformers.PreTrainedModel:
    """The model, layer by layer: the weights are never in memory twice."""
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config)
    # The one thing in it that is worked out and not stored.
    model.model.rotary_emb = LlamaRotaryEmbedding(config)
    shapes = {name: tuple(weights.shape) for name, weights in model.named_parameters()}
    for name, weights in gguf_weights.read_llama(gguf, shapes, config.num_attention_heads, config.num_key_value_heads):
        _fill(model, name.removesuffix(".weight"), weights.to(place))
    if config.tie_word_embeddings:
        _fill(model, "lm_head", model.model.embed_tokens.weight)
        if isinstance(model.lm_head, onednn.BlockedLinear):
            model.model.embed_tokens = gguf_weights.PackedEmbedding(gguf)
    return model.to(place)


def _fill(model: transformers.PreTrainedModel, name: str, weights: torch.Tensor) -> None:
    """Gives the layer called ``name`` its weights, a linear layer in the layout that is fastest."""
    layer = model.get_submodule(name)
    layer.weight = torch.nn.Parameter(weights, requires_grad=False)
    if isinstance(layer, torch.nn.Linear) and onednn.can_block(weights):
        model.set_submodule(name, onednn.BlockedLinear(layer))


def _default_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _usable(device: str) -> str:
    try:
        torch.empty(1, device=device)
    except Exception as error:  # AssertionError, RuntimeError, NotImplementedError, by device
        raise InputError(f"--device {device}: cannot be used here: {first_line(error)}") from error
    return device


def _greedy(
    theirs: transformers.GenerationConfig, config: transformers.PretrainedConfig
) -> transformers.GenerationConfig:
    """Plain greedy decoding. Of the checkpoint's own wishes only those about tokens hold: a Marian must not write its padding."""
    kept = ("decoder_start_token_id", "forced_bos_token_id", "bad_words_ids", "suppress_tokens")
    values = {name: getattr(theirs, name, None) for name in kept}
    return transformers.GenerationConfig(
        **{name: getattr(config, name, None) if value is None else value for name, value in values.items()}
    )
