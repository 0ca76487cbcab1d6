"""A Llama as llama.cpp runs it: its GGUF file is mapped, not copied, and computed with in the bits that it has. No torch.

The names are those of llama.cpp's C interface, which the package ``llama_cpp`` (llama-cpp-python) gives as it is. Of a
pass the outcome hangs on its shape, a little, as everywhere; so whoever wants the same outcome gives the same passes.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from retranslate.beams import Logits
from retranslate.errors import InputError, RetranslateError, first_line

_PASS = 128
"""The most tokens that go through the model at once; the memory for what happens between its layers grows with it."""
_MOST_THREADS = 4
"""A model as small as ours waits for its threads longer than it is helped by more of them; llama.cpp's own default too."""

_open_contexts: weakref.WeakSet[Context] = weakref.WeakSet()


@dataclass(frozen=True)
class Continuation:
    """``ids`` that the text of a ``seat`` goes on with from ``start``; asked is what follows the last ``wanted`` of them."""

    seat: int
    start: int
    ids: Sequence[int]
    wanted: int


class Model:
    """The weights of a GGUF file. ``vocabulary`` and ``parameters`` are its numbers of tokens and of weights.

    Raises InputError when llama.cpp cannot open it.
    """

    def __init__(self, path: Path) -> None:
        lib = _library()
        settings = lib.llama_model_default_params()
        settings.n_gpu_layers = 0
        # Another layout of the weights is a copy of them.
        settings.use_extra_bufts = False
        # The vocabulary is in tokenizer.json as well; to take it from the file again takes time and memory.
        passed_over = (lib.llama_model_kv_override * 2)()
        passed_over[0].tag = lib.LLAMA_KV_OVERRIDE_TYPE_STR
        passed_over[0].key = b"tokenizer.ggml.model"
        passed_over[0].value.val_str = b"no_vocab"
        settings.kv_overrides = passed_over
        _last_error.clear()
        self._model = lib.llama_model_load_from_file(os.fsencode(path), settings)
        if not self._model:
            why = first_line(Exception("".join(_last_error))) if _last_error else "it does not say why"
            raise InputError(f"{path}: the model cannot be loaded by llama.cpp: {why}")
        weakref.finalize(self, lib.llama_model_free, self._model)
        self.vocabulary: int = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self._model))
        self.parameters: int = lib.llama_model_n_params(self._model)

    def context(self, places: int, seats: int = 1) -> Context:
        """Room for ``seats`` texts with so many tokens together."""
        return Context(self, self._model, self.vocabulary, places, seats)


class Context:
    """What a :class:`Model` has read: texts, each in a seat, a place a token."""

    def __init__(self, model: Model, handle: Any, vocabulary: int, places: int, seats: int) -> None:
        self._model = model  # which must live as long
        self._vocabulary = vocabulary
        self._lib = lib = _library()
        settings = lib.llama_context_default_params()
        settings.n_ctx = places
        settings.n_batch = settings.n_ubatch = min(_PASS, places)
        settings.n_seq_max = seats
        settings.n_threads = settings.n_threads_batch = threads()
        settings.type_k = settings.type_v = lib.GGML_TYPE_F32
        settings.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        settings.offload_kqv = settings.op_offload = False
        settings.kv_unified = True
        self._context = lib.llama_init_from_model(handle, settings)
        if not self._context:
            raise MemoryError(f"llama.cpp has no room for {places} tokens")
        weakref.finalize(self, lib.llama_free, self._context)
        self._batch = lib.llama_batch_init(settings.n_batch, 0, 1)
        weakref.finalize(self, lib.llama_batch_free, self._batch)
        self._memory = lib.llama_get_memory(self._context)
        self._most = settings.n_batch
        _open_contexts.add(self)

    def read(self, *continuations: Continuation) -> Logits:
        """The logits after the wanted tokens, (tokens, vocabulary), one continuation after the other; copied, not shared.

        What a seat held from the start of its continuation on is forgotten.
        """
        for new in continuations:
            self._lib.llama_memory_seq_rm(self._memory, new.seat, new.start, -1)
        tokens = [
            (token, new.start + place, new.seat, place >= len(new.ids) - new.wanted)
            for new in continuations
            for place, token in enumerate(new.ids)
        ]
        parts = [self._pass(tokens[first : first + self._most]) for first in range(0, len(tokens), self._most)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _pass(self, tokens: Sequence[tuple[int, int, int, bool]]) -> Logits:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for number, (token, place, seat, wanted) in enumerate(tokens):
            batch.token[number] = token
            batch.pos[number] = place
            batch.n_seq_id[number] = 1
            batch.seq_id[number][0] = seat
            batch.logits[number] = wanted
        if code := self._lib.llama_decode(self._context, batch):
            raise RetranslateError(f"llama.cpp could not compute {len(tokens)} tokens (code {code}).")
        shape = (sum(wanted for *_, wanted in tokens), self._vocabulary)
        if not shape[0]:
            return np.empty(shape, dtype=np.float32)
        return np.ctypeslib.as_array(self._lib.llama_get_logits(self._context), shape=shape).copy()

    def copy(self, seat: int, to: int) -> None:
        """Lets seat ``to`` hold what ``seat`` holds."""
        self._lib.llama_memory_seq_rm(self._memory, to, -1, -1)
        self._lib.llama_memory_seq_cp(self._memory, seat, to, -1, -1)

    def forget(self, seat: int) -> None:
        self._lib.llama_memory_seq_rm(self._memory, seat, -1, -1)

    def compute_alone(self) -> None:
        """Computes with this thread only from now on."""
        self._lib.llama_set_n_threads(self._context, 1, 1)


def threads() -> int:
    """The number of threads to compute with: what OMP_NUM_THREADS says, or that of the processors, but no more than four."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_THREADS, usable)


_last_error: list[str] = []


@lru_cache(maxsize=1)
def _library() -> Any:
    """llama.cpp, ready to be called and silent. Raises InputError where it cannot be loaded."""
    # Its threads wait for each other some hundred times a pass. Where other work runs, to wait awake made it fifty times as slow;
    # to fall asleep at once makes short passes three times as slow where none runs. So they look a few microseconds long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "500")
    try:
        import llama_cpp
    except Exception as error:  # a shared library that does not fit raises whatever there is
        raise InputError(
            f"llama.cpp cannot be loaded: {first_line(error)}; install llama-cpp-python again, or compute with --device torch."
        ) from error

    def note(level: int, text: bytes, _: Any) -> None:
        if level == _ERROR:
            _last_error.append(text.decode("utf-8", "replace"))

    global _callback
    _callback = llama_cpp.llama_log_callback(note)
    llama_cpp.llama_log_set(_callback, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return llama_cpp


_ERROR = 3
_callback: Any = None
"""Must not be collected as long as llama.cpp may call it."""


def _compute_alone_after_fork() -> None:
    # Of the threads that llama.cpp computes with a forked process has none, and would wait for them for ever.
    for context in list(_open_contexts):
        context.compute_alone()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_compute_alone_after_fork)
