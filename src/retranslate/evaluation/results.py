"""Results files: one JSON a run, named by its signature and never overwritten; and what moved between two of them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from retranslate.errors import InputError, RetranslateError
from retranslate.evaluation.figures import FIGURES
from retranslate.evaluation.scoring import Scores
from retranslate.evaluation.systems import FULL
from retranslate.version import __version__

FORMAT = 1
Texts = Literal["with texts", "without texts"]


def signature(all_scores: Sequence[Scores]) -> str:
    """What was evaluated: sets, systems, settings, versions. The same signature gives the same figures."""
    parts = [f"retranslate:{__version__}", f"sacrebleu:{version('sacrebleu')}"]
    for scores in all_scores:
        settings = "+".join(f"{name}:{value}" for name, value in scores.settings.items())
        parts.append(f"set:{scores.set_name}:{scores.digest}+{settings}")
        parts += [f"{system.name}={system.signature}" for system in scores.systems]
    return " ".join(dict.fromkeys(parts))


def file_name(all_scores: Sequence[Scores]) -> str:
    """The name of a run's file: its sets, the signature of its headline system, and a digest of the whole signature."""
    sets = "+".join(scores.set_name.split(".")[0] for scores in all_scores)
    made_by = all_scores[0].headline.signature.replace("|", "_")
    digest = hashlib.sha256(signature(all_scores).encode()).hexdigest()[:8]
    readable = [re.sub(r"[^\w.+-]+", "-", part)[:110] for part in (sets, made_by)]
    return f"{'__'.join((*readable, digest))}.json"


def write(all_scores: Sequence[Scores], directory: Path, texts: Texts = "with texts") -> Path:
    """Writes a run into ``directory``, which is made if it is not there, and gives the file's path.

    A file that is there already stays, and the new one gets a number. ``without texts`` leaves out sources, references
    and outputs, for sets that may not be passed on. Raises InputError where nothing can be written, RetranslateError
    when the disk is full.
    """
    target = directory / file_name(all_scores)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=directory, prefix=".results.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.writelines(_pieces(all_scores, texts))
            os.chmod(temporary, 0o644)
            return _keep(Path(temporary), target)
        finally:
            with suppress(OSError):
                os.unlink(temporary)
    except FileExistsError as error:
        raise InputError(f"{directory}: not a directory; give one for the results.") from error
    except OSError as error:
        kind = RetranslateError if error.errno == 28 else InputError
        raise kind(f"{directory}: the results cannot be written: {error.strerror}.") from error


def _keep(temporary: Path, target: Path) -> Path:
    """Gives the finished file its name, or the next one that is free."""
    number = 1
    while True:
        path = target if number == 1 else target.with_name(f"{target.stem}-{number}.json")
        try:
            with path.open("xb"):
                pass
        except FileExistsError:
            number += 1
            continue
        os.replace(temporary, path)
        return path


def _pieces(all_scores: Sequence[Scores], texts: Texts) -> Iterator[str]:
    """The file in pieces, a segment a line: a hundred thousand of them need not be in memory as one string."""
    head = {
        "format": FORMAT,
        "signature": signature(all_scores),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
    }
    yield f"{json.dumps(head, ensure_ascii=False, indent=1)[:-2]},\n"
    yield ' "sets": ['
    for position, scores in enumerate(all_scores):
        yield f"{',' * (position > 0)}\n{json.dumps(scores.to_dict(), ensure_ascii=False)[:-1]},\n"
        yield '"entries": ['
        for index, entry in enumerate(_entries(scores, texts)):
            yield f"{',' * (index > 0)}\n{json.dumps(entry, ensure_ascii=False)}"
        yield "\n]}"
    yield "\n]}\n"


def _entries(scores: Scores, texts: Texts) -> Iterator[dict[str, Any]]:
    """Each segment: TER edits by system, and the texts; an output that equals the source is left out."""
    details = scores.details
    edits = {name: details.ter_edits(name) for name in details.tables}
    for index, segment in enumerate(details.segments):
        entry: dict[str, Any] = {
            "id": segment.id,
            "ter_edits": {name: float(each[index]) for name, each in edits.items()},
        }
        if segment.tags:
            entry["tags"] = list(segment.tags)
        if segment.clean:
            entry["clean"] = True
        if texts == "with texts":
            outputs = {name: str(given[index]) for name, given in details.outputs.items()}
            entry |= {
                "source": segment.source,
                "references": list(segment.references),
                "outputs": {name: text for name, text in outputs.items() if text != segment.source},
            }
        yield entry


