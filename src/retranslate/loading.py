"""From a folder to a model and its tokenizer, ready to be asked. Nothing is downloaded, no code of the folder's is run."""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from pathlib import Path
from typing import Any

import torch
import transformers

from retranslate import onednn
from retranslate.devices import default_device, usable
from retranslate.errors import InputError, first_line

_TURN = threading.Lock()
"""Standard error and the warnings are the whole process's: two threads that put them aside at once would lose them."""


def open_model(
    folder: Path, gguf: Path | None, device: str | None
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    """The model of ``folder``, in float32 and in evaluation mode on ``device``, and its tokenizer.

    ``gguf`` is the file of its weights if they are of that kind. Raises InputError when anything is wrong with the folder,
    or the device cannot be used.
    """
    place = usable(device or default_device())
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # Without the explicit no, a folder with code of its own would be asked about on the terminal.
    shared: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    try:
        # What matters is raised; progress bars and advice on other packages are not for the reader of an article.
        with _TURN, warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            config = transformers.AutoConfig.from_pretrained(folder, **shared)
            weights = {"gguf_file": gguf.name} if gguf is not None else {"use_safetensors": True}
            model = _open(folder, config, place, {**weights, **shared})
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **shared)
    except InputError:
        raise
    except Exception as error:  # transformers raises nearly every class there is
        raise InputError(f"{folder}: the model cannot be loaded: {first_line(error)}") from error
    model.generation_config = _greedy(model.generation_config, config)
    return model.eval(), tokenizer


def _open(folder: Path, config: Any, place: str, how: dict[str, Any]) -> transformers.PreTrainedModel:
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


def _greedy(
    theirs: transformers.GenerationConfig, config: transformers.PretrainedConfig
) -> transformers.GenerationConfig:
    """Plain greedy decoding. Of the checkpoint's own wishes only those about tokens hold: a Marian must not write its padding."""
    kept = ("decoder_start_token_id", "forced_bos_token_id", "bad_words_ids", "suppress_tokens")
    values = {name: getattr(theirs, name, None) for name in kept}
    return transformers.GenerationConfig(
        **{name: getattr(config, name, None) if value is None else value for name, value in values.items()}
    )
