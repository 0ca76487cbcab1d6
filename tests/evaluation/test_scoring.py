"""Scores equal sacrebleu's, and count what a repair tool is judged by."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import replaced, result

from retranslate import Corrector, Evaluation, Glossary
from retranslate.edits import Result
from retranslate.errors import InputError
from retranslate.evaluation import EvaluationSegment, System
from retranslate.evaluation.systems import HypothesisFile, of_corrector
from retranslate.glossary import Row

SEGMENTS = [
    EvaluationSegment("1", "The minister opened at noon the new harbour.", ("The minister opened the new harbour at noon.",), ("WO",)),
    EvaluationSegment("2", "He said the mayor that 12 file were lost.", ("The mayor said that 12 files were lost.",), ("V1", "AG"), ("12 files",)),
    EvaluationSegment("3", "There are traders sell it for double.", ("There are traders who sell it at double.",), must_not=("traders sell",)),
    EvaluationSegment("4", "The ferry will sail again in April.", ("The ferry will sail again in April.",), clean=True),
    EvaluationSegment("5", "Rain is expected on Friday.", ("Rain is expected on Friday.",), clean=True),
]  # fmt: skip
QUICK = Evaluation(samples=0, trials=0)

PERFECT = System("perfect", lambda _: [segment.references[0] for segment in SEGMENTS])
CARELESS = System(
    "careless",
    lambda sources: [
        "Repaired.",
        "The mayor said that 13 files were not lost.",
        sources[2],
        "The ferry sails again.",
        sources[4],
    ],
)


def test_do_nothing_is_the_first_row_and_changes_nothing() -> None:
    first = QUICK.run([PERFECT], SEGMENTS).systems[0]
    assert first.name == "do nothing"
    assert (first.figures["changed"], first.figures["overcorrection"]) == (0, 0)


def test_a_perfect_system_scores_perfectly() -> None:
    best = QUICK.run([PERFECT], SEGMENTS).system("perfect").figures
    assert best["bleu"] == pytest.approx(100)
    assert best["chrf"] == pytest.approx(100)
    assert (best["ter"], best["f0.5"], best["changed"], best["overcorrection"]) == (0, 1, 1, 0)
    assert (best["must"], best["must_not"]) == (1, 1)


def test_harm_is_counted() -> None:
    bad = QUICK.run([CARELESS], SEGMENTS).system("careless").figures
    assert bad["overcorrection"] == 0.5
    assert bad["changed"] == pytest.approx(2 / 3)
    assert (bad["lost_numbers"], bad["invented_numbers"], bad["invented_negations"]) == (1, 1, 1)
    assert bad["must"] == 0


def test_what_a_clean_segment_loses_is_counted_too() -> None:
    clean = EvaluationSegment("6", "The 15 guests arrived.", ("The 15 guests arrived.",), clean=True)
    for segments in ([*SEGMENTS, clean], [clean]):
        deaf = System("deaf", lambda sources: [source.replace("The 15", "The 16") for source in sources])
        figures = QUICK.run([deaf], segments).system("deaf").figures
        assert (figures["lost_numbers"], figures["invented_numbers"]) == (1, 1)
        assert (figures["lost_names"], figures["invented_names"]) == (0, 0)


@pytest.fixture(scope="module")
def two_references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parallel")
    damaged = [segment for segment in SEGMENTS if not segment.clean]
    (folder / "hyp").write_text("".join(f"{segment.source}\n" for segment in damaged))
    (folder / "ref1").write_text("".join(f"{segment.references[0]}\n" for segment in damaged))
    (folder / "ref2").write_text(
        "At noon the minister opened the harbour.\nThe mayor said 12 files got lost.\nTraders sell it at double.\n"
    )
    return folder


@pytest.mark.parametrize("references", [["ref1"], ["ref1", "ref2"]])
@pytest.mark.parametrize(
    ("key", "options"),
    [("bleu", ["bleu"]), ("chrf", ["chrf"]), ("chrf++", ["chrf", "--chrf-word-order", "2"]), ("ter", ["ter"])],
)
def test_figures_equal_the_sacrebleu_command_to_the_last_digit(
    two_references: Path, references: list[str], key: str, options: list[str]
) -> None:
    paths = [str(two_references / name) for name in references]
    command = [
        sys.executable,
        "-m",
        "sacrebleu",
        *paths,
        "-i",
        str(two_references / "hyp"),
        "-w",
        "12",
        "-f",
        "json",
        "-m",
        *options,
    ]
    record = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    columns = [Path(path).read_text().splitlines() for path in paths]
    sources = (two_references / "hyp").read_text().splitlines()
    segments = [
        EvaluationSegment(str(n), source, given)
        for n, (source, *given) in enumerate(zip(sources, *columns, strict=True))
    ]
    scores = QUICK.run([], [EvaluationSegment(s.id, s.source, tuple(s.references)) for s in segments])
    assert round(scores.systems[0].figures[key] or 0, 12) == record["score"]
    assert scores.signatures[key] == record["signature"]


def test_a_varying_number_of_references_is_signed_as_such() -> None:
    segments = [EvaluationSegment("1", "a b", ("a b", "a c")), EvaluationSegment("2", "a b", ("a b",))]
    assert "nrefs:var" in QUICK.run([], segments).signatures["bleu"]


def test_groups_are_by_tag_by_length_and_by_damage() -> None:
    scores = QUICK.run([PERFECT], SEGMENTS)
    groups = {(group.kind, group.name): group for group in scores.groups}
    assert groups["tag", "V1"].segments == 1
    assert groups["all", "all, clean ones too"].segments == 5
    assert groups["length", "0–10 words"].segments == 3
    assert sum(group.segments for group in scores.groups if group.kind == "damage") == 3
    assert groups["tag", "V1"].figures["perfect"]["ter"] == 0


def test_wins_and_losses_are_ranked() -> None:
    scores = QUICK.run([CARELESS], SEGMENTS)
    assert [move.index for move in scores.losses("careless", 2)] == [3, 0]
    assert [move.index for move in scores.wins("careless")] == [1]


def test_refusals_and_edits_are_counted_by_name() -> None:
    source = SEGMENTS[1].source

    def repair(sources: Sequence[str]) -> list[Result]:
        edits = [replaced(source, "file", "files", "rule"), replaced(source, "were", "was")]
        return [result(text, *(edits if text == source else []), refused_by=("names", "names")) for text in sources]

    scored = QUICK.run([System("full", repair, "signed")], SEGMENTS).headline
    assert scored.refusals == {"names": 5}
    assert scored.edits == {"rule": 1, "model": 1}
    assert scored.signature == "signed"
    assert scored.words_per_second is not None


def test_glossary_edits_of_a_corrector_are_counted() -> None:
    corrector = Corrector.without_model(glossary=Glossary((Row(("harbour",), ("port",), "fix"),)))
    scored = QUICK.run([of_corrector("glossary only", corrector)], SEGMENTS).headline
    assert scored.edits["glossary"] == 1
    assert scored.signature == corrector.signature


def test_a_system_with_too_few_outputs_is_refused() -> None:
    with pytest.raises(InputError, match="'short' gave 1 hypotheses for 5"):
        QUICK.run([System("short", lambda _: ["one"])], SEGMENTS)


def test_two_systems_of_one_name_and_an_empty_set_are_refused() -> None:
    with pytest.raises(InputError, match="two systems are called 'perfect'"):
        QUICK.run([PERFECT, PERFECT], SEGMENTS)
    with pytest.raises(InputError, match="no segment"):
        QUICK.run([PERFECT], [])


def test_a_hypothesis_file_gives_the_lines_at_the_segments_places(tmp_path: Path) -> None:
    (tmp_path / "peer.txt").write_text("one\ntwo\nthree\n")
    system = HypothesisFile.read("peer", tmp_path / "peer.txt").system([0, 2])
    assert list(system.run(["a", "b"])) == ["one", "three"]
    assert system.signature.startswith("file:peer.txt:")
    with pytest.raises(InputError, match=r"peer\.txt:4: 3 lines"):
        HypothesisFile.read("peer", tmp_path / "peer.txt").system([3])


def test_a_set_of_clean_segments_alone_has_its_overcorrection() -> None:
    scores = QUICK.run([System("full", lambda sources: [sources[0], "x"])], SEGMENTS[3:])
    assert scores.headline.figures["overcorrection"] == 0.5
    assert scores.headline.figures["bleu"] is None
    assert "over-corr. %" in str(scores)


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    QUICK.run([PERFECT], SEGMENTS, on_progress=lambda *step: told.append(step))
    assert ("perfect", 5, 5) in told
    assert ("scoring", 5, 5) in told


def test_scores_are_plain_json_and_print_themselves() -> None:
    scores = QUICK.run([PERFECT], SEGMENTS, "tiny")
    record = json.loads(json.dumps(scores.to_dict()))
    assert (record["set"], record["clean"], len(record["systems"])) == ("tiny", 2, 2)
    assert "| perfect | 100.0 |" in str(scores)
    assert scores._repr_html_().count("<caption>") == 3
