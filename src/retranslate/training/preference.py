"""Teaching a trained model which of its own rewrites to prefer.

The model writes several rewrites of sentences that it was not trained on. Of two of them the better is the one that
comes nearer to the reference, both as it is and as what the guards let pass of it; the model is taught to find it likelier
than the other by more than it does (Rafailov et al. 2023, "Direct Preference Optimization"), and likelier in itself (Pang et
al. 2024, "Iterative Reasoning Preference Optimization"). A reference that is copied teaches the words of its writer; a
choice among the model's own words teaches what to do and what to leave.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retranslate import guards, judging
from retranslate.errors import InputError
from retranslate.evaluation.statistics import metrics
from retranslate.rewriter import Request, Rewriter, answer_limit
from retranslate.training import loop
from retranslate.training.checkpoint import best_so_far, last_checkpoint
from retranslate.training.data import Example, prepare, read_examples
from retranslate.training.encoding import IGNORED, Encoded
from retranslate.training.finetune import best_device, collate, dev_examples, encode, open_causal, open_learner
from retranslate.training.loop import Learner, Material, fitting, half_precision, tell
from retranslate.training.recipe import Preference, Recipe, fingerprint

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FOLDER = "preference"
"""Where contests and checkpoints are, inside the recipe's output."""
TER_SHARE = 0.3
"""TER rewards what is short and chrF what is long; of 4,115 sentences the better rewrites are as long as the worse at this."""
WARMUP = 300
CONTENT = (
    "numbers", "counts", "units", "dates", "times", "links", "names", "titles", "negation", "content", "invention",
)  # fmt: skip
"""The guards whose complaints count as content lost or invented."""
_AT_ONCE = 64
"""Sentences between two times that contests are put on disk."""
_DRAWN_TOGETHER = 8


@dataclass(frozen=True)
class Contest:
    """Two rewrites of a sentence; the model that wrote them finds the better one ``ahead`` nats likelier than the worse."""

    better: str
    worse: str
    ahead: float


@dataclass(frozen=True)
class Lesson:
    """A contest in token ids."""

    better: Encoded
    worse: Encoded
    ahead: float

    def __len__(self) -> int:
        return len(self.better) + len(self.worse)


