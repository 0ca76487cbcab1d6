"""Making the detector of fluent sentences."""

from __future__ import annotations

import random

import numpy as np
import torch

from retranslate.fluency import tokens
from retranslate.training.data import Example
from retranslate.training.detector import Network, Shape, _padded, _row, calibrated, known_keys, sentences, train

SHAPE = Shape(words=40, endings=5, size=6, filters=12, epochs=8, batch=16, learning_rate=2e-2)
WORDS = "the minister said that exports of oil rose in July and a ship left Basra on Monday with 40 men".split()


def _texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(3, 12))) for _ in range(count)]


def test_it_learns_what_only_the_garbled_ones_have() -> None:
    fluent = _texts(300, 1)
    garbled = [f"{text} of the the exports" for text in _texts(300, 2)]
    detector = train(garbled, fluent, seed=3, shape=SHAPE)
    right = [detector.score(text) > 0 for text in garbled] + [detector.score(text) < 0 for text in fluent]
    assert sum(right) > 0.95 * len(right)


def test_what_is_used_without_torch_scores_as_what_was_trained() -> None:
    texts = _texts(20, 4)
    known = known_keys(texts[:10], SHAPE)
    torch.manual_seed(0)
    network = Network(len(known), SHAPE).eval()
    torch.nn.init.normal_(network.capital)
    with torch.inference_mode():
        wanted = network(*_padded([_row(text, known) for text in texts])).tolist()
    detector = network.detector(known)
    np.testing.assert_allclose([detector.score(text) for text in texts], wanted, atol=1e-4)


def test_the_threshold_lets_no_more_pass_than_was_said() -> None:
    texts = _texts(200, 5)
    network = Network(len(known_keys(texts, SHAPE)), SHAPE).eval()
    detector = calibrated(network.detector(known_keys(texts, SHAPE)), texts, missed=0.05)
    assert sum(detector.is_fluent(text) for text in texts) <= 10


def test_of_a_pair_only_one_side_is_learnt_from() -> None:
    pairs = [Example(f"garbled {n}", f"fluent {n}", kind="pairs") for n in range(4)]
    garbled, fluent = sentences([*pairs, Example("clean", "clean", kind="identity")])
    assert garbled == ["garbled 0", "garbled 2"]
    assert fluent == ["fluent 1", "fluent 3", "clean"]


def test_every_token_has_a_key() -> None:
    known = known_keys(_texts(50, 6), SHAPE)
    assert all(number > 0 for number in _row("Zwq unheard-of 1,000,000 Zürich _ \N{SNOWMAN}", known)[0])
    assert len(_row("word " * 500, known)[0]) < len(tokens("word " * 500))
