"""Training examples: readers, filters and the mix. One example is a garbled sentence, its repair and term hints."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retranslate import guards, morphology
from retranslate.corrector import Corrector
from retranslate.counterparts import carries_meaning
from retranslate.errors import InputError
from retranslate.glossary import Glossary
from retranslate.lexicon import spelt_words, words
from retranslate.terms import broken, offered
from retranslate.training import attribution
from retranslate.training.damage import damage
from retranslate.training.marks import curl_quotes
from retranslate.training.recipe import Recipe, Source
from retranslate.training.senses import Hint, ReversedGlossary, invent_hint
from retranslate.training.strangers import with_strange_name, with_strange_noun
from retranslate.training.tree import from_doc

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

REMINDED = 0.3
"""The share of post-edits that come with reminders."""
FORMAT = 4
"""Raised whenever the same recipe gives other examples than before, so that no stale file is taken for a fresh one."""


@dataclass(frozen=True)
class Example:
    """``source`` is garbled, ``target`` its repair; ``hints`` pairs of (what it says, what it should say).

    ``types`` are the codes of the damage that was done here.
    """

    source: str
    target: str
    hints: tuple[Hint, ...] = ()
    kind: str = ""
    types: tuple[str, ...] = ()


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The numbered, stripped lines of a UTF-8 text file, plain or gzip. Raises InputError with file and line."""
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rb") as stream:
            for number, raw in enumerate(stream, start=1):
                yield number, raw.decode("utf-8").rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}:{number + 1}: cannot read on: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:{number}: byte {error.start + 1} is not UTF-8.") from error


