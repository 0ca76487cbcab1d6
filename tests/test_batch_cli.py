"""``retranslate batch``: what it prints, how it ends, and that it survives being killed."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import glossary_text
from test_cli import CLEAN, Outcome, run

GARBLED = "The Daash fled."
REPAIRED = "The Daesh fled."
OPTIONS = ["--no-model", "--no-default-glossary", "--glossary", "own.tsv"]


@pytest.fixture(autouse=True)
def own_glossary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.tsv").write_text(glossary_text(("Daash", "Daesh", "fix")), "utf-8")


def batch(*arguments: object, terminal: bool = False) -> Outcome:
    """``retranslate batch`` without a model and with the small glossary alone."""
    return run("batch", *OPTIONS, *arguments, terminal=terminal)


def write_rows(path: Path, count: int, text: str = GARBLED) -> Path:
    path.write_text("".join(f'{{"id": {n}, "text": "{text} {n}"}}\n' for n in range(count)), "utf-8")
    return path


def started(*arguments: object) -> subprocess.Popen[str]:
    """The command in a process, and a process group, of its own."""
    command = [sys.executable, "-m", "retranslate", "batch", *OPTIONS, *map(str, arguments)]
    # Ctrl-C is to be heard also where the tests run in the background, which has it ignored.
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def finished(*arguments: object) -> str:
    process = started(*arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def snapshot(output: Path) -> dict[str, bytes]:
    """All bytes at ``output`` and, of a folder, its receipts."""
    paths = sorted(output.rglob("*")) if output.is_dir() else [output]
    found = {str(path.relative_to(output.parent)): path.read_bytes() for path in paths if path.is_file()}
    receipts = output.with_name(f"{output.name}.receipts.jsonl")
    return found | ({"receipts": receipts.read_bytes()} if receipts.exists() else {})


# --- what it prints --------------------------------------------------------------------------------------------------


def test_a_run_with_other_second_chances_is_another_run(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 1)
    assert batch("in.jsonl", "out.jsonl").code == 0
    outcome = batch("in.jsonl", "out.jsonl", "--second-chance", "2")
    assert outcome.code == 2
    assert "differs from this one in: second_chance" in outcome.err


def test_a_summary_is_printed(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"text\n{GARBLED}\nIt is over.\n,2\n", "utf-8")
    outcome = batch("in.csv", "out.csv")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.decode().splitlines()
    assert lines[0] == "3 rows: 1 changed, 1 unchanged, 0 refused, 1 error"
    assert lines[1].startswith("edits: 1 glossary, 0 rule, 0 model")
    assert lines[2].startswith("this run: 3 rows in ")
    assert lines[3:] == ["  3: error: 2 cells where the header has 1", "written: out.csv"]
    assert batch("in.csv", "out.csv").out.decode().splitlines()[2] == "this run: nothing was left to do"
    with open("out.csv", encoding="utf-8", newline="") as stream:
        assert [row["text"] for row in csv.DictReader(stream)] == [REPAIRED, "It is over.", ""]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 3)
    before = sorted(tmp_path.iterdir())
    outcome = batch("in.jsonl", "out.jsonl", "--dry-run", "--limit", 2)
    assert outcome.code == 0
    assert outcome.out.decode().splitlines() == [
        "2 rows, 0 of them without a text that can be repaired",
        "0 done by an earlier run, 2 to do",
        "would write out.jsonl",
    ]
    assert sorted(tmp_path.iterdir()) == before


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 3)
    assert "rows/s" in batch("in.jsonl", "out.jsonl", terminal=True).err
    assert batch("in.jsonl", "out.jsonl", "--fresh").err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing", "out"], "missing: no such file or folder."),
        (["in.txt", "out.txt"], "in.txt: none of .jsonl, .csv, .parquet or .gz of them, nor a folder;"),
        (["-", "out.jsonl"], "-: no such file or folder."),
        (["/dev/null", "out.jsonl"], "/dev/null: no regular file:"),
        (["in.jsonl", "in.jsonl"], "in.jsonl: is also the input; name another place."),
        (["in.jsonl", "same.jsonl"], "same.jsonl: is also the input;"),
        (
            ["in.jsonl", "out.csv"],
            "out.csv: the input is .jsonl, and so is the output; end the name in .jsonl or .jsonl.gz.",
        ),
        (["in.jsonl", "link.jsonl"], "link.jsonl: a link;"),
        (["in.jsonl", "missing/out.jsonl"], "missing/out.jsonl: there is no directory missing; make it first."),
        (["in.jsonl", "folder.jsonl"], "folder.jsonl: a directory; name another place."),
        (["folder", "folder/sub"], "folder/sub: lies in the input; name a place outside of it."),
        (["folder", "."], "there is no directory"),
        (["folder", "linked/sub"], "linked/sub: lies in the input;"),
        (["folder/sub", "folder"], "folder: holds the input; name another place."),
        (["folder", "in.jsonl"], "in.jsonl: no directory; name another place."),
        (["in.jsonl", "out.jsonl", "--strict", "--bold"], "--strict and --bold exclude each other; give one."),
        (["in.jsonl", "out.jsonl", "--model", "m"], "--no-model and --model exclude each other; give one."),
        (["in.jsonl", "out.jsonl", "--limit", "0"], "--limit"),
        (["bad.jsonl.gz", "out.jsonl"], "bad.jsonl.gz: a broken gzip file:"),
    ],
)
def test_misuse_is_told_in_one_line_and_writes_nothing(tmp_path: Path, arguments: list[str], message: str) -> None:
    write_rows(tmp_path / "in.jsonl", 2)
    (tmp_path / "in.txt").write_text(CLEAN, "utf-8")
    os.link("in.jsonl", "same.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "linked").symlink_to("folder")
    (tmp_path / "link.jsonl").symlink_to("elsewhere.jsonl")
    (tmp_path / "bad.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n' * 100)[:-20])
    before = sorted(tmp_path.rglob("*"))
    outcome = batch(*arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_an_output_put_in_the_place_of_a_link_is_not_written_through_it(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 2)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text(GARBLED, "utf-8")
    (tmp_path / "precious").write_text("precious", "utf-8")
    (tmp_path / "out.receipts.jsonl").symlink_to("precious")
    assert batch("folder", "out").code == 2
    assert batch("folder", "out", "--fresh").code == 0
    assert (tmp_path / "precious").read_text("utf-8") == "precious"
    assert not (tmp_path / "out.receipts.jsonl").is_symlink()


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_ctrl_c_leaves_a_journal_to_go_on_from(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 6000)
    for workers in (1, 2):
        output = f"out{workers}.jsonl"
        process = started("in.jsonl", output, "-O", workers)
        shards = tmp_path / f"{output}.batch" / "shards"
        wait_for(lambda: shards.is_dir() and any(shards.glob("*.gz")), process)  # noqa: B023
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err == "retranslate: stopped; give the same command again to go on.\n"
        assert not (tmp_path / output).exists()
        out = finished("in.jsonl", output)
        assert out.startswith("6,000 rows: 6,000 changed")
        assert "this run: 6,000 rows" not in out
    assert (tmp_path / "out1.jsonl").read_bytes() == (tmp_path / "out2.jsonl").read_bytes()


def wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 2000)
    finished("in.jsonl", "whole.jsonl")
    size = (tmp_path / "whole.jsonl").stat().st_size
    # Files may be no longer than this: the journal fits, the output does not.
    code = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({size // 2}, r.RLIM_INFINITY))"
    command = [
        sys.executable, "-c", f"{code}; from retranslate.cli import main; main()",
        "batch", *OPTIONS, "in.jsonl", "out.jsonl", "--fresh",
    ]  # fmt: skip
    (tmp_path / "out.jsonl").write_text("what was there", "utf-8")
    process = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert process.returncode == 3
    assert "cannot be written: File too large; what was done so far is kept" in process.stderr
    assert process.stderr.count("\n") == 1
    assert (tmp_path / "out.jsonl").read_text("utf-8") == "what was there"
    assert "this run: nothing was left to do" in finished("in.jsonl", "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    from retranslate.batch.journal import Journal

    write_rows(tmp_path / "in.jsonl", 2)
    journal = Journal(tmp_path / "out.jsonl.batch")
    journal.make()
    with journal.lock():
        assert "another run is at work on this output" in batch("in.jsonl", "out.jsonl").err
    assert batch("in.jsonl", "out.jsonl").code == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of the memory is read from /proc")
def test_the_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    code = (
        "import re, sys; from retranslate.cli import main\n"
        "try: main()\n"
        "finally: print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
    )
    peaks = []
    for count in (500, 5000):
        row = json.dumps({"text": GARBLED, "page": "It is over. " * 500})
        (tmp_path / "in.jsonl").write_text(f"{row}\n" * count, "utf-8")
        command = [sys.executable, "-c", code, "batch", *OPTIONS, "in.jsonl", f"{count}.jsonl"]
        process = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        peaks.append(int(process.stderr))
    # 27 MB of input more, and no more than 4 MB of memory.
    assert peaks[1] - peaks[0] < 4 * 1024


# --- kill -9 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "workers", "kills"), [("folder", 1, 20), ("jsonl", 1, 8), ("jsonl", 2, 6), ("csv.gz", 1, 6)]
)
def test_killed_at_random_moments_it_ends_with_the_same_bytes(
    tmp_path: Path, kind: str, workers: int, kills: int
) -> None:
    source = make_input(tmp_path, kind)
    ending = source.name.removeprefix("in")
    begun = time.monotonic()
    finished(source, f"whole{ending}")
    length = time.monotonic() - begun
    expected = snapshot(tmp_path / f"whole{ending}")
    moments = random.Random(8)
    killed = jobs = 0
    while killed < kills:
        output = tmp_path / f"out{jobs}{ending}"
        while not output.exists():
            process, begun = started(source, output, "-O", workers), time.monotonic()
            try:
                # When there have been enough, the last job is let to its end.
                process.communicate(timeout=moments.uniform(0.2, 1) * length if killed < kills else None)
                assert process.returncode == 0
                # A first run on a busy machine must not set moments that no later run lives to see.
                length = min(length, time.monotonic() - begun)
            except subprocess.TimeoutExpired:
                # The parent alone, where there are workers: they have to notice.
                process.kill()
                process.communicate()
                killed += 1
        finished(source, output)
        found = {name.replace(f"out{jobs}", "whole", 1): data for name, data in snapshot(output).items()}
        assert found == expected
        jobs += 1


def make_input(folder: Path, kind: str) -> Path:
    """A folder of 2,000 small files, or a table with as many rows, every fifth of them bad."""
    if kind == "folder":
        for number in range(2000):
            path = folder / "in" / f"year{number % 7}" / f"page{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\xff" if number % 5 == 0 else f"{GARBLED}\r\n\nPage {number}.".encode())
        return folder / "in"
    path = folder / f"in.{kind}"
    rows = [[str(number), f"{GARBLED} {number}"] for number in range(2000)]
    if kind == "jsonl":
        lines = [json.dumps({"id": key, "text": text} if int(key) % 5 else {"id": key}) for key, text in rows]
        path.write_text("\n".join(lines), "utf-8")
        return path
    with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["id", "text"], *(row if int(row[0]) % 5 else row[:1] for row in rows)])
    return path
