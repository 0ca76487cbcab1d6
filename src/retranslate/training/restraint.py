"""Teaching a trained model what not to do, from its own rewrites.

The model rewrites sentences that it was not trained on. Where the guards refuse a part of a rewrite and the target does
not have that part either, its tokens become ones that must not be written (Welleck et al. 2020, "Neural Text Generation
with Unlikelihood Training"), and those that stand there in what the guards accept become ones that must. Targets, of
these sentences and of some that went well, keep the rest of what was learnt in place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retranslate import guards, judging
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewrite, Rewriter
from retranslate.training import loop
from retranslate.training.checkpoint import best_so_far, last_checkpoint
from retranslate.training.data import Example, prepare, read_examples
from retranslate.training.encoding import Encoded, changed_tokens
from retranslate.training.finetune import dev_examples, encode, open_learner
from retranslate.training.loop import Material, fitting, tell
from retranslate.training.recipe import Recipe, fingerprint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FOLDER = "restraint"
"""Where sentences, rewrites and checkpoints are, inside the recipe's output."""
ANCHORS = 2
"""Sentences whose rewrite was not refused, for each one whose rewrite was."""
WARMUP = 100
CONTENT = (
    "numbers", "counts", "units", "dates", "times", "links", "names", "titles", "negation", "content", "invention",
)  # fmt: skip
"""The guards whose complaints count as content lost or invented."""
_AT_ONCE = 64
"""Rewrites between two that are put on disk."""


def train_restraint(recipe: Recipe) -> Path:
    """Trains the recipe's model, or the one that its table [restraint] names; returns the folder of the new model.

    Goes on where it stopped. With dev pairs in the recipe it tells how much content the model loses or invents before
    and after. Raises InputError when there is no trained model, or when its rewrites give nothing to learn from.
    """
    settings, output = recipe.restraint, recipe.output / FOLDER
    start = settings.model or _trained(recipe)
    rewriter = Rewriter.load(start)
    dev = dev_examples(recipe)
    # Other damage to other sentences first: what was trained on goes better than what will come.
    path = prepare(replace(recipe, seed=recipe.seed + 1, output=output), settings.pairs)
    examples = read_examples(path)
    rewrites = _rewritten(rewriter, examples, output / f"{path.stem}-{rewriter.weights[:12]}.rewrites")
    _tell_harm("before", recipe, dev, rewriter)
    mark = fingerprint([recipe.fingerprint, asdict(replace(settings, model=None)), rewriter.weights])
    del rewriter
    found = last_checkpoint(output, mark)
    learner = open_learner(found.folder if found else start, recipe.frozen_layers)
    items = lessons(examples, rewrites, learner.tokenizer, settings.weight)
    own = replace(recipe, output=output, learning_rate=settings.learning_rate, warmup=WARMUP, decay=len(items))
    # The dev loss is no judge here: it knows nothing of what is lost.
    folder = loop.run(own, mark, learner, Material(fitting(items, recipe.max_tokens, "lessons")), found)
    _tell_harm("after", recipe, dev, Rewriter.load(folder))
    return folder


def lessons(
    examples: Sequence[Example], rewrites: Sequence[Rewrite | None], tokenizer: PreTrainedTokenizerBase, weight: float
) -> list[Encoded]:
    """What is to be learnt from the rewrites of the examples; a refused token counts ``weight`` times as much as others.

    Raises InputError when no rewrite was refused.
    """
    items, calm, refused = [], [], 0
    for example, rewrite in zip(examples, rewrites, strict=True):
        contrast = contrasts(example, rewrite, tokenizer, weight) if rewrite else []
        target = encode(example, tokenizer)
        if contrast:
            refused += 1
            items += [target, *contrast]
        else:
            calm.append(target)
    tell(f"{refused:,} of {len(examples):,} rewrites have something to unlearn")
    if not refused:
        raise InputError("the guards refuse none of the model's rewrites; there is nothing to unlearn.")
    return items + calm[: ANCHORS * refused]