def read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The pairs of a ``garbled<TAB>fluent`` file. Raises InputError for a line without exactly one tab."""
    for number, line in read_lines(path):
        cells = line.split("\t")
        if len(cells) != 2:
            raise InputError(f"{path}:{number}: {len(cells)} columns where 2 are needed: garbled <tab> fluent.")
        yield cells[0].strip(), cells[1].strip()


def token_f1(source: str, target: str) -> float:
    """The overlap of the two as bags of lower-cased words, from 0 to 1."""
    ours, theirs = Counter(source.lower().split()), Counter(target.lower().split())
    common = (ours & theirs).total()
    return 2 * common / max(1, ours.total() + theirs.total())


def close_pair(source: str, target: str, settings: Source) -> bool:
    """Whether a pair is close enough to an edit to learn from."""
    ours, theirs = len(source.split()), len(target.split())
    low, high = settings.words
    if not (low <= ours <= high and low <= theirs <= high):
        return False
    least, most = settings.ratio
    if not least <= theirs / ours <= most:
        return False
    if source == target:
        return True
    if token_f1(source, target) < settings.min_f1:
        return False
    return not (settings.guarded and guards.judge(source, target))


@dataclass(frozen=True)
class Terms:
    """The glossary in both directions: for distractors, and for literal senses."""

    glossary: Glossary
    backwards: ReversedGlossary

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Terms:
        """The files at ``paths`` before the bundled ones. Raises InputError."""
        glossary = Glossary.load(paths)
        return cls(glossary, ReversedGlossary.of(glossary))


def build(recipe: Recipe, count: int) -> Iterator[Example]:
    """At most ``count`` examples in the order in which they are trained on; fewer when the sources run dry.

    The same recipe gives the same examples, and a larger ``count`` gives the same ones first.
    """
    rng = random.Random(recipe.seed)
    terms = Terms.load(recipe.glossary)
    streams = [_stream(source, recipe, terms, random.Random(rng.randrange(2**31))) for source in recipe.sources]
    weights = [source.share for source in recipe.sources]
    made = 0
    while made < count and any(weights):
        position = rng.choices(range(len(streams)), weights)[0]
        example = next(streams[position], None)
        if example is None:
            weights[position] = 0.0
            continue
        made += 1
        yield example


def _stream(source: Source, recipe: Recipe, terms: Terms, rng: random.Random) -> Iterator[Example]:
    if source.kind in ("pairs", "post-edits"):
        pairs = [pair for path in source.files for pair in read_pairs(path)]
        rng.shuffle(pairs)
        # Judging all pairs of a large file would take longer than making the examples that are asked for.
        close = (pair for pair in pairs if close_pair(*pair, source))
        if source.kind == "post-edits":
            corrector = Corrector(terms.glossary, None)
            return (_handed_over(*pair, corrector, rng) for pair in close)
        return (_with_distractors(Example(*pair, kind="pairs"), terms.glossary, rng) for pair in close)
    sentences = _shuffled(source, rng)
    if source.kind == "identity":
        return (_identity(sentence, terms.glossary, rng) for sentence in sentences)
    return _damaged(sentences, recipe, terms, rng)


def _handed_over(source: str, target: str, corrector: Corrector, rng: random.Random) -> Example:
    """The pair as the corrector would hand it to the model, after glossary and rules and with the hints that are left.

    As it is where these went another way than the target: it would teach the model to undo them.
    """
    drafts = [draft for draft in corrector.prepared(source) if draft.segment.kind != "blank"]
    if len(drafts) != 1 or broken(drafts[0], corrector.glossary, target):
        return _with_distractors(Example(source, target, kind="post-edits"), corrector.glossary, rng)
    hints = [*offered(drafts[0]), *_reminders(drafts[0].text, target, rng)]
    rng.shuffle(hints)
    return Example(drafts[0].text, target, tuple(hints), kind="post-edits")


def _reminders(source: str, target: str, rng: random.Random) -> list[Hint]:
    """Now and then a word or three of the source that the target has too, as terms that stand for themselves: so the model
    is asked a second time where its first answer had lost words."""
    if rng.random() > REMINDED:
        return []
    there = set(words(target))
    kept = sorted({word for word in spelt_words(source) if word.lower() in there and carries_meaning(word.lower())})
    return [(word, word) for word in rng.sample(kept, min(len(kept), rng.choice((1, 1, 2, 3))))]


def _shuffled(source: Source, rng: random.Random) -> list[str]:
    """The sentences of a source that have a fitting number of words."""
    low, high = source.words
    lines = [line.strip() for path in source.files for _, line in read_lines(path) if low <= len(line.split()) <= high]
    rng.shuffle(lines)
    return lines


def _identity(sentence: str, glossary: Glossary, rng: random.Random) -> Example:
    if rng.random() < 0.1 and len(sentence) < 90:
        sentence = sentence.removesuffix(".")
    if rng.random() < 0.15:
        sentence = with_strange_name(sentence, rng)
    if '"' in sentence and rng.random() < 0.4:
        sentence = curl_quotes(sentence)
    return _with_distractors(Example(sentence, sentence, kind="identity"), glossary, rng)


def _with_distractors(example: Example, glossary: Glossary, rng: random.Random) -> Example:
    """Adds hints that do not apply here, in any place among the others: words in their true sense, which the target keeps."""
    known = {wrong for wrong, _ in example.hints}
    hints = [
        (match.found, " | ".join(match.alternatives))
        for match in glossary.match(example.source)
        if match.row.suggests and match.alternatives and match.found not in known
        and re.search(rf"(?<!\w){re.escape(match.found)}(?!\w)", example.target)
    ]  # fmt: skip
    if not hints or rng.random() < 0.3:
        return example
    mixed = [*example.hints, *hints[:3]]
    rng.shuffle(mixed)
    return replace(example, hints=tuple(mixed))


def _damaged(sentences: Sequence[str], recipe: Recipe, terms: Terms, rng: random.Random) -> Iterator[Example]:
    parser = load_parser(recipe.parser)
    nouns = _noun_pairs(sentences)
    ready = (_made_ready(sentence, nouns, rng) for sentence in sentences)
    for doc in parser.pipe(ready, batch_size=256):
        example = _garble(doc, recipe, terms, rng, nouns)
        if example is not None:
            yield example


def _made_ready(sentence: str, nouns: list[tuple[str, str]], rng: random.Random) -> str:
    """The clean sentence as it will be the target: attribution in front, strange words and headings among them."""
    sentence = attribution.vary(attribution.bring_forward(sentence, rng), rng)
    if rng.random() < 0.25:
        sentence = with_strange_name(sentence, rng)
    if rng.random() < 0.2:
        sentence = with_strange_noun(sentence, rng, nouns)
    if rng.random() < 0.05 and len(sentence) < 90:
        sentence = sentence.removesuffix(".")
    return sentence


def load_parser(name: str) -> Language:
    """The spaCy pipeline ``name``. Raises InputError when it is not installed."""
    try:
        import spacy

        return spacy.load(name)
    except (ImportError, OSError) as error:
        raise InputError(
            f"the parser {name!r} cannot be loaded ({error}); install the extra: pip install '.[train]'"
        ) from error


def _noun_pairs(sentences: Sequence[str]) -> list[tuple[str, str]]:
    """Frequent nouns of the sentences that are nothing but nouns: singular and plural."""
    words = Counter(
        word for sentence in sentences[:5000] for word in sentence.split() if word.isalpha() and word.islower()
    )
    pairs = []
    for lemma, _ in words.most_common(4000):
        if morphology.plain_noun(lemma) == "NN" and len(lemma) > 3:
            pairs.append((lemma, morphology.inflect(lemma, "NNS")))
    return pairs


def _garble(
    doc: Doc, recipe: Recipe, terms: Terms, rng: random.Random, nouns: Sequence[tuple[str, str]]
) -> Example | None:
    root = from_doc(doc)
    if root is None:
        return None
    opens_with_name = next(root.walk()).keeps_capital()
    # Light and heavy damage alike: a model that saw only wrecks would rewrite what needs a single word.
    damaged = damage(root, terms.backwards, rng, recipe.rates, severity=rng.choice((0.35, 0.9, 1.5, 2.2)))
    text, hints, types = damaged.text, list(damaged.hints), damaged.types
    if nouns and rng.random() < 0.2 and (invented := invent_hint(text, rng, nouns, hints)):
        text, hint = invented
        hints.append(hint)
        types = tuple(dict.fromkeys([*types, "LX"]))
    if rng.random() < 0.06 and not opens_with_name and text[:1] == doc.text[:1]:
        text = text[:1].lower() + text[1:]
    if text == damaged.target:
        return None
    # Every literal sense comes with its hint: without one, the target would teach invention.
    hints = [_with_alternative(hint, nouns, rng) for hint in hints]
    rng.shuffle(hints)
    return _with_distractors(Example(text, damaged.target, tuple(hints), "damage", types), terms.glossary, rng)


def _with_alternative(hint: Hint, nouns: Sequence[tuple[str, str]], rng: random.Random) -> Hint:
    """The hint, now and then with a second reading that is wrong here."""
    if "|" in hint[1] or rng.random() < 0.7 or not nouns:
        return hint
    options = [hint[1], rng.choice(nouns)[hint[1].endswith("s")]]
    rng.shuffle(options)
    return hint[0], " | ".join(options)


def fingerprint(recipe: Recipe, count: int) -> str:
    """Twelve hex digits for everything that ``count`` examples depend on; files count by name and size."""
    sources = [
        {**asdict(source), "files": [(path.name, path.stat().st_size) for path in source.files]}
        for source in recipe.sources
    ]
    parts = {
        "format": FORMAT,
        "sources": sources,
        "seed": recipe.seed,
        "rates": asdict(recipe.rates),
        "parser": recipe.parser,
        "glossary": Glossary.load(recipe.glossary).signature,
        "count": count,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def prepare(recipe: Recipe, count: int) -> Path:
    """Writes ``count`` examples as JSON lines below ``recipe.output`` and returns the file.

    What was written for the same recipe and data before is used again. Raises InputError when the output cannot be
    written to or the sources give no example at all.
    """
    try:
        recipe.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{recipe.output}: cannot be made: {error.strerror}.") from error
    path = recipe.output / f"examples-{fingerprint(recipe, count)}.jsonl"
    if not path.exists():
        partial = path.with_suffix(".partial")
        made = 0
        with partial.open("w", encoding="utf-8") as stream:
            for example in build(recipe, count):
                stream.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")
                made += 1
        if not made:
            partial.unlink()
            raise InputError(
                "the recipe's sources give no example; widen 'words', 'ratio' or 'min_f1', or give more files."
            )
        partial.replace(path)
    return path


def read_examples(path: Path) -> list[Example]:
    """The examples that :func:`prepare` wrote."""
    examples = []
    for _, line in read_lines(path):
        entry = json.loads(line)
        hints = tuple((wrong, right) for wrong, right in entry["hints"])
        types = tuple(entry.get("types", ()))
        examples.append(Example(entry["source"], entry["target"], hints, entry["kind"], types))
    return examples
