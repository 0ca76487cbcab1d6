"""The glossary of known mistranslations: read, check, match.

A glossary is one or more TSV files with the columns of :data:`COLUMNS`; ``glossaries/README.md`` is the manual for
people who write them. Matching is one Aho-Corasick pass over the sentence, so its cost grows with the text and not
with the number of rows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal, get_args

import ahocorasick_rs

from retranslate import morphology
from retranslate.errors import InputError

COLUMNS = ("wrong", "right", "mode", "near", "not_near", "case", "note")
MAX_LINE_BYTES = 64 * 1024

Mode = Literal["fix", "hint", "keep", "forbid"]
Case = Literal["keep", "exact"]

_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_WORD = re.compile(r"\w+(?:['-]\w+)*")
# One character to one character, so that offsets hold; the dotted capital I is the only letter whose lower case is longer.
_FOLD = str.maketrans(
    {"\u0130": "i", "\u00a0": " ", "\u202f": " ", "\t": " ", "\u2019": "'", "\u2018": "'", "\u02bc": "'"}
    | {"\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-"}
)


@dataclass(frozen=True, slots=True)
class Row:
    """One glossary row; see ``glossaries/README.md`` for what the columns mean."""

    wrong: tuple[str, ...]
    right: tuple[str, ...]
    mode: Mode
    near: tuple[str, ...] = ()
    not_near: tuple[str, ...] = ()
    case: Case = "keep"
    note: str = ""
    source: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """``file:line`` of the row."""
        return f"{self.source}:{self.line}"

    @property
    def conditions(self) -> tuple[frozenset[str], frozenset[str]]:
        """The context words, as comparable sets."""
        return frozenset(self.near), frozenset(self.not_near)


@dataclass(frozen=True, slots=True)
class Match:
    """A row found in a sentence.

    ``start`` and ``end`` are character offsets into the sentence; ``alternatives`` are the row's right readings in the
    inflection, case and with the article that the text calls for, the likeliest first (empty for a flag-only row).
    """

    start: int
    end: int
    found: str
    alternatives: tuple[str, ...]
    row: Row

    @property
    def replacement(self) -> str | None:
        """The likeliest reading, or None when the row only flags."""
        return self.alternatives[0] if self.alternatives else None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the check found: where, and what to do about it."""

    source: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.message}"


def fold(text: str) -> str:
    """``text`` in lower case with plain quotes, spaces and hyphens; same length, so offsets stay valid."""
    return text.translate(_FOLD).lower()


