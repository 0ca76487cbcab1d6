"""Results as a corrector would give them, made without a model, and a small set with all that a page shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retranslate.edits import Edit, Result, SegmentResult, apply
from retranslate.evaluation import EvaluationSegment


def result(
    source: str, *edits: Edit, refused_by: tuple[str, ...] = (), proposal: str | None = None, signature: str = "fake"
) -> Result:
    """``source`` after ``edits``, as one segment."""
    text = apply(source, edits)
    status = "changed" if text != source else "refused" if refused_by else "unchanged"
    segment = SegmentResult(0, len(source), "sentence", status, source, text, refused_by, proposal)
    return Result(source, text, edits, (segment,), signature)


def replaced(source: str, old: str, new: str, kind: str = "model", reason: str = "rewritten by the model") -> Edit:
    """The edit that replaces the first ``old`` of ``source`` by ``new``."""
    start = source.index(old)
    return Edit(start, start + len(old), old, new, kind, reason)  # type: ignore[arg-type]


SEGMENTS = [
    EvaluationSegment("a-1", "He go to the crowd.", ("He goes to the Mobilization.",), ("AG", "LX")),
    EvaluationSegment("a-2", "Was the road opened.", ("The road was opened.", "The road has been opened."), ("V3",)),
    EvaluationSegment("a-3", "The road is open.", ("The road is open.",), ("clean",), clean=True),
    EvaluationSegment("a-4", "</script><b>& 'x' \u2028", ("</script><b>& 'y' \u2028",), ("<i>",)),
    *(EvaluationSegment(f"b-{n}", f"Word {n} go.", (f"Word {n} goes.",)) for n in range(60)),
]


def repair(sources: Sequence[str]) -> Iterator[Result | str]:
    for source in sources:
        if source.startswith("He go"):
            yield result(
                source, replaced(source, "go ", "goes "), replaced(source, "crowd", "Mobilization", "glossary", "hashd")
            )
        elif source.startswith("Was"):
            yield result(source, refused_by=("names",), proposal="The road was opened by Karim.")
        elif source.startswith("The road"):
            yield result(source, replaced(source, "is ", ""))
        else:
            yield source
