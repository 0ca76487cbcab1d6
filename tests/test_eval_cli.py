"""The command ``retranslate eval``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retranslate.cli import app
from retranslate.errors import InputError

RUN = CliRunner()


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    path = tmp_path / "set.tsv"
    path.write_text("A convoy of Daash stopped.\tA Daesh convoy stopped.\nHe go.\tHe goes.\n", "utf-8")
    return path


def test_the_table_names_the_systems(small_set: Path) -> None:
    result = RUN.invoke(app, ["eval", str(small_set), "--no-model", "--samples", "0"])
    assert result.exit_code == 0
    assert "2 damaged and 0 clean segments" in result.output
    assert "| do nothing |" in result.output
    assert "| glossary only |" in result.output


def test_a_hypothesis_file_is_a_system_of_its_own(small_set: Path, tmp_path: Path) -> None:
    (tmp_path / "peer.txt").write_text("A Daesh convoy stopped.\nHe goes.\n")
    arguments = [
        "eval",
        str(small_set),
        "--no-model",
        "--samples",
        "0",
        "--hypothesis",
        f"peer={tmp_path / 'peer.txt'}",
        "--format",
        "json",
    ]
    result = RUN.invoke(app, arguments)
    (scores,) = json.loads(result.stdout)
    by_name = {system["name"]: system for system in scores["systems"]}
    assert by_name["peer"]["metrics"]["TER"]["score"] == 0


def test_results_are_written_once_and_never_overwritten(small_set: Path, tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    arguments = ["eval", str(small_set), "--no-model", "--samples", "0", "-o", str(output)]
    assert RUN.invoke(app, arguments).exit_code == 0
    record = json.loads(output.read_text())
    assert record["signature"].startswith("retranslate:")
    again = RUN.invoke(app, arguments)
    assert isinstance(again.exception, InputError)
    assert "never overwritten" in str(again.exception)


def test_parallel_files_and_a_limit(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("one\ntwo\n")
    (tmp_path / "r").write_text("one\nzwei\n")
    arguments = [
        "eval",
        "--source",
        str(tmp_path / "s"),
        "--reference",
        str(tmp_path / "r"),
        "--no-model",
        "--samples",
        "0",
        "--limit",
        "1",
    ]
    assert "1 damaged" in RUN.invoke(app, arguments).output


@pytest.mark.parametrize(
    "arguments",
    [["eval", "--no-model"], ["eval", "--source", "s", "--no-model"], ["eval", "nowhere.tsv", "--no-model"]],
)
def test_what_cannot_be_used_is_an_input_error(arguments: list[str]) -> None:
    assert isinstance(RUN.invoke(app, arguments).exception, InputError)
