"""Documents with mark-up: only their words are repaired, everything else stays byte for byte.

Each format has a module that finds the text in a document (:class:`~retranslate.formats.pieces.Layout`);
:func:`~retranslate.formats.repair.correct` has it repaired and puts it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retranslate.formats.kinds import Kind, kind_of

if TYPE_CHECKING:
    from retranslate.formats.repair import correct

__all__ = ["Kind", "correct", "kind_of"]


def __getattr__(name: str) -> Any:
    # The command line asks for the kinds before it needs anything else.
    if name != "correct":
        raise AttributeError(f"module 'retranslate.formats' has no attribute {name!r}")
    from retranslate.formats.repair import correct

    return correct