def train_preference(recipe: Recipe) -> Path:
    """Trains the recipe's model, or the one that its table [preference] names; returns the folder of the new model.

    Goes on where it stopped. With dev pairs in the recipe it tells how much content the model loses or invents before
    and after. Raises InputError when there is no trained model, or when its rewrites give nothing to choose from.
    """
    settings, output = recipe.preference, recipe.output / FOLDER
    start = settings.model or _trained(recipe)
    rewriter, dev = Rewriter.load(start, best_device()), dev_examples(recipe)
    mark = fingerprint([recipe.fingerprint, asdict(replace(settings, model=None)), rewriter.weights])
    drawn = fingerprint([rewriter.weights, settings.rewrites, settings.temperature, settings.gap])
    found = last_checkpoint(output, mark)
    if dev and found is None:
        _tell_harm("before", dev, rewriter)
    del rewriter
    # Other damage to other sentences first: what was trained on goes better than what will come.
    path = prepare(replace(recipe, seed=recipe.seed + 1, output=output), settings.pairs)
    examples = read_examples(path)
    contests = _held(start, examples, settings, recipe.seed, output / f"{path.stem}-{drawn}.contests")
    learner = open_learner(found.folder if found else start, recipe.frozen_layers)
    items = fitting(lessons(examples, contests, learner.tokenizer), 2 * recipe.max_tokens, "contests")
    own = replace(recipe, output=output, learning_rate=settings.learning_rate, warmup=WARMUP, decay=len(items) // 2)
    # The dev loss is no judge here: references are not what is learnt.
    folder = loop.run(own, mark, preferring(learner, settings), Material(items), found)
    if dev:
        _tell_harm("after", dev, Rewriter.load(folder, best_device()))
    return folder


def lessons(
    examples: Sequence[Example], contests: Sequence[Sequence[Contest]], tokenizer: PreTrainedTokenizerBase
) -> list[Lesson]:
    """All contests in token ids. Raises InputError when there is none."""

    def lesson(example: Example, contest: Contest) -> Lesson:
        better, worse = (encode(replace(example, target=text), tokenizer) for text in (contest.better, contest.worse))
        return Lesson(better, worse, contest.ahead)

    found = [lesson(example, one) for example, some in zip(examples, contests, strict=True) for one in some]
    tell(f"{len(found):,} contests between rewrites of {len(examples):,} sentences")
    if not found:
        raise InputError(
            "the model's rewrites of a sentence are all as good as each other; there is nothing to choose."
        )
    return found


def quality(example: Example, rewrite: str) -> float:
    """How near a rewrite comes to the target, from -20 to 100: the mean of it and of what the guards let pass of it."""
    accepted = judging.judge(example.source, rewrite, guards.Terms.of(example.hints), tuple(guards.GUARDS)).text
    return (_nearness(rewrite, example.target) + _nearness(accepted, example.target)) / 2


def _nearness(hypothesis: str, reference: str) -> float:
    edits = min(metrics()["ter"].sentence_score(hypothesis, [reference]).score, 120.0)
    overlap = metrics()["chrf"].sentence_score(hypothesis, [reference]).score
    return float(TER_SHARE * (100 - edits) + (1 - TER_SHARE) * overlap)


def matched(example: Example, rewrites: Iterable[str], gap: float) -> list[tuple[str, str]]:
    """The best rewrite and the worst, the second best and the second worst, each pair if it is ``gap`` apart in quality."""
    ranked = sorted(((quality(example, text), text) for text in dict.fromkeys(rewrites) if text), reverse=True)
    pairs = [(ranked[place], ranked[-1 - place]) for place in range(min(2, len(ranked) // 2))]
    return [(better, worse) for (high, better), (low, worse) in pairs if high - low >= gap]


def preferring(learner: Learner, settings: Preference) -> Learner:
    """The learner with a loss over lessons instead of one over answers."""
    pad = learner.tokenizer.eos_token_id

    def loss(batch: Sequence[Lesson]) -> torch.Tensor:
        return preference_loss(learner.model, batch, pad, settings)

    return replace(learner, loss=loss)


def preference_loss(model: PreTrainedModel, batch: Sequence[Lesson], pad: int, settings: Preference) -> torch.Tensor:
    """The mean over the lessons of -log sigmoid(beta (lead - ahead)), lead being how much likelier, in nats, the better
    rewrite is by now; and ``anchor`` times the mean cross-entropy of the better ones' tokens."""
    import torch
    from torch.nn.functional import logsigmoid

    items = [*(one.better for one in batch), *(one.worse for one in batch)]
    logs = [rows.sum() for rows in token_logs(model, items, pad)]
    better, worse = torch.stack(logs).chunk(2)
    ahead = torch.tensor([one.ahead for one in batch], device=model.device)
    tokens = sum(len(one.better.answer) for one in batch)
    chosen: torch.Tensor = -logsigmoid(settings.beta * (better - worse - ahead)).mean()
    return chosen - settings.anchor * better.sum() / tokens


def token_logs(model: PreTrainedModel, items: Sequence[Encoded], pad: int) -> list[torch.Tensor]:
    """The log-probabilities, in nats, of the tokens of each item's answer."""
    import torch

    from retranslate.training.swift import log_probabilities

    ids, labels, _ = collate(items, pad, str(model.device))
    hidden = model.model(ids, use_cache=False).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    said = wanted != IGNORED
    logs = log_probabilities(hidden[said], model.lm_head.weight, wanted[said])
    return list(torch.split(logs, [len(item.answer) for item in items]))


def harm(pairs: Iterable[tuple[Example, str]]) -> float:
    """How much content the second texts lose or invent, in complaints of the guards a thousand words of the first."""
    complaints, words = 0, 0
    for example, text in pairs:
        found = guards.judge(example.source, text, guards.Terms.of(example.hints), CONTENT)
        # A name that is lost is lost as content too.
        complaints += len({complaint.lower() for some in found.values() for complaint in some})
        words += len(guards.words(example.source))
    return 1000 * complaints / max(1, words)


def _tell_harm(when: str, dev: Sequence[Example], rewriter: Rewriter) -> None:
    short = [one for one in dev if rewriter.fits(Request(one.source, one.hints))]
    rewrites = rewriter.rewrite([Request(one.source, one.hints) for one in short])
    found = harm((example, rewrite.text) for example, rewrite in zip(short, rewrites, strict=True))
    tell(f"{when}: {found:.1f} losses and inventions in 1,000 words of {len(short):,} dev sentences")


def _trained(recipe: Recipe) -> Path:
    last = last_checkpoint(recipe.output, recipe.fingerprint)
    if last is None:
        raise InputError(f"{recipe.output}: no trained model; train the recipe first, or name one in [preference].")
    best = best_so_far(recipe.output, recipe.fingerprint, last.progress)
    return best.folder if best else last.folder


# --- Contests ------------------------------------------------------------------------------------------------------


def _held(model: Path, examples: Sequence[Example], settings: Preference, seed: int, path: Path) -> list[list[Contest]]:
    """The contests of each example; those that are in the file at ``path`` already are not held again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    if len(lines) < len(examples):
        # What is drawn hangs on where the drawing began.
        lines = lines[: len(lines) // _AT_ONCE * _AT_ONCE]
        with path.open("ab") as stream:
            stream.truncate(sum(map(len, lines)))
            writer = _Writer(model, settings)
            while len(lines) < len(examples):
                some = examples[len(lines) : len(lines) + _AT_ONCE]
                found = [_line(contests) for contests in writer.contests(some, seed + len(lines))]
                stream.writelines(found)
                stream.flush()
                os.fsync(stream.fileno())
                lines += found
                tell(f"{len(lines):,}/{len(examples):,} sentences rewritten")
    return [[Contest(**one) for one in json.loads(line)] for line in lines]


class _Writer:
    """The trained model before it learns to choose: it writes the rewrites, and says how likely it finds them."""

    def __init__(self, folder: Path, settings: Preference) -> None:
        model, self.tokenizer = open_causal(folder)
        self.device = best_device()
        self.model = model.to(self.device).eval()
        self.settings = settings

    def contests(self, examples: Sequence[Example], seed: int) -> list[list[Contest]]:
        """Those between rewrites of each example, drawn from ``seed`` on."""
        import torch

        torch.manual_seed(seed)
        # Those that are written together are best of one length.
        order = sorted(range(len(examples)), key=lambda index: len(examples[index].source))
        found: list[list[Contest]] = [[] for _ in examples]
        for start in range(0, len(order), _DRAWN_TOGETHER):
            places = order[start : start + _DRAWN_TOGETHER]
            with torch.inference_mode(), half_precision(self.device):
                drawn = self._draw([examples[place] for place in places])
                for place, rewrites in zip(places, drawn, strict=True):
                    pairs = matched(examples[place], rewrites, self.settings.gap)
                    found[place] = [self._contest(examples[place], *pair) for pair in pairs]
        return found

    def _draw(self, examples: Sequence[Example]) -> list[list[str]]:
        """For each example its rewrites, an empty text for one that came to no end."""
        from retranslate.generating import padded

        prompts = [encode(example, self.tokenizer).prompt for example in examples]
        width, end, count = max(map(len, prompts)), self.tokenizer.eos_token_id, self.settings.rewrites
        written = self.model.generate(
            **padded(self.model, prompts, end), do_sample=True, temperature=self.settings.temperature, top_k=0, top_p=1.0,
            num_return_sequences=count, max_new_tokens=answer_limit(width), pad_token_id=end, eos_token_id=end,
        )[:, width:].tolist()  # fmt: skip
        texts = [self._text(ids[: ids.index(end)]) if end in ids else "" for ids in written]
        return [texts[start : start + count] for start in range(0, len(texts), count)]

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()

    def _contest(self, example: Example, better: str, worse: str) -> Contest:
        items = [encode(replace(example, target=text), self.tokenizer) for text in (better, worse)]
        high, low = (logs.sum().item() for logs in token_logs(self.model, items, self.tokenizer.eos_token_id))
        return Contest(better, worse, round(high - low, 3))


def _line(contests: Sequence[Contest]) -> bytes:
    return json.dumps([asdict(one) for one in contests], ensure_ascii=False).encode() + b"\n"
