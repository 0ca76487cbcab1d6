"""Glossary files: the TSV format, read into rows, and what a starred word in them stands for.

``glossaries/README.md`` is the manual for people who write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from retranslate import morphology
from retranslate.errors import InputError

COLUMNS = ("wrong", "right", "mode", "near", "not_near", "case", "note")
MAX_LINE_BYTES = 64 * 1024
MAX_BYTES = 512 * 1024 * 1024
MAX_TERM = 1_000
"""The longest wording that is searched for, in characters: no sentence holds a longer one, and the search would take long to build."""

Mode = Literal["fix", "hint", "only-near", "keep", "forbid"]
Case = Literal["keep", "exact"]
_MODES = frozenset(get_args(Mode))
_CASES = frozenset(get_args(Case))
_STARRED = re.compile(r"(?<!\S)(\S+)\*")


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
    def suggests(self) -> bool:
        """Whether the row's readings are for the model and the context to decide on."""
        return self.mode in ("hint", "only-near")

    @property
    def replaces(self) -> bool:
        """Whether the row has other words to offer for those it finds: applied, or suggested."""
        return self.mode == "fix" or self.suggests

    @property
    def place(self) -> str:
        """``file:line`` of the row."""
        return f"{self.source}:{self.line}"

    @property
    def conditions(self) -> tuple[frozenset[str], frozenset[str]]:
        """The context words, as comparable sets."""
        return frozenset(self.near), frozenset(self.not_near)


def read_rows(path: Path) -> list[Row]:
    """The rows of one TSV file.

    Raises InputError, naming file and line, when the file cannot be read as a glossary at all: missing, not UTF-8,
    NUL bytes, an overlong line, a wrong header, wrong number of columns, unknown mode or case, an empty ``wrong``.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot read the glossary: {error.strerror}.") from error
    source = str(path)
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: more than {MAX_BYTES >> 20} MiB. Is this a glossary?")
    return list(_rows(_lines(data.removeprefix(b"\xef\xbb\xbf"), source), source))


def _lines(data: bytes, source: str) -> Iterator[tuple[int, str]]:
    """The numbered lines without blank ones and comments. The first fault of the file is the one that is told."""
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if len(raw) > MAX_LINE_BYTES:
            raise InputError(
                f"{source}:{number}: the line is {len(raw):,} bytes long; a glossary line has at most "
                f"{MAX_LINE_BYTES:,}. Is this a glossary?"
            )
        if b"\0" in raw:
            raise InputError(
                f"{source}:{number}: NUL as byte {raw.index(0) + 1} of the line; a glossary is plain UTF-8 text."
            )
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{source}:{number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."
            ) from error
        if line.strip() and not line.startswith("#"):
            yield number, line


def _rows(lines: Iterator[tuple[int, str]], source: str) -> Iterator[Row]:
    first = next(lines, None)
    if first is None:
        raise InputError(f"{source}:1: the file is empty; a glossary begins with the header: {' <tab> '.join(COLUMNS)}")
    if _cells(first[1]) != COLUMNS:
        raise InputError(f"{source}:{first[0]}: the first line must be the header: {' <tab> '.join(COLUMNS)}")
    for number, line in lines:
        yield _row(_cells(line), source, number)


def _cells(line: str) -> tuple[str, ...]:
    return tuple(map(str.strip, line.split("\t")))


def _row(cells: tuple[str, ...], source: str, number: int) -> Row:
    if len(cells) != len(COLUMNS):
        raise InputError(
            f"{source}:{number}: {len(cells)} columns where {len(COLUMNS)} are needed: {', '.join(COLUMNS)}."
        )
    wrong, right, mode, near, not_near, case, note = cells
    if mode not in _MODES:
        raise InputError(f"{source}:{number}: mode {mode!r} is not one of {', '.join(get_args(Mode))}.")
    if case not in _CASES:
        raise InputError(f"{source}:{number}: case {case!r} is not one of {', '.join(get_args(Case))}.")
    variants = _options(wrong)
    if not variants:
        raise InputError(f"{source}:{number}: column 'wrong' is empty; it holds what the machine wrote.")
    if (longest := max(map(len, variants))) > MAX_TERM:
        raise InputError(
            f"{source}:{number}: column 'wrong' has {longest:,} characters in one wording; at most {MAX_TERM:,} are searched for."
        )
    return Row(
        variants,
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
    if "|" not in cell:
        return (cell,) if cell else ()
    return tuple(option.strip() for option in cell.split("|") if option.strip())


def bundled_paths() -> list[Path]:
    """The glossary files that come with the package, in the order in which they are tried."""
    packaged = Path(str(resources.files("retranslate"))) / "glossaries"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[2] / "glossaries"
    return sorted(folder.glob("*.tsv"))


# --- Word forms ----------------------------------------------------------------------------------------------------


class Surface(NamedTuple):
    """A form in which a glossary option may stand in a text: its ``text``, and the ``form`` that its starred ``lemma`` has."""

    text: str
    lemma: str = ""
    form: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        """The Penn tags of the starred word in this form; none without a star."""
        return morphology.tags_of(self.form, self.lemma) if self.lemma else ()


def starred(option: str) -> str | None:
    """The word of a glossary option that has a star, in lower case.

    >>> starred("Element* of")
    'element'
    """
    star = _STARRED.search(option)
    return star.group(1).lower() if star else None


def expand(option: str) -> list[Surface]:
    """The surface forms of a glossary option: one for each inflection of its starred word, or the option itself.

    >>> [surface.text for surface in expand("element* of")]
    ['element of', 'elements of']
    """
    star = _STARRED.search(option) if "*" in option else None
    if star is None:
        return [Surface(option)]
    shown = star.group(1)
    lemma = shown.lower()
    before, after = option[: star.start()], option[star.end() :]
    forms = dict.fromkeys((lemma, *morphology.inflections(lemma).values()))
    return [Surface(f"{before}{_spelt_like(shown, form)}{after}", lemma, form) for form in forms]


def _spelt_like(lemma: str, form: str) -> str:
    """``form`` with the capitals that the glossary gave its lemma: Brother, Brothers; MP, MPs."""
    if lemma.islower():
        return form
    if form.startswith(lemma.lower()):
        return lemma + form[len(lemma) :]
    return form.capitalize() if lemma[:1].isupper() else form


def realise(right: str, tags: Sequence[str]) -> str:
    """``right`` with its starred lemma in the first of ``tags`` that it has a form for.

    >>> realise("fighter* of the group", ("NNS",))
    'fighters of the group'
    """
    star = _STARRED.search(right) if "*" in right else None
    if star is None:
        return right
    shown = star.group(1)
    known = morphology.inflections(shown.lower())
    form = next((_spelt_like(shown, known[tag]) for tag in tags if tag in known), shown)
    return right[: star.start()] + form + right[star.end() :]
