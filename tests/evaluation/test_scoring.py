"""Scores equal sacrebleu's, and count what a repair tool is judged by."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from retranslate import Corrector, Evaluation, Glossary
from retranslate.errors import InputError
from retranslate.evaluation import EvaluationSegment
from retranslate.evaluation.systems import from_file
from retranslate.glossary import Row

SEGMENTS = [
    EvaluationSegment(
        "1", "The minister opened at noon the new harbour.", ("The minister opened the new harbour at noon.",)
    ),
    EvaluationSegment(
        "2",
        "He said the mayor that 12 file were lost.",
        ("The mayor said that 12 files were lost.",),
        must=("12 files",),
    ),
    EvaluationSegment(
        "3",
        "There are traders sell it for double.",
        ("There are traders who sell it at double.",),
        must_not=("traders sell",),
    ),
    EvaluationSegment("4", "The ferry will sail again in April.", ("The ferry will sail again in April.",), clean=True),
    EvaluationSegment("5", "Rain is expected on Friday.", ("Rain is expected on Friday.",), clean=True),
]


def perfect(sources: Sequence[str]) -> list[str]:
    return [segment.references[0] for segment in SEGMENTS]


def careless(sources: Sequence[str]) -> list[str]:
    return [
        "Repaired.",
        "The mayor said that 13 files were not lost.",
        sources[2],
        "The ferry sails again.",
        sources[4],
    ]


def test_do_nothing_is_the_first_row_and_changes_nothing() -> None:
    first = Evaluation(samples=0).run({"perfect": perfect}, SEGMENTS).systems[0]
    assert first.name == "do nothing"
    assert (first.changed, first.overcorrection) == (0.0, 0.0)


def test_a_perfect_system_scores_perfectly() -> None:
    scores = Evaluation(samples=0).run({"perfect": perfect}, SEGMENTS)
    best = scores.systems[1]
    assert best.metrics["BLEU"].score == pytest.approx(100)
    assert best.metrics["chrF"].score == pytest.approx(100)
    assert best.metrics["TER"].score == 0
    assert (best.changed, best.overcorrection, best.must, best.must_not) == (1.0, 0.0, 1.0, 1.0)


def test_losses_and_inventions_and_overcorrection_are_counted() -> None:
    bad = Evaluation(samples=0).run({"careless": careless}, SEGMENTS).systems[1]
    assert bad.overcorrection == 0.5
    assert bad.changed == pytest.approx(2 / 3)
    assert (bad.lost["numbers"], bad.invented["numbers"]) == (1, 1)
    assert bad.invented["negations"] == 1
    assert bad.lost["names"] == 0  # April is a date
    assert bad.must == 0.0


@pytest.mark.parametrize(
    ("metric", "label", "extra"),
    [("bleu", "BLEU", []), ("chrf", "chrF", []), ("chrf", "chrF++", ["--chrf-word-order", "2"]), ("ter", "TER", [])],
)
def test_figures_equal_the_sacrebleu_command_to_the_last_digit(
    tmp_path: Path, metric: str, label: str, extra: list[str]
) -> None:
    damaged = [segment for segment in SEGMENTS if not segment.clean]
    (tmp_path / "ref").write_text("".join(f"{segment.references[0]}\n" for segment in damaged))
    (tmp_path / "hyp").write_text("".join(f"{segment.source}\n" for segment in damaged))
    command = [
        sys.executable,
        "-m",
        "sacrebleu",
        str(tmp_path / "ref"),
        "-i",
        str(tmp_path / "hyp"),
        "-m",
        metric,
        "-w",
        "6",
        "-f",
        "json",
        *extra,
    ]
    record = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    scores = Evaluation(samples=0).run({}, SEGMENTS)
    assert round(scores.systems[0].metrics[label].score, 6) == record["score"]
    assert scores.signatures[label] == record["signature"]


def test_a_clear_gain_is_significant_and_the_same_output_is_not() -> None:
    many = [
        EvaluationSegment(str(n), f"He go to the town number {n}.", (f"He goes to the town number {n}.",))
        for n in range(60)
    ]
    systems = {"better": lambda sources: [source.replace("go ", "goes ") for source in sources], "same": list}
    scores = Evaluation(samples=200).run(systems, many)
    better, same = scores.systems[1:]
    assert better.metrics["TER"].significant
    assert not same.metrics["TER"].significant
    assert better.metrics["chrF"].interval is not None


def test_the_test_of_significance_is_seeded() -> None:
    first, second = (
        Evaluation(samples=50).run({"careless": careless}, SEGMENTS).to_dict()["systems"] for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        assert one["metrics"] == other["metrics"]


def test_several_references_count() -> None:
    one = [EvaluationSegment("1", "The mayor spoke.", ("The mayor talked.",))]
    two = [EvaluationSegment("1", "The mayor spoke.", ("The mayor talked.", "The mayor spoke."))]
    run = Evaluation(samples=0).run
    assert run({}, two).systems[0].metrics["TER"].score < run({}, one).systems[0].metrics["TER"].score


def test_a_system_with_too_few_outputs_is_refused() -> None:
    with pytest.raises(InputError, match="gave 1 hypotheses for 5"):
        Evaluation(samples=0).run({"short": lambda sources: ["one"]}, SEGMENTS)


def test_a_hypothesis_file_of_another_length_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "peer.txt").write_text("one\n")
    with pytest.raises(InputError, match=r"peer\.txt: 1 lines for 5"):
        Evaluation(samples=0).run({"peer": from_file(tmp_path / "peer.txt")}, SEGMENTS)


def test_glossary_edits_of_a_corrector_are_counted() -> None:
    corrector = Corrector.without_model(glossary=Glossary((Row(("harbour",), ("port",), "fix"),)))
    assert Evaluation(samples=0).run({"glossary only": corrector.correct_many}, SEGMENTS).systems[1].terms == 1


def test_scores_print_as_a_table_and_in_a_notebook() -> None:
    scores = Evaluation(samples=0).run({"perfect": perfect}, SEGMENTS, "tiny")
    lines = str(scores).splitlines()
    assert lines[0].startswith("| system | BLEU | chrF | chrF++ | TER |")
    assert lines[3].startswith("| perfect | 100.0 |")
    html = scores._repr_html_()
    assert "<caption>tiny</caption>" in html
    assert html.count("<tr>") == 3
    assert json.loads(json.dumps(scores.to_dict()))["clean"] == 2