# --- Reading and comparing -----------------------------------------------------------------------------------------


def read(path: Path) -> dict[str, Any]:
    """A results file. Raises InputError where it is none."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a results file: {error}.") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT or not isinstance(record.get("sets"), list):
        raise InputError(f"{path}: not a results file of this version (format {FORMAT}).")
    return record


@dataclass(frozen=True)
class MovedSegment:
    """A segment whose output changed between two runs; ``saved`` TER edits, fewer than none if it got worse."""

    id: str
    saved: float
    source: str | None = None
    reference: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What moved between two runs on one set. ``figures`` are pairs (first run, second run) by key."""

    set_name: str
    systems: tuple[str, str]
    figures: Mapping[str, tuple[float | None, float | None]]
    segments: int
    better: tuple[MovedSegment, ...]
    worse: tuple[MovedSegment, ...]
    reworded: int
    remark: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        from dataclasses import asdict

        return asdict(self)


def compare(first: Mapping[str, Any], second: Mapping[str, Any], system: str | None = None) -> list[Comparison]:
    """What moved from the ``first`` run to the ``second``, for each set that both have.

    ``system`` is compared, by default "full", or the last system where there is none. Segments are paired by their
    place and id. Raises InputError when the runs have no set in common or no such system.
    """
    ours, theirs = ({given["set"]: given for given in record["sets"]} for record in (first, second))
    common = [name for name in ours if name in theirs]
    if not common:
        raise InputError(f"the two runs have no set in common: {', '.join(ours)} and {', '.join(theirs)}.")
    try:
        return [_compare_set(ours[name], theirs[name], system) for name in common]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"a results file is damaged: {error} is missing.") from error


def _compare_set(ours: Mapping[str, Any], theirs: Mapping[str, Any], system: str | None) -> Comparison:
    before, after = (_system(given, system) for given in (ours, theirs))
    pairs = _paired(ours["entries"], theirs["entries"])
    moved = [_moved(one, other, before["name"], after["name"]) for one, other in pairs]
    changed = [each for each in moved if each is not None]
    return Comparison(
        ours["set"],
        (before["name"], after["name"]),
        {key: (before["figures"].get(key), after["figures"].get(key)) for key in FIGURES},
        len(pairs),
        tuple(sorted((each for each in changed if each.saved > 0), key=lambda each: -each.saved)),
        tuple(sorted((each for each in changed if each.saved < 0), key=lambda each: each.saved)),
        sum(each.saved == 0 for each in changed),
        "" if ours["digest"] == theirs["digest"] else "the set itself differs between the two runs.",
    )


def _system(given: Mapping[str, Any], wanted: str | None) -> Mapping[str, Any]:
    by_name: dict[str, Mapping[str, Any]] = {each["name"]: each for each in given["systems"]}
    name = wanted or (FULL if FULL in by_name else list(by_name)[-1])
    if name not in by_name:
        raise InputError(f"{given['set']}: no system is called {name!r}; there are {', '.join(by_name)}.")
    return by_name[name]


def _paired(
    ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Entries of the same id; where an id stands several times, in their order."""
    waiting: dict[str, list[dict[str, Any]]] = {}
    for entry in reversed(theirs):
        waiting.setdefault(entry["id"], []).append(entry)
    return [(entry, waiting[entry["id"]].pop()) for entry in ours if waiting.get(entry["id"])]


def _moved(one: dict[str, Any], other: dict[str, Any], before: str, after: str) -> MovedSegment | None:
    saved = one["ter_edits"][before] - other["ter_edits"][after]
    texts = [
        entry["outputs"].get(name, entry["source"]) if "source" in entry else None
        for entry, name in ((one, before), (other, after))
    ]
    if saved == 0 and texts[0] == texts[1]:
        return None
    reference = one.get("references", [None])[0]
    return MovedSegment(one["id"], saved, one.get("source"), reference, *texts)
