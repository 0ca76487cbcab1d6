"""Results files: named, whole, never overwritten; and what moved between two of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retranslate.errors import InputError
from retranslate.evaluation import Evaluation, EvaluationSegment, Scores, System
from retranslate.evaluation.results import compare, file_name, read, write

SEGMENTS = [
    EvaluationSegment("1", "He go to town.", ("He goes to town.",), ("AG",)),
    EvaluationSegment("2", "She go to town.", ("She goes to town.",)),
    EvaluationSegment("3", "The road open.", ("The road is open.",)),
    EvaluationSegment("4", "Rain is expected.", ("Rain is expected.",), clean=True),
]


def run(
    *texts: str, signature: str = "retranslate:1|model:a|glossary:b", segments: list[EvaluationSegment] = SEGMENTS
) -> Scores:
    return Evaluation(0, 0).run([System("full", lambda _: texts, signature)], segments, "tiny.jsonl")


FIRST = run("He goes to town.", "She go to town.", "A road open.", "Rain is expected.")
SECOND = run(
    "He go to town.", "She goes to town.", "One road open.", "Rain is expected.", signature="retranslate:2|model:c"
)


def test_the_name_says_set_model_and_glossary() -> None:
    assert file_name([FIRST]).startswith("tiny__retranslate-1_model-a_glossary-b__")
    assert file_name([FIRST]) != file_name([SECOND])


def test_a_run_is_read_back(tmp_path: Path) -> None:
    record = read(write([FIRST], tmp_path / "new"))
    (given,) = record["sets"]
    assert given["set"] == "tiny.jsonl"
    assert [system["name"] for system in given["systems"]] == ["do nothing", "full"]
    assert given["entries"][0] == {
        "id": "1", "ter_edits": {"do nothing": 1.0, "full": 0.0}, "tags": ["AG"], "source": "He go to town.",
        "references": ["He goes to town."], "outputs": {"full": "He goes to town."},
    }  # fmt: skip
    assert given["entries"][3]["clean"] is True
    assert given["entries"][3]["outputs"] == {}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    first, second, third = (write([FIRST], tmp_path) for _ in range(3))
    assert [path.stem.removeprefix(first.stem) for path in (first, second, third)] == ["", "-2", "-3"]
    assert sorted(tmp_path.iterdir()) == sorted([first, second, third])


def test_texts_can_be_left_out(tmp_path: Path) -> None:
    path = write([FIRST], tmp_path, "without texts")
    assert "town" not in path.read_text()
    (moved,) = compare(read(path), read(write([SECOND], tmp_path)))
    assert (len(moved.better), len(moved.worse)) == (1, 1)


def test_a_comparison_says_what_moved_segment_by_segment(tmp_path: Path) -> None:
    (moved,) = compare(read(write([FIRST], tmp_path)), read(write([SECOND], tmp_path)))
    assert [(each.id, each.saved, each.before, each.after) for each in moved.better] == [
        ("2", 1, "She go to town.", "She goes to town.")
    ]
    assert [(each.id, each.saved) for each in moved.worse] == [("1", -1)]
    assert moved.reworded == 1
    assert moved.figures["ter"][0] == moved.figures["ter"][1]
    assert moved.remark == ""


def test_a_set_that_differs_is_remarked(tmp_path: Path) -> None:
    other = run("He goes.", "x", "y", segments=SEGMENTS[:3])
    (moved,) = compare(read(write([FIRST], tmp_path)), read(write([other], tmp_path)))
    assert "differs" in moved.remark
    assert moved.segments == 3


def test_runs_without_a_common_set_or_system_are_refused(tmp_path: Path) -> None:
    first = read(write([FIRST], tmp_path))
    other = Evaluation(0, 0).run([], SEGMENTS, "other")
    with pytest.raises(InputError, match="no set in common"):
        compare(first, read(write([other], tmp_path)))
    with pytest.raises(InputError, match="no system is called 'x'"):
        compare(first, first, "x")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99, "sets": []}', '{"format": 1}'])
def test_what_is_no_results_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"a\.json: not a results file"):
        read(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    record = read(write([FIRST], tmp_path))
    damaged = json.loads(json.dumps(record))
    del damaged["sets"][0]["entries"][0]["ter_edits"]
    with pytest.raises(InputError, match="damaged"):
        compare(record, damaged)


def test_a_place_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="not a directory"):
        write([FIRST], tmp_path / "file")