def contrasts(example: Example, rewrite: Rewrite, tokenizer: PreTrainedTokenizerBase, weight: float) -> list[Encoded]:
    """The rewrite with its refused tokens marked, and what is accepted with those marked that should have been written.

    A token is refused when neither the accepted text nor the target has it there, so that a guard is not obeyed where
    the target proves it wrong. Nothing is returned when there is no such token.
    """
    verdict = judging.judge(example.source, rewrite.text, guards.Terms.of(example.hints), tuple(guards.GUARDS))
    if not verdict.refusals:
        return []
    target, accepted, written = (
        encode(replace(example, target=text), tokenizer) for text in (example.target, verdict.text, rewrite.text)
    )
    answer = written.answer if rewrite.complete else written.answer[:-1]
    against = [
        -weight if not (accepted_too or wanted) else 0.0
        for accepted_too, wanted in zip(_shared(accepted.answer, answer), _shared(target.answer, answer), strict=True)
    ]
    if not any(against):
        return []
    found = [replace(written, answer=answer, weights=tuple(against))]
    missed = [
        1.0 if wanted and not there else 0.0
        for wanted, there in zip(_shared(target.answer, accepted.answer), _shared(answer, accepted.answer), strict=True)
    ]
    return [*found, replace(accepted, weights=tuple(missed))] if any(missed) else found


def _shared(one: Sequence[int], other: Sequence[int]) -> list[bool]:
    """For each token of ``other`` whether it stands in ``one`` too, in the same place between the same neighbours."""
    return [not changed for changed in changed_tokens(one, other)]


def harm(pairs: Iterable[tuple[Example, str]]) -> float:
    """How much content the second texts lose or invent, in complaints of the guards a thousand words of the first."""
    complaints, words = 0, 0
    for example, text in pairs:
        found = guards.judge(example.source, text, guards.Terms.of(example.hints), CONTENT)
        # A name that is lost is lost as content too.
        complaints += len({complaint.lower() for some in found.values() for complaint in some})
        words += len(guards.words(example.source))
    return 1000 * complaints / max(1, words)


def _tell_harm(when: str, recipe: Recipe, dev: Sequence[Example], rewriter: Rewriter) -> None:
    if not dev:
        return
    path = recipe.output / FOLDER / f"dev-{fingerprint([recipe.fingerprint, rewriter.weights])}.rewrites"
    rewrites = _rewritten(rewriter, dev, path)
    pairs = [(example, rewrite.text) for example, rewrite in zip(dev, rewrites, strict=True) if rewrite]
    tell(f"{when}: {harm(pairs):.1f} losses and inventions in 1,000 words of {len(pairs):,} dev sentences")


def _trained(recipe: Recipe) -> Path:
    last = last_checkpoint(recipe.output, recipe.fingerprint)
    if last is None:
        raise InputError(f"{recipe.output}: no trained model; train the recipe first, or name one in [restraint].")
    best = best_so_far(recipe.output, recipe.fingerprint, last.progress)
    return best.folder if best else last.folder


def _rewritten(rewriter: Rewriter, examples: Sequence[Example], path: Path) -> list[Rewrite | None]:
    """The model's rewrites, None for what is too long for it; what is in the file at ``path`` already is not done again."""
    done = _whole_lines(path)
    with path.open("a", encoding="utf-8") as stream:
        while len(done) < len(examples):
            some = [Request(one.source, one.hints) for one in examples[len(done) : len(done) + _AT_ONCE]]
            short = [request for request in some if rewriter.fits(request)]
            answers = dict(zip(short, rewriter.rewrite(short), strict=True))
            for request in some:
                done.append(answers.get(request))
                rewrite = done[-1]
                stream.write(json.dumps(None if rewrite is None else asdict(rewrite), ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
            tell(f"{len(done):,}/{len(examples):,} sentences rewritten")
    return done


def _whole_lines(path: Path) -> list[Rewrite | None]:
    """The rewrites in the file; a last line that was not finished is taken out of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith(b"\n")]
    if whole != lines:
        with path.open("r+b") as stream:
            stream.truncate(sum(map(len, whole)))
    entries = [json.loads(line) for line in whole]
    return [None if entry is None else Rewrite(**entry) for entry in entries]