def read_rows(path: Path) -> list[Row]:
    """The rows of one TSV file.

    Raises InputError, naming file and line, when the file cannot be read as a glossary at all: missing, not UTF-8,
    NUL bytes, an overlong line, a wrong header, wrong number of columns, unknown mode or case, an empty ``wrong``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the glossary: {error.strerror}") from error
    return list(_parse(data, str(path)))


def _parse(data: bytes, source: str) -> Iterator[Row]:
    header_seen = False
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        raw = raw.removesuffix(b"\r")
        if len(raw) > MAX_LINE_BYTES:
            raise InputError(
                f"{source}:{number}: the line is {len(raw):,} bytes long; a glossary line has at most "
                f"{MAX_LINE_BYTES:,}. Is this a glossary?"
            )
        if b"\0" in raw:
            raise InputError(f"{source}:{number}: NUL byte in column {raw.index(0) + 1}; a glossary is plain UTF-8 text.")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{source}:{number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8.") from error
        if not text.strip() or text.startswith("#"):
            continue
        cells = tuple(cell.strip() for cell in text.split("\t"))
        if not header_seen:
            if cells != COLUMNS:
                raise InputError(f"{source}:{number}: the first line must be the header: {' <tab> '.join(COLUMNS)}")
            header_seen = True
            continue
        yield _row(cells, source, number)
    if not header_seen:
        raise InputError(f"{source}:1: the file is empty; a glossary begins with the header: {' <tab> '.join(COLUMNS)}")


def _row(cells: tuple[str, ...], source: str, number: int) -> Row:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{source}:{number}: {len(cells)} columns where {len(COLUMNS)} are needed: {', '.join(COLUMNS)}.")
    wrong, right, mode, near, not_near, case, note = cells
    if mode not in get_args(Mode):
        raise InputError(f"{source}:{number}: mode {mode!r} is not one of {', '.join(get_args(Mode))}.")
    if case not in get_args(Case):
        raise InputError(f"{source}:{number}: case {case!r} is not one of {', '.join(get_args(Case))}.")
    if not _options(wrong):
        raise InputError(f"{source}:{number}: column 'wrong' is empty; it holds what the machine wrote.")
    return Row(
        _options(wrong),
        _options(right),
        mode,  # type: ignore[arg-type]
        _options(near),
        _options(not_near),
        case,  # type: ignore[arg-type]
        note,
        source,
        number,
    )


def _options(cell: str) -> tuple[str, ...]:
    return tuple(option.strip() for option in cell.split("|") if option.strip())


def bundled_paths() -> list[Path]:
    """The glossary files that come with the package, in the order in which they are tried."""
    packaged = Path(str(resources.files("retranslate"))) / "glossaries"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[2] / "glossaries"
    return sorted(folder.glob("*.tsv"))


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A surface form of a row's ``wrong``: the row, and how the starred word was inflected."""

    row: Row
    level: int
    exact: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Glossary:
    """Rows in the order in which they are tried; ``user`` says how many of them, from the front, are the user's own.

    The user's rows win over the bundled ones wherever the two overlap; within each, the leftmost and then the longest
    match wins, and of rows for the same words the first whose conditions hold.
    """

    rows: tuple[Row, ...] = ()
    user: int = 0
    _cache: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, paths: Iterable[str | Path] = (), *, bundled: bool = True) -> Glossary:
        """The user's files at ``paths``, before the bundled ones unless ``bundled`` is false. Raises InputError."""
        own = [row for path in paths for row in read_rows(Path(path))]
        rest = [row for path in bundled_paths() for row in read_rows(path)] if bundled else []
        return cls((*own, *rest), len(own))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def signature(self) -> str:
        """Eight hex digits that change when any row does; file names do not count."""
        digest = hashlib.sha256()
        for row in self.rows:
            fields = (row.wrong, row.right, row.mode, row.near, row.not_near, row.case)
            digest.update(repr(fields).encode())
        return digest.hexdigest()[:8]

    @cached_property
    def _index(self) -> tuple[ahocorasick_rs.AhoCorasick, list[list[_Pattern]]]:
        forms: dict[str, list[_Pattern]] = {}
        for position, row in enumerate(self.rows):
            level = 0 if position < self.user else 1
            for variant in row.wrong:
                for surface, tags in expand(variant):
                    exact = surface if row.case == "exact" else None
                    forms.setdefault(fold(surface), []).append(_Pattern(row, level, exact, tags))
        return ahocorasick_rs.AhoCorasick(list(forms)), list(forms.values())

    def match(self, sentence: str) -> list[Match]:
        """The rows that apply to ``sentence``, in order, not overlapping, their conditions checked."""
        folded = fold(sentence)
        automaton, patterns = self._index
        hits = automaton.find_matches_as_indexes(folded, overlapping=True)
        hits = [hit for hit in hits if _on_word_boundaries(folded, hit[1], hit[2])]
        if not hits:
            return []
        words = f" {' '.join(_WORD.findall(folded))} "
        found = []
        for index, start, end in hits:
            for pattern in patterns[index]:
                if pattern.exact is not None and sentence[start:end].translate(_QUOTES_ONLY) != pattern.exact:
                    continue
                if self._holds(pattern.row, words):
                    found.append((pattern.level, start, start - end, pattern))
        chosen = _leftmost_longest(found)
        return [_as_match(sentence, start, end, pattern) for start, end, pattern in chosen]

    def _holds(self, row: Row, words: str) -> bool:
        return (not row.near or self._any_of(row.near, words)) and not self._any_of(row.not_near, words)

    def _any_of(self, options: Sequence[str], words: str) -> bool:
        return any(f" {form} " in words for option in options for form in self._forms(option))

    def _forms(self, option: str) -> tuple[str, ...]:
        if option not in self._cache:
            self._cache[option] = tuple({" ".join(_WORD.findall(fold(form))) for form, _ in expand(option)})
        return self._cache[option]

    def forbidden(self, sentence: str) -> list[Match]:
        """The ``forbid`` rows whose words stand in ``sentence``."""
        return [match for match in self.match(sentence) if match.row.mode == "forbid"]


