"""The commands ``retranslate eval`` and ``retranslate eval compare``."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from retranslate.errors import InputError
from retranslate.eval_cli import eval_app

APP = typer.Typer()
APP.add_typer(eval_app, name="eval")
QUICK = ["--no-model", "--samples", "0", "--trials", "0"]


@APP.command()
def another() -> None:
    """A typer app with one command would not be a group."""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small_set(tmp_path: Path) -> str:
    (tmp_path / "set.tsv").write_text(
        "A convoy of Daash stopped.\tA Daesh convoy stopped.\nHe go.\tHe goes.\n", "utf-8"
    )
    return "set.tsv"


def run(*arguments: str, stdin: str | None = None, code: int = 0):  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(APP, ["eval", *arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_the_table_names_the_systems(small_set: str) -> None:
    output = run(small_set, *QUICK).stdout
    assert "set.tsv: 2 damaged segments" in output
    assert "do nothing" in output
    assert "glossary only" in output


@pytest.mark.parametrize(("format", "start"), [("md", "**set.tsv"), ("csv", "set,system,"), ("json", "[\n {\n")])
def test_other_formats(small_set: str, format: str, start: str) -> None:
    assert run(small_set, *QUICK, "--format", format).stdout.startswith(start)


def test_what_is_printed_can_go_into_a_file(small_set: str, tmp_path: Path) -> None:
    assert run(small_set, *QUICK, "--format", "json", "-o", "out.json").stdout == ""
    assert json.loads((tmp_path / "out.json").read_text())[0]["set"] == "set.tsv"


def test_hypothesis_files_are_systems_of_their_own(small_set: str, tmp_path: Path) -> None:
    (tmp_path / "peer.txt").write_text("A Daesh convoy stopped.\nHe goes.\n")
    (tmp_path / "other.txt.gz").write_bytes(gzip.compress(b"x\ny\n"))
    arguments = ["--hypothesis", "peer=peer.txt", "--hypothesis", "other.txt.gz", "--format", "json"]
    (scores,) = json.loads(run(small_set, *QUICK, *arguments).stdout)
    by_name = {system["name"]: system["figures"] for system in scores["systems"]}
    assert list(by_name) == ["do nothing", "glossary only", "peer", "other.txt.gz"]
    assert by_name["peer"]["ter"] == 0


def test_only_names_the_systems_to_run(small_set: str, tmp_path: Path) -> None:
    (tmp_path / "peer.txt").write_text("a\nb\n")
    arguments = [
        "--samples",
        "0",
        "--trials",
        "0",
        "--hypothesis",
        "peer=peer.txt",
        "--only",
        "peer",
        "--format",
        "json",
    ]
    (scores,) = json.loads(run(small_set, *arguments).stdout)
    assert [system["name"] for system in scores["systems"]] == ["do nothing", "peer"]


def test_many_sets_share_one_hypothesis_file_in_their_order(small_set: str, tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text(
        '{"source": "She go.", "reference": "She goes."}\n{"source": "a", "reference": "b"}\n'
    )
    (tmp_path / "peer.txt").write_text("x\ny\nShe goes.\nb\n")
    arguments = [small_set, "more.jsonl", *QUICK, "--hypothesis", "peer=peer.txt", "--limit", "1", "--format", "json"]
    first, second = json.loads(run(*arguments).stdout)
    assert (first["set"], second["set"], second["segments"]) == ("set.tsv", "more.jsonl", 1)
    assert second["systems"][-1]["figures"]["ter"] == 0


def test_skipped_lines_are_counted_and_hypotheses_still_correspond(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{broken\n{"source": "He go.", "reference": "He goes."}\n')
    (tmp_path / "peer.txt").write_text("x\nHe goes.\n")
    result = run("a.jsonl", *QUICK, "--skip-bad", "--hypothesis", "peer=peer.txt", "--format", "json")
    assert json.loads(result.stdout)[0]["systems"][-1]["figures"]["ter"] == 0
    assert "1 bad lines skipped, the first: a.jsonl:1: not JSON" in result.stderr


def test_parallel_files_and_a_limit(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("one\ntwo\n")
    (tmp_path / "r").write_text("one\nzwei\n")
    (tmp_path / "q").write_text("eins\ndeux\n")
    output = run("--source", "s", "--reference", "r", "--reference", "q", *QUICK, "--limit", "1").stdout
    assert "s: 1 damaged segments" in output
    assert "nrefs:2" in output


def test_standard_input(small_set: str) -> None:
    assert "stdin: 1 damaged" in run("-", *QUICK, stdin='{"source": "a", "reference": "b"}\n').stdout


def test_results_are_kept_and_compared(small_set: str, tmp_path: Path) -> None:
    (tmp_path / "peer.txt").write_text("A Daesh convoy stopped.\nHe go.\n")
    run(small_set, *QUICK, "--hypothesis", "full=peer.txt", "--results", "kept")
    (tmp_path / "peer.txt").write_text("A convoy of Daash stopped.\nHe goes.\n")
    run(small_set, *QUICK, "--hypothesis", "full=peer.txt", "--results", "kept")
    before, after = sorted((tmp_path / "kept").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    output = run("compare", str(before), str(after)).stdout
    assert "2 segments: 1 better, 1 worse" in output
    (comparison,) = json.loads(run("compare", str(before), str(after), "--format", "json").stdout)
    assert comparison["better"][0]["after"] == "He goes."


def test_results_are_kept_by_default_where_their_place_is(small_set: str, tmp_path: Path) -> None:
    run(small_set, *QUICK)
    assert not (tmp_path / "eval").exists()
    (tmp_path / "eval" / "results").mkdir(parents=True)
    run(small_set, *QUICK, "--no-results")
    assert list((tmp_path / "eval" / "results").iterdir()) == []
    run(small_set, *QUICK, "--no-texts")
    (path,) = (tmp_path / "eval" / "results").iterdir()
    assert "Daash" not in path.read_text()


def test_the_page_is_written(small_set: str, tmp_path: Path) -> None:
    run(small_set, *QUICK, "--html", "report.html")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_the_gate_exits_with_one_and_the_figures(small_set: str) -> None:
    result = run(small_set, *QUICK, "--fail-under", "chrf=99", "--fail-over", "ter=1000", code=1)
    assert result.stderr.count("gate:") == 1
    assert "set.tsv: glossary only: chrf" in result.stderr
    run(small_set, *QUICK, "--fail-under", "chrf=1")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no set given"),
        (["--source", "s"], "--source and --reference go together"),
        (["--reference", "s"], "--source and --reference go together"),
        (["nowhere.tsv"], "nowhere.tsv: no such file"),
        (["plain.txt"], "plain.txt: neither .jsonl nor .tsv"),
        (["."], "neither"),
        (["-", "-"], "given twice"),
        (["set.tsv", "--hypothesis", "short"], "short:2: 1 lines where the sets have 2"),
        (["set.tsv", "--hypothesis", "long"], "long:3: 3 lines where the sets have 2"),
        (["set.tsv", "--hypothesis", "a=nowhere"], "nowhere: no such file"),
        (["set.tsv", "--only", "full"], "--only full: no system of that name"),
        (["set.tsv", "--fail-under", "speed=3"], "--fail-under speed=3"),
        (["set.tsv", "--fail-over", "overcorrection=0"], "has no figure 'overcorrection'"),
        (["set.tsv", "--fail-over", "ter=0", "--gate", "peer"], "no system is called 'peer'"),
        (["set.tsv", "--html", "nowhere/page.html"], "no directory"),
        (["set.tsv", "--results", "short"], "short: not a directory"),
        (["empty.jsonl"], "empty.jsonl: no segment"),
        (["compare", "short", "short"], "short: not a results file"),
        (["compare", "nowhere", "short"], "nowhere: no such file"),
    ],
)
def test_what_cannot_be_used_is_an_input_error_of_one_line(
    small_set: str, tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "short").write_text("a\n")
    (tmp_path / "long").write_text("a\nb\nc\n")
    (tmp_path / "empty.jsonl").write_text("\n")
    quick = [] if arguments[:1] == ["compare"] else QUICK
    with pytest.raises(InputError) as caught:
        run(*arguments, *quick)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_help_shows_the_options_and_loads_nothing_slow() -> None:
    assert "--fail-under" in run("--help").stdout
    code = "import sys, retranslate.eval_cli; print([m for m in ('torch', 'sacrebleu', 'jinja2', 'rich.table', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
