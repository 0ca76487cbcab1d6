"""What torch computes on."""

from __future__ import annotations

import os

import torch

from retranslate.errors import InputError, first_line

if hasattr(os, "register_at_fork"):
    # Of the threads that torch computes with a forked process has none, and would wait for them for ever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def default_device() -> str:
    """CUDA where there is one, else MPS, else the processor."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def usable(device: str) -> str:
    """``device`` itself. Raises InputError where torch cannot use it."""
    try:
        torch.empty(1, device=device)
    except Exception as error:  # AssertionError, RuntimeError, NotImplementedError, by device
        raise InputError(f"--device {device}: cannot be used here: {first_line(error)}") from error
    return device