_QUOTES_ONLY = str.maketrans({"\u00a0": " ", "\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2011": "-"})


def expand(variant: str) -> list[tuple[str, tuple[str, ...]]]:
    """The surface forms of a variant with the Penn tags of its starred word; without a star the variant itself.

    >>> expand("element*")
    [('element', ('NN',)), ('elements', ('NNS',))]
    """
    star = re.search(r"(\S+)\*", variant)
    if star is None:
        return [(variant, ())]
    lemma = star.group(1)
    forms = {lemma: (), **dict.fromkeys(morphology.inflections(lemma.lower()).values(), ())}
    expanded = []
    for form in forms:
        shown = form.capitalize() if lemma[:1].isupper() else form
        surface = variant[: star.start()] + shown + variant[star.end() :]
        expanded.append((surface, morphology.tags_of(form, lemma.lower())))
    return expanded


def realise(right: str, tags: Sequence[str]) -> str:
    """``right`` with its starred lemma in the first of ``tags`` that it has a form for.

    >>> realise("fighter* of the group", ("NNS",))
    'fighters of the group'
    """
    star = re.search(r"(\S+)\*", right)
    if star is None:
        return right
    lemma = star.group(1)
    known = morphology.inflections(lemma)
    form = next((known[tag] for tag in tags if tag in known), lemma)
    return right[: star.start()] + form + right[star.end() :]


def _on_word_boundaries(text: str, start: int, end: int) -> bool:
    before = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
    after = end == len(text) or not (text[end].isalnum() and text[end - 1].isalnum())
    return before and after


def _leftmost_longest(found: list[tuple[int, int, int, _Pattern]]) -> list[tuple[int, int, _Pattern]]:
    # Stable sort: rows for the same words keep the order of the files.
    found.sort(key=lambda item: item[:3])
    chosen: list[tuple[int, int, _Pattern]] = []
    for level in (0, 1):
        taken = sorted((start, end) for start, end, _ in chosen)
        free_from, cursor = 0, 0
        for item_level, start, negative_length, pattern in found:
            end = start - negative_length
            if item_level != level or start < free_from:
                continue
            while cursor < len(taken) and taken[cursor][1] <= start:
                cursor += 1
            if cursor < len(taken) and taken[cursor][0] < end:
                continue
            chosen.append((start, end, pattern))
            free_from = end
    return sorted(chosen, key=lambda item: item[0])


_ARTICLE_BEFORE = re.compile(r"\b(a|an|the)\s$", re.IGNORECASE)


def _as_match(sentence: str, start: int, end: int, pattern: _Pattern) -> Match:
    row = pattern.row
    found = sentence[start:end]
    options = [realise(right, pattern.tags) for right in row.right]
    if row.case == "keep":
        options = [_in_case_of(found, option) for option in options]
    article = _ARTICLE_BEFORE.search(sentence[max(0, start - 5) : start])
    if article and options:
        start, options = _with_article(article.group(1), article.end() - article.start(1), start, options)
    return Match(start, end, sentence[start:end], tuple(options), row)


