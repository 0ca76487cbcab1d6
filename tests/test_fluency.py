"""The detector of fluent sentences: what it reads, what it finds, what it is kept in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate.errors import InputError
from retranslate.fluency import EDGE, WINDOW, Detector, key, tokens

KNOWN = {name: number for number, name in enumerate(["the", "0", "00", "000", "0000", "Xx", "?", "-ed", ",", EDGE])}


def suspicious_of(word: str) -> Detector:
    """Scores 1 where ``word`` stands, else -1."""
    known = {**KNOWN, word: len(KNOWN)}
    keys = np.zeros((len(known), 1), np.float32)
    keys[known[word]] = 1.0
    filters = np.zeros((WINDOW, 1), np.float32)
    filters[WINDOW // 2] = 1.0
    none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    return Detector(known, keys, none, filters, none, 2 * one, -1.0, 0.0)


@pytest.mark.parametrize(
    ("token", "found"),
    [
        ("The", "the"),
        ("Jabbar", "Xx"),
        ("7", "0"),
        ("12345", "0000"),
        ("Edited", "Xx"),
        ("edited", "-ed"),
        ("kwm", "?"),
    ],
)
def test_a_word_that_is_not_known_counts_by_its_looks(token: str, found: str) -> None:
    assert key(token, KNOWN) == found


@given(st.text())
def test_any_text_has_keys_and_a_score(text: str) -> None:
    assert tokens(text)[0] == tokens(text)[-1] == EDGE
    assert suspicious_of("coffee").score(text) in (-1.0, 1.0)


def test_a_single_suspicious_place_is_enough() -> None:
    detector = suspicious_of("coffee")
    assert detector.is_fluent("The exports of oil rose in July .")
    assert not detector.is_fluent("The minister and coffee said that the exports of oil rose in July .")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    detector, path = suspicious_of("coffee"), tmp_path / "fluency.npz"
    detector.save(path)
    again = Detector.load(path)
    assert again.known == detector.known
    assert again.score("a coffee") == detector.score("a coffee")
    assert again.threshold == detector.threshold
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fluency.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"fluency\.npz: no fluency detector"):
        Detector.load(path)
