"""Repairs garbled machine-translated English news, offline, with a receipt for every edit.

>>> import retranslate
>>> retranslate.correct("He said the minister that 12 elements of Daash fled.")  # doctest: +SKIP
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from retranslate.version import __version__

if TYPE_CHECKING:
    from retranslate.corrector import Corrector, Settings
    from retranslate.edits import Edit, Result
    from retranslate.errors import InputError, RetranslateError
    from retranslate.evaluation import Evaluation
    from retranslate.glossary import Glossary

__all__ = [
    "Corrector", "Edit", "Evaluation", "Glossary", "InputError", "Result", "RetranslateError", "Settings", "__version__", "correct",
]  # fmt: skip

_HOMES = {
    "Corrector": "corrector", "Settings": "corrector", "Edit": "edits", "Result": "edits", "Evaluation": "evaluation",
    "Glossary": "glossary", "InputError": "errors", "RetranslateError": "errors",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # Names are loaded when they are asked for: the command line must not wait for torch.
    if name not in _HOMES:
        raise AttributeError(f"module 'retranslate' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"retranslate.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def correct(text: str) -> str:
    """``text`` repaired by the bundled model and glossaries, which are loaded once."""
    with _LOADING:
        corrector = _default()
    return corrector(text).text


_LOADING = threading.Lock()


@lru_cache(maxsize=1)
def _default() -> Corrector:
    from retranslate.corrector import Corrector

    return Corrector.from_pretrained()