def _in_case_of(found: str, option: str) -> str:
    letters = [character for character in found if character.isalpha()]
    if len(letters) > 1 and all(character.isupper() for character in letters):
        return option.upper()
    if letters and letters[0].isupper() and found.lstrip("\"'([")[:1].isupper():
        return option[:1].upper() + option[1:]
    return option


def _with_article(article: str, width: int, start: int, options: list[str]) -> tuple[int, list[str]]:
    """Takes the article before a match into it, where the replacement calls for another one."""
    bare = [re.sub(r"^(?:the|an?)\s+", "", option, flags=re.IGNORECASE) for option in options]
    has_own = [option != without for option, without in zip(options, bare, strict=True)]
    definite = article.lower() == "the"
    if not any(has_own) and (definite or all(morphology.indefinite_article(option) == article.lower() for option in bare)):
        return start, options
    chosen = []
    for option, without, own in zip(options, bare, has_own, strict=True):
        if own:
            new = option
        else:
            new = f"{'the' if definite else morphology.indefinite_article(without)} {without}"
        chosen.append(new[:1].upper() + new[1:] if article[:1].isupper() else new)
    return start - width, chosen


def check(paths: Iterable[str | Path]) -> list[Problem]:
    """Everything questionable in the files at ``paths``, taken together as one glossary.

    Reports conflicts, duplicates, shadowed rows, cycles, bidirectional and zero-width characters, missing or surplus
    stars. Raises InputError for a file that is no glossary.
    """
    rows = [row for path in paths for row in read_rows(Path(path))]
    problems = [*_spelling_problems(rows), *_overlap_problems(rows), *_cycle_problems(rows)]
    order = {row.source: position for position, row in reversed(list(enumerate(rows)))}
    return sorted(problems, key=lambda problem: (order[problem.source], problem.line))


def _spelling_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    for row in rows:
        for column, options in (("wrong", row.wrong), ("right", row.right), ("near", row.near), ("not_near", row.not_near)):
            for option in options:
                if hidden := _INVISIBLE.search(option):
                    name = f"U+{ord(hidden.group()):04X}"
                    yield Problem(row.source, row.line, f"invisible character {name} in column '{column}'; delete it.")
                if option.count("*") > 1 or (option.endswith("*") and len(option) == 1):
                    yield Problem(row.source, row.line, f"{option!r} in column '{column}' may have one starred word.")
            repeated = {option for option in options if options.count(option) > 1}
            if repeated:
                yield Problem(row.source, row.line, f"{sorted(repeated)[0]!r} stands twice in column '{column}'.")
        if row.mode in ("fix", "hint") and not any("*" in wrong for wrong in row.wrong):
            if starred := [right for right in row.right if "*" in right]:
                yield Problem(row.source, row.line, f"{starred[0]!r} has a star but no word of column 'wrong' has one.")


def _overlap_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    seen: dict[str, list[Row]] = {}
    for row in rows:
        for variant in dict.fromkeys(row.wrong):
            key = variant if row.case == "exact" else variant.lower()
            for earlier in seen.setdefault(key, []):
                if earlier.conditions == row.conditions:
                    same = earlier.right == row.right and earlier.mode == row.mode
                    word = "repeats" if same else "conflicts with"
                    yield Problem(row.source, row.line, f"{variant!r} {word} {earlier.place}; keep one of the two.")
                    break
                if not earlier.near and set(earlier.not_near) <= set(row.not_near):
                    yield Problem(row.source, row.line, f"{variant!r} is never reached: {earlier.place} always comes first.")
                    break
            seen[key].append(row)


def _cycle_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    replaced = {
        variant.rstrip("*").lower(): row for row in rows if row.mode == "fix" and not row.near for variant in row.wrong
    }
    for row in rows:
        if row.mode not in ("fix", "hint"):
            continue
        for right in row.right:
            other = replaced.get(right.rstrip("*").lower())
            if other is not None:
                yield Problem(row.source, row.line, f"{right!r} would itself be replaced by {other.place}: a cycle.")
