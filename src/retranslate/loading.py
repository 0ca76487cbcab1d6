"""From a folder to a model and its tokenizer, ready to be asked. Nothing is downloaded, no code of the folder's is run."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import torch
import transformers

from retranslate import gguf_weights
from retranslate.errors import InputError, first_line


def open_model(
    folder: Path, gguf: Path | None, own: bool, device: str | None
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    """The model of ``folder``, in float32 and in evaluation mode on ``device``, and its tokenizer.

    ``gguf`` is the file of its weights if they are of that kind, ``own`` whether ``retranslate train`` made it. Raises
    InputError when anything is wrong with the folder, or the device cannot be used.
    """
    _refuse_code(folder)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # Without the explicit no, a folder with code of its own would be asked about on the terminal.
    shared: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    try:
        # What matters is raised; progress bars and advice on other packages are not for the reader of an article.
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            config = transformers.AutoConfig.from_pretrained(folder, **shared)
            if gguf is not None and own and config.model_type == "llama":
                model, report = _open_llama(gguf, config)
            else:
                weights = {"gguf_file": gguf.name} if gguf is not None else {"use_safetensors": True}
                family = (
                    transformers.AutoModelForSeq2SeqLM
                    if config.is_encoder_decoder
                    else transformers.AutoModelForCausalLM
                )
                model, report = family.from_pretrained(
                    folder, config=config, dtype=torch.float32, output_loading_info=True, **weights, **shared
                )
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **shared)
    except InputError:
        raise
    except Exception as error:  # transformers raises nearly every class there is
        raise InputError(f"{folder}: the model cannot be loaded: {first_line(error)}") from error
    # Weights that are not in the file would be drawn at random.
    if absent := sorted(str(key) for key in report["missing_keys"]):
        raise InputError(
            f"{folder}: the weights are incomplete: {len(absent)} tensors are missing, such as {absent[0]}; export the model again."
        )
    try:
        placed = model.to(device or _default_device()).eval()
    except Exception as error:  # AssertionError, RuntimeError, NotImplementedError, by device
        raise InputError(f"--device {device}: cannot be used here: {first_line(error)}") from error
    placed.generation_config = _greedy(model.generation_config, config)
    return placed, tokenizer


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


def _open_llama(gguf: Path, config: Any) -> tuple[transformers.PreTrainedModel, dict[str, Any]]:
    with torch.device("meta"):
        outline = transformers.LlamaForCausalLM(config)
    shapes = {name: tuple(weights.shape) for name, weights in outline.named_parameters()}
    tensors = gguf_weights.read_llama(gguf, shapes, config.num_attention_heads, config.num_key_value_heads)
    model, report = transformers.LlamaForCausalLM.from_pretrained(
        None, config=config, state_dict=tensors, dtype=torch.float32, output_loading_info=True
    )
    return model, report


def _default_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _greedy(
    theirs: transformers.GenerationConfig, config: transformers.PretrainedConfig
) -> transformers.GenerationConfig:
    """Plain greedy decoding. Of the checkpoint's own wishes only those about tokens hold: a Marian must not write its padding."""
    kept = ("decoder_start_token_id", "forced_bos_token_id", "bad_words_ids", "suppress_tokens")
    values = {name: getattr(theirs, name, None) for name in kept}
    return transformers.GenerationConfig(
        **{name: getattr(config, name, None) if value is None else value for name, value in values.items()}
    )
