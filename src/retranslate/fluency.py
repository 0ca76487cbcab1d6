"""Whether a sentence is so clearly fluent that no model need read it: a small classifier.

A word looks at two neighbours on either side; what the most suspicious places show decides (a convolution over time with
max-pooling, Kim 2014, "Convolutional Neural Networks for Sentence Classification"). Made by ``retranslate train
fluency``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retranslate.errors import InputError
from retranslate.files import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

DETECTOR = "fluency.npz"
"""The file in the folder of the model that it was calibrated by."""
WINDOW = 5
"""Words that are looked at together."""
EDGE = "\n"
"""Stands before and behind a sentence."""
_ARRAYS = ("keys", "capital", "filters", "bias", "weights")
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][a-z]+)?|\d+|[^\w\s]|_")


def tokens(text: str) -> list[str]:
    """Words, numbers and marks, in order, an edge at both ends."""
    return [EDGE, *_TOKEN.findall(text), EDGE]


def key(token: str, known: Mapping[str, int]) -> str:
    """As what a token counts: itself in lower case, or what is left of one that is not among the ``known``.

    >>> [key(token, {"the": 0, "-ee": 1}) for token in ("The", "Jabbar", "1", "coffee")]
    ['the', 'Xx', '0', '-ee']
    """
    if token[0].isdigit():
        return "0" * min(len(token), 4)
    low = token.lower()
    if low in known:
        return low
    if token[0].isupper():
        return "Xx"
    ending = f"-{low[-2:]}"
    return ending if ending in known else "?"


@dataclass(frozen=True, eq=False)
class Detector:
    """The classifier. ``known`` numbers its keys, among them "Xx" and "?"; scores below ``threshold`` are clearly fluent.

    Shapes: ``keys`` (keys, size), ``capital`` (size,), ``filters`` (WINDOW * size, filters), ``bias`` and ``weights``
    (filters,).
    """

    known: Mapping[str, int]
    keys: Array
    capital: Array
    filters: Array
    bias: Array
    weights: Array
    offset: float
    threshold: float

    @classmethod
    def load(cls, path: Path) -> Detector:
        """The detector in a file that :meth:`save` wrote. Raises InputError when it is none."""
        import numpy as np

        try:
            with np.load(path, allow_pickle=False) as stored:
                words = bytes(stored["known"]).decode("utf-8").split("\0")
                arrays = {name: stored[name].astype(np.float32) for name in _ARRAYS}
                offset, threshold = map(float, stored["numbers"])
        except Exception as error:  # numpy and zipfile raise what they like
            raise InputError(
                f"{path}: no fluency detector: {error}; delete it, or make it again with 'retranslate train fluency'."
            ) from error
        return cls({word: n for n, word in enumerate(words)}, **arrays, offset=offset, threshold=threshold)

    def save(self, path: Path) -> None:
        """Writes the detector to ``path``, in half precision."""
        import numpy as np

        packed = io.BytesIO()
        np.savez_compressed(
            packed, known=np.frombuffer("\0".join(self.known).encode(), np.uint8), numbers=np.array([self.offset, self.threshold]),
            **{name: getattr(self, name).astype(np.float16) for name in _ARRAYS},
        )  # fmt: skip
        write_whole(path, packed.getvalue())

    def score(self, text: str) -> float:
        """How garbled ``text`` looks, in logits: below 0 it is likelier fluent than not, before any threshold."""
        import numpy as np

        found = tokens(text)
        numbers, capital = features(found, self.known)
        seen = self.keys[numbers]
        seen[capital] += self.capital
        margin = np.zeros((WINDOW // 2, seen.shape[1]), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([margin, seen, margin]), WINDOW, axis=0)
        # (tokens, size, WINDOW) by now; the filters are laid out window by window.
        flat = windows.transpose(0, 2, 1).reshape(len(found), -1)
        shown = np.maximum(flat @ self.filters + self.bias, 0).max(axis=0)
        return float(shown @ self.weights) + self.offset

    def is_fluent(self, text: str) -> bool:
        """Whether ``text``, one sentence, is clearly fluent."""
        return self.score(text) < self.threshold


def features(found: Sequence[str], known: Mapping[str, int]) -> tuple[list[int], list[bool]]:
    """What the classifier sees of tokens: the numbers of their keys, and which have a capital."""
    return [known[key(token, known)] for token in found], [token[0].isupper() for token in found]
