"""Making the fluency detector: from a recipe's examples, garbled against repaired and clean."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional

from retranslate.corrector import Corrector, Settings
from retranslate.errors import InputError
from retranslate.fluency import EDGE, WINDOW, Detector, features, tokens
from retranslate.training.data import Example
from retranslate.training.encoding import padded
from retranslate.training.finetune import read_prepared
from retranslate.training.loop import tell
from retranslate.training.recipe import Recipe

_SHAPES = ("0", "00", "000", "0000", "Xx", "?", EDGE)
_MOST_TOKENS = 64
_HELD_BACK = 4_000
"""So many garbled sentences of real pairs are kept from training, to find the threshold by."""
_MISSED = 0.01


@dataclass(frozen=True)
class Shape:
    """The size of the detector and of its training: ``words`` and ``endings`` are the keys it knows besides the shapes."""

    words: int = 4_000
    endings: int = 200
    size: int = 16
    filters: int = 96
    epochs: int = 3
    batch: int = 256
    learning_rate: float = 2e-3


def train_fluency(recipe: Recipe, output: Path) -> Path:
    """Trains a detector on the recipe's examples, finds its threshold, writes it to ``output`` and returns that.

    The threshold is the one that one in a hundred stays below of the held-back garbled sentences which the Corrector
    changes by its model; what it changes without is no loss. Raises InputError when the recipe cannot be used or none
    is changed.
    """
    examples = read_prepared(recipe)
    real = [example.source for example in examples if example.kind == "pairs"]
    held_back = set(real[-_HELD_BACK:])
    detector = train(*sentences(example for example in examples if example.source not in held_back), recipe.seed)
    changed = _changed(sorted(held_back))
    if not changed:
        raise InputError("no real pair of the recipe is changed by the bundled model; give more of them.")
    calibrated(detector, changed, _MISSED).save(output)
    tell(f"threshold by {len(changed):,} sentences of {len(held_back):,} that the model changes")
    return output


def _changed(texts: Sequence[str]) -> list[str]:
    """Those of ``texts`` in which the bundled model changes anything."""
    corrector = Corrector.from_pretrained(settings=Settings(skip_fluent=False))
    results = corrector.stream(texts)
    return [
        text for text, result in zip(texts, results, strict=True) if any(edit.kind == "model" for edit in result.edits)
    ]


def sentences(examples: Iterable[Example]) -> tuple[list[str], list[str]]:
    """The garbled and the fluent sentences of the examples; of a pair only one side, lest words alone tell them apart."""
    garbled, fluent = [], []
    for number, example in enumerate(examples):
        if example.source == example.target or number % 2:
            fluent.append(example.target)
        else:
            garbled.append(example.source)
    return garbled, fluent


def known_keys(fluent: Iterable[str], shape: Shape) -> dict[str, int]:
    """The keys of a detector: the commonest words of fluent text, the commonest endings of the others, the shapes."""
    counts = Counter(token for text in fluent for token in tokens(text) if not token[0].isdigit())
    words: Counter[str] = Counter()
    for token, count in counts.items():
        words[token.lower()] += count
    common = [word for word, _ in words.most_common(shape.words) if word != EDGE]
    rest = set(words).difference(common)
    endings = Counter(f"-{word[-2:]}" for word in rest if word.isalpha())
    every = dict.fromkeys([*_SHAPES, *common, *(ending for ending, _ in endings.most_common(shape.endings))])
    return {name: number for number, name in enumerate(every)}


class Network(torch.nn.Module):
    """The detector as torch trains it; number 0 of its keys fills up the rows of a batch."""

    def __init__(self, keys: int, shape: Shape) -> None:
        super().__init__()
        self.keys = torch.nn.Embedding(keys + 1, shape.size, padding_idx=0)
        self.capital = torch.nn.Parameter(torch.zeros(shape.size))
        self.filters = torch.nn.Conv1d(shape.size, shape.filters, WINDOW, padding=WINDOW // 2)
        self.weights = torch.nn.Linear(shape.filters, 1)

    def forward(self, numbers: torch.Tensor, capital: torch.Tensor) -> torch.Tensor:
        """Scores, (batch,), of sentences given as numbers of keys, plus one, and capitals, (batch, longest) each."""
        seen = self.keys(numbers) + self.capital * capital.unsqueeze(-1)
        shown = self.filters(seen.transpose(1, 2)).relu().masked_fill((numbers == 0).unsqueeze(1), 0.0).amax(-1)
        scores: torch.Tensor = self.weights(functional.dropout(shown, 0.2, self.training)).squeeze(-1)
        return scores

    def detector(self, known: dict[str, int]) -> Detector:
        """What it has learnt, for use without torch; its threshold is still to be found."""
        stored = {name: value.numpy().copy() for name, value in self.state_dict().items()}
        filters = stored["filters.weight"].transpose(2, 1, 0).reshape(-1, len(stored["filters.weight"]))
        return Detector(
            known, stored["keys.weight"][1:], stored["capital"], filters, stored["filters.bias"],
            stored["weights.weight"][0], float(stored["weights.bias"][0]), threshold=0.0,
        )  # fmt: skip


def train(garbled: Sequence[str], fluent: Sequence[str], seed: int, shape: Shape = Shape()) -> Detector:
    """A detector that tells ``garbled`` from ``fluent`` sentences; its threshold is still to be found."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    known = known_keys(fluent, shape)
    rows = [(_row(text, known), 1.0) for text in garbled] + [(_row(text, known), 0.0) for text in fluent]
    network = Network(len(known), shape)
    optimizer = torch.optim.AdamW(network.parameters(), lr=shape.learning_rate, weight_decay=0.01)
    steps = shape.epochs * -(-len(rows) // shape.batch)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    for epoch in range(shape.epochs):
        total = 0.0
        for batch in _batches(rows, shape.batch, rng):
            wanted = torch.tensor([label for _, label in batch])
            loss = functional.binary_cross_entropy_with_logits(network(*_padded([row for row, _ in batch])), wanted)
            torch.autograd.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            falling.step()
            total += loss.item() * len(batch)
        tell(f"epoch {epoch + 1}/{shape.epochs}  loss {total / len(rows):.3f}")
    return network.eval().detector(known)


def calibrated(detector: Detector, garbled: Sequence[str], missed: float) -> Detector:
    """The detector with the threshold below which at most the share ``missed`` of ``garbled`` sentences lies."""
    scores = sorted(detector.score(text) for text in garbled)
    return replace(detector, threshold=scores[int(missed * len(scores))])


_Row = tuple[list[int], list[bool]]


def _row(text: str, known: dict[str, int]) -> _Row:
    numbers, capital = features(tokens(text)[:_MOST_TOKENS], known)
    return [number + 1 for number in numbers], capital


def _batches(rows: Sequence[tuple[_Row, float]], size: int, rng: random.Random) -> Iterator[list[tuple[_Row, float]]]:
    """The rows in any order, those of a batch about as long as each other."""
    mixed = list(rows)
    rng.shuffle(mixed)
    for start in range(0, len(mixed), 20 * size):
        pool = sorted(mixed[start : start + 20 * size], key=lambda row: len(row[0][0]))
        batches = [pool[begin : begin + size] for begin in range(0, len(pool), size)]
        rng.shuffle(batches)
        yield from batches


def _padded(rows: Sequence[_Row]) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        padded([numbers for numbers, _ in rows], 0, "cpu", torch.long),
        padded([capital for _, capital in rows], 0, "cpu", torch.float32),
    )
