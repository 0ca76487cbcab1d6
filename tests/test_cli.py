"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import codecs
import hashlib
import inspect
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import glossary_text
from retranslate import cli, options
from retranslate.batch_cli import batch
from retranslate.corrector import Corrector, Settings
from retranslate.glossary import Glossary

GARBLED = "The Daash fled.\r\nHe pointed Hadi that 12 boats left.\r\nIt is over.\r\n"
REPAIRED = "The Daesh fled.\r\nHadi pointed out that 12 boats left.\r\nIt is over.\r\n"
FIX = ("fix", "--no-model", "--no-default-glossary", "--glossary", "own.tsv")
CLEAN = "It is over.\nThe road is open.\n"


class Outcome:
    """What a run of the command left behind."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def own_glossary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small glossary, and a working directory of its own for every test."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "own.tsv"
    path.write_text(glossary_text(("Daash", "Daesh", "fix")), "utf-8")
    return path


def run(*arguments: object, stdin: bytes = b"", terminal: bool = False) -> Outcome:
    """Runs the command in this process, standard streams replaced."""
    kind = Terminal if terminal else io.TextIOWrapper
    out, err = io.BytesIO(), io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["retranslate", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        patch.setattr(sys, "stdout", kind(out, encoding="utf-8", newline=""))
        patch.setattr(sys, "stderr", kind(err, encoding="utf-8", newline="", errors="backslashreplace"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        sys.stdout.flush()
        sys.stderr.flush()
        code = ended.value.code
        return Outcome(
            code if isinstance(code, int) else 0 if code is None else 1, out.getvalue(), err.getvalue().decode()
        )


def fix(*arguments: object, stdin: bytes = b"", terminal: bool = False) -> Outcome:
    """``retranslate fix`` without a model and with the small glossary alone."""
    return run(*FIX, *arguments, stdin=stdin, terminal=terminal)


def write(name: str, text: str | bytes) -> Path:
    path = Path(name)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def assert_refused(outcome: Outcome, *expected: str, code: int = 2) -> None:
    """One line on standard error that has all of ``expected``, nothing on standard output."""
    assert outcome.code == code, outcome.err
    assert outcome.out == b""
    assert outcome.err.startswith("retranslate: ")
    assert outcome.err.count("\n") == 1
    for part in expected:
        assert part in outcome.err


# --- fix: what is printed --------------------------------------------------------------------------------------------


def test_a_file_is_repaired_to_standard_output() -> None:
    write("a.txt", GARBLED)
    outcome = fix("a.txt")
    assert (outcome.code, outcome.out.decode(), outcome.err) == (0, REPAIRED, "")
    assert Path("a.txt").read_bytes() == GARBLED.encode()


def test_several_files_are_printed_one_after_the_other() -> None:
    write("a.txt", GARBLED)
    write("b.txt", "No final newline of the Daash")
    outcome = fix("a.txt", "b.txt")
    assert outcome.out.decode() == REPAIRED + "No final newline of the Daesh"


@pytest.mark.parametrize("names", [(), ("-",)])
def test_standard_input_is_read_for_a_dash_or_nothing(names: tuple[str, ...]) -> None:
    assert fix(*names, stdin=GARBLED.encode()).out.decode() == REPAIRED


def test_a_file_and_standard_input_go_together() -> None:
    write("a.txt", CLEAN)
    assert fix("a.txt", "-", stdin=b"The Daash fled.").out.decode() == CLEAN + "The Daesh fled."


def test_empty_input_is_no_error() -> None:
    assert (fix(stdin=b"").code, fix(stdin=b"").out) == (0, b"")


def test_output_goes_to_a_file_when_told_so() -> None:
    write("a.txt", GARBLED)
    outcome = fix("a.txt", "-o", "out.txt")
    assert (outcome.code, outcome.out) == (0, b"")
    assert Path("out.txt").read_bytes().decode() == REPAIRED


def test_json_is_the_results_dictionary(own_glossary: Path) -> None:
    write("a.txt", GARBLED)
    write("b.txt", CLEAN)
    outcome = fix("a.txt", "b.txt", "--format", "json")
    records = [json.loads(line) for line in outcome.out.decode().splitlines()]
    corrector = Corrector.without_model(glossary=Glossary.load([own_glossary], bundled=False))
    assert records == [
        {"file": name, **corrector(text).to_dict()} for name, text in (("a.txt", GARBLED), ("b.txt", CLEAN))
    ]


def test_json_of_standard_input_names_it() -> None:
    record = json.loads(fix("--format", "json", stdin=b"The Daash fled.").out)
    assert record["file"] == "standard input"
    assert [edit["replacement"] for edit in record["edits"]] == ["Daesh"]


def test_a_diff_is_printed_and_the_exit_code_tells() -> None:
    write("a.txt", GARBLED)
    outcome = fix("a.txt", "--diff")
    assert outcome.code == 1
    lines = outcome.out.decode().splitlines()
    assert lines[:2] == ["--- a.txt (garbled)", "+++ a.txt (repaired)"]
    assert "+Hadi pointed out that 12 boats left." in lines
    assert " It is over." in lines
    write("b.txt", CLEAN)
    assert (fix("b.txt", "--diff").code, fix("b.txt", "--diff").out) == (0, b"")


def test_a_diff_is_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.txt", GARBLED)
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = fix("a.txt", "--diff", terminal=True).out.decode()
    assert "\x1b[32m+The Daesh fled." in coloured
    assert "\x1b[31m-The Daash fled." in coloured
    assert coloured.count("\x1b[0m") == coloured.count("\x1b[3")
    assert "\x1b" not in fix("a.txt", "--diff").out.decode()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in fix("a.txt", "--diff", terminal=True).out.decode()


def test_a_diff_without_colours_can_be_applied() -> None:
    write("a.txt", GARBLED)
    coloured = fix("a.txt", "--diff").out
    assert b"\r\n" in coloured


def test_explain_tells_the_story_of_each_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.txt", GARBLED)
    outcome = fix("a.txt", "--explain")
    assert outcome.code == 0
    lines = outcome.out.decode().splitlines()
    assert lines[0] == "a.txt"
    assert [line.split()[0] for line in lines if " source " in line] == ["1", "2", "3"]
    assert any("glossary" in line and '"Daash" -> "Daesh"' in line for line in lines)
    assert any("rule" in line and "(dummy subject)" in line for line in lines)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert b"\x1b[" in fix("a.txt", "--explain", terminal=True).out
    fix("a.txt", "--explain", "-o", "story.txt", terminal=True)
    assert Path("story.txt").read_bytes() == outcome.out


def test_explain_as_json_is_the_json() -> None:
    write("a.txt", GARBLED)
    outcome = fix("a.txt", "--explain", "--format", "json")
    assert outcome.out == fix("a.txt", "--format", "json").out
    first = json.loads(outcome.out)["segments"][0]
    assert [(step["by"], step["text"]) for step in first["steps"]] == [("glossary", "The Daesh fled.")]


def test_check_prints_the_names_of_files_that_would_change() -> None:
    write("a.txt", GARBLED)
    write("b.txt", CLEAN)
    outcome = fix("a.txt", "b.txt", "--check")
    assert (outcome.code, outcome.out) == (1, b"a.txt\n")
    assert (fix("b.txt", "--check").code, fix("b.txt", "--check").out) == (0, b"")
    assert Path("a.txt").read_bytes() == GARBLED.encode()


def test_a_name_that_is_not_utf8_is_printed_as_it_is() -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    write(name, GARBLED)
    assert fix(name, "--check").out == b"caf\xe9.txt\n"
    assert fix(name, "--diff").out.startswith(b"--- caf\xe9.txt (garbled)\n")
    assert json.loads(fix(name, "--format", "json").out)["file"] == name


def test_the_users_glossary_wins_over_the_bundled_ones() -> None:
    write("own.tsv", glossary_text(("Daash", "the Group", "fix", "", "", "exact")))
    write("a.txt", "They met Daash there.\n")
    assert run("fix", "--no-model", "--glossary", "own.tsv", "a.txt").out == b"They met the Group there.\n"


def test_a_model_folder_is_used(tiny_folders: dict[str, Path]) -> None:
    write("a.txt", GARBLED)
    outcome = run(
        "fix",
        "--no-default-glossary",
        "--glossary",
        "own.tsv",
        "--model",
        tiny_folders["t5"],
        "--device",
        "cpu",
        "a.txt",
        "--format",
        "json",
    )
    assert (outcome.code, outcome.err) == (0, "")
    record = json.loads(outcome.out)
    assert "model:t5:" in record["signature"]
    assert any(segment["proposal"] for segment in record["segments"])


# --- fix: in place ---------------------------------------------------------------------------------------------------


def test_in_place_rewrites_the_files_and_prints_nothing() -> None:
    path, clean = write("a.txt", GARBLED), write("b.txt", CLEAN)
    path.chmod(0o640)
    untouched = clean.stat()
    outcome = fix("--in-place", "a.txt", "b.txt")
    assert (outcome.code, outcome.out, outcome.err) == (0, b"", "")
    assert path.read_bytes().decode() == REPAIRED
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (clean.stat().st_ino, clean.stat().st_mtime_ns) == (untouched.st_ino, untouched.st_mtime_ns)
    assert sorted(os.listdir()) == ["a.txt", "b.txt", "own.tsv"]


def test_in_place_follows_a_link() -> None:
    target = write("target.txt", GARBLED)
    Path("link.txt").symlink_to(target)
    assert fix("--in-place", "link.txt").code == 0
    assert Path("link.txt").is_symlink()
    assert target.read_bytes().decode() == REPAIRED


def test_an_output_that_is_a_link_stays_one() -> None:
    write("a.txt", GARBLED)
    write("target.txt", "old")
    Path("link.txt").symlink_to("target.txt")
    assert fix("a.txt", "-o", "link.txt").code == 0
    assert Path("link.txt").is_symlink()
    assert Path("target.txt").read_bytes() == REPAIRED.encode()


def test_in_place_writes_nothing_when_one_file_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.txt", GARBLED)
    write("b.txt", GARBLED)
    assert_refused(fix("--in-place", "a.txt", "missing.txt"), "missing.txt: no such file")
    monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK or Path(place).name != "b.txt")
    assert_refused(fix("--in-place", "a.txt", "b.txt"), "b.txt: read-only")
    assert Path("a.txt").read_bytes() == Path("b.txt").read_bytes() == GARBLED.encode()


def test_in_place_writes_nothing_when_an_encoding_lacks_a_character() -> None:
    write("own.tsv", glossary_text(("Daash", "داعش", "fix"), ("boats", "ships", "fix")))
    write("a.txt", "The boats left.\n")
    write("b.txt", "The Daash fled.\n")
    assert_refused(fix("--in-place", "--encoding", "latin-1", "a.txt", "b.txt"), "b.txt: the repaired text has")
    assert Path("a.txt").read_bytes() == b"The boats left.\n"


# --- encodings -------------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_kept() -> None:
    path = write("a.txt", codecs.BOM_UTF8 + GARBLED.encode())
    assert fix("a.txt").out == codecs.BOM_UTF8 + REPAIRED.encode()
    fix("--in-place", "a.txt")
    assert path.read_bytes() == codecs.BOM_UTF8 + REPAIRED.encode()


def test_another_encoding_is_read_and_written_back() -> None:
    write("a.txt", "The Daash said: «أهلاً».\r\n".encode("cp1256"))
    assert fix("--encoding", "cp1256", "a.txt").out == "The Daesh said: «أهلاً».\r\n".encode("cp1256")
    assert (
        json.loads(fix("--encoding", "cp1256", "--format", "json", "a.txt").out)["text"]
        == "The Daesh said: «أهلاً».\r\n"
    )


def test_an_undecodable_byte_is_named_with_file_and_offset() -> None:
    write("a.txt", b"The road \xff is open.")
    write("good.txt", CLEAN)
    assert_refused(fix("good.txt", "a.txt"), "a.txt: byte 9 (0xff) is not utf-8", "--encoding")
    assert_refused(fix(stdin=b"\xc3"), "standard input: byte 0 (0xc3)")


# --- what is refused -------------------------------------------------------------------------------------------------


def test_files_that_cannot_be_read_are_named() -> None:
    Path("folder").mkdir()
    assert_refused(fix("missing.txt"), "missing.txt: no such file.")
    assert_refused(fix("folder"), "folder: a directory; give the files in it.")
    assert_refused(fix("The Daash fled. " * 30), "cannot be read: File name too long")


def test_models_that_cannot_be_used_are_named(tiny_folders: dict[str, Path]) -> None:
    write("a.txt", GARBLED)
    Path("empty").mkdir()
    model = ("fix", "a.txt", "-o", "out.txt", "--model")
    assert_refused(run(*model, "nowhere"), "nowhere: no such model folder")
    assert_refused(run(*model, "nobody/nothing"), "nobody/nothing: no such model folder", "hf download")
    assert_refused(run(*model, "empty"), "empty: no model here")
    assert_refused(run(*model, "a.txt"), "a.txt: a file; give the folder")
    assert_refused(run(*model, tiny_folders["t5"], "--device", "abacus"), "--device abacus")
    assert not Path("out.txt").exists()


def test_outputs_that_cannot_be_written_are_named_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.txt", GARBLED)
    write("out.txt", "old")
    Path("folder").mkdir()
    monkeypatch.setattr(options, "corrector", lambda *_: pytest.fail("the work had begun"))
    assert_refused(fix("a.txt", "-o", "folder"), "folder: a directory")
    assert_refused(fix("a.txt", "-o", "nowhere/out.txt"), "nowhere/out.txt: there is no directory")
    monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK or Path(place).name != "out.txt")
    assert_refused(fix("a.txt", "-o", "out.txt"), "out.txt: read-only; nothing was written")
    assert Path("out.txt").read_text() == "old"


def test_the_output_must_not_be_the_input() -> None:
    path = write("a.txt", GARBLED)
    Path("link.txt").symlink_to(path)
    assert_refused(fix("a.txt", "-o", "a.txt"), "a.txt: is also the input", "--in-place")
    assert_refused(fix("a.txt", "-o", "link.txt"), "link.txt: is also the input")
    assert path.read_bytes() == GARBLED.encode()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--in-place", "--diff", "a.txt"), "exclude each other"),
        (("--check", "--diff", "a.txt"), "exclude each other"),
        (("--explain", "--diff", "a.txt"), "exclude each other"),
        (("--explain", "--in-place", "a.txt"), "exclude each other"),
        (("--explain", "--format", "html", "a.txt"), "--explain is text or JSON"),
        (("--in-place", "-o", "b.txt", "a.txt"), "--in-place"),
        (("--in-place",), "standard input"),
        (("--in-place", "-"), "standard input"),
        (("--in-place", "--format", "json", "a.txt"), "--format"),
        (("--diff", "--format", "json", "a.txt"), "--format"),
        (("--model", "folder", "a.txt"), "--no-model and --model exclude each other"),
        (("-", "-"), "'-' is given twice"),
        (("--encoding", "klingon", "a.txt"), "--encoding klingon: no such encoding"),
        (("--format", "xml", "a.txt"), "--format"),
        (("--batch-size", "0", "a.txt"), "--batch-size"),
        (("--batch-size", "many", "a.txt"), "--batch-size"),
        (("--nonsense", "a.txt"), "No such option"),
        (("--glossary", "missing.tsv", "a.txt"), "missing.tsv"),
        (("--glossary", "a.txt", "a.txt"), "a.txt:1: the first line must be the header"),
    ],
)  # fmt: skip
def test_bad_use_is_one_line(arguments: tuple[str, ...], expected: str) -> None:
    path = write("a.txt", GARBLED)
    assert_refused(fix(*arguments, stdin=b"unread"), expected)
    assert path.read_bytes() == GARBLED.encode()


def test_an_unknown_command_is_one_line() -> None:
    assert_refused(run("mend"), "No such command 'mend'", "--help")


def test_no_arguments_show_the_help() -> None:
    outcome = run()
    assert outcome.code == 2
    assert "fix" in outcome.err + outcome.out.decode()


# --- what fails ------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_a_failure_and_not_bad_use(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.txt", GARBLED)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert_refused(fix("a.txt", "-o", "out.txt"), "out.txt: cannot be written: No space left on device", code=3)
    assert not Path("out.txt").exists()


def test_a_disk_that_is_really_full_leaves_the_old_file(tmp_path: Path) -> None:
    data = GARBLED.encode() * 200
    write("a.txt", data)
    # No file may become as long as this one.
    limit = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({len(data) // 2}, r.RLIM_INFINITY))"
    for arguments in (("--in-place",), ("-o", "old.txt")):
        write("old.txt", "old")
        done = subprocess.run(
            [sys.executable, "-c", f"{limit}; from retranslate.cli import main; main()", *FIX, "a.txt", *arguments],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 3
        assert (
            done.stderr
            == f"retranslate: {arguments[-1] if '-o' in arguments else 'a.txt'}: cannot be written: File too large; nothing was changed.\n"
        )
        assert (Path("a.txt").read_bytes(), Path("old.txt").read_bytes()) == (data, b"old")
        assert sorted(os.listdir(tmp_path)) == ["a.txt", "old.txt", "own.tsv"]


def test_a_defect_ends_in_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(Corrector, "correct_many", broken)
    outcome = fix(stdin=b"The road.")
    assert outcome.code == 3
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith(
        "retranslate: ZeroDivisionError: a defect in retranslate; please report it"
    )


@pytest.mark.parametrize(("error", "code", "said"), [(KeyboardInterrupt, 130, ""), (MemoryError, 3, "out of memory")])
def test_an_interrupt_and_a_lack_of_memory(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException], code: int, said: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Corrector, "correct_many", stop)
    outcome = fix(stdin=b"The road.")
    assert outcome.code == code
    assert "Traceback" not in outcome.err
    assert said in outcome.err


# --- the other commands ----------------------------------------------------------------------------------------------


def test_a_good_glossary_is_passed_in_silence() -> None:
    outcome = run("glossary", "check", "own.tsv")
    assert (outcome.code, outcome.out, outcome.err) == (0, b"", "")


def test_the_problems_of_a_glossary_are_listed() -> None:
    write("bad.tsv", glossary_text(("Daash", "Daesh", "fix"), ("Daash", "Dash", "fix"), ("a\u200bb", "c", "fix")))
    outcome = run("glossary", "check", "bad.tsv")
    assert outcome.code == 1
    lines = outcome.out.decode().splitlines()
    assert any(line.startswith("bad.tsv:3: 'Daash' conflicts with bad.tsv:2") for line in lines)
    assert any(line.startswith("bad.tsv:4: invisible character U+200B") for line in lines)
    assert outcome.err == f"{len(lines)} problems\n"


def test_what_is_no_glossary_is_one_line() -> None:
    write("not.tsv", "wrong\tright\n")
    write("bytes.tsv", b"\xff\xfe\n")
    write("columns.tsv", glossary_text(("Daash", "Daesh", "fix")) + "one\ttwo\n")
    assert_refused(run("glossary", "check", "not.tsv"), "not.tsv:1: the first line must be the header")
    assert_refused(run("glossary", "check", "bytes.tsv"), "bytes.tsv:1: byte 1 is not UTF-8")
    assert_refused(run("glossary", "check", "columns.tsv"), "columns.tsv:3: 2 columns")
    assert_refused(run("glossary", "check", "missing.tsv"), "missing.tsv")
    assert_refused(run("glossary", "check"), "FILE")


def test_the_model_command_says_what_is_loaded(tiny_folders: dict[str, Path]) -> None:
    outcome = run("model", tiny_folders["causal"])
    assert outcome.code == 0
    assert "model      tiny" in outcome.out.decode()
    assert str(tiny_folders["causal"]) in outcome.out.decode()
    digest = hashlib.sha256((tiny_folders["causal"] / "model.safetensors").read_bytes()).hexdigest()
    assert f"weights    sha256 {digest}\n" in outcome.out.decode()
    assert_refused(run("model", "nowhere"), "nowhere: no such model folder")


def test_training_without_its_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(_: Path) -> None:
        raise ModuleNotFoundError("No module named 'spacy'", name="spacy")

    monkeypatch.setattr("retranslate.training.recipe.read_recipe", lacking)
    assert_refused(run("train", "recipe.toml"), "training needs spacy; install the extra")


def test_progress_is_shown_on_a_terminal_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", Terminal(screen, encoding="utf-8"))
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    with cli._progress("a.txt") as advance:
        assert advance is not None
        advance(1, 10)
        sys.stderr.flush()
        assert screen.getvalue() == b""
        for done in range(2, 8):
            advance(done, 10)
    sys.stderr.flush()
    assert b"a.txt" in screen.getvalue()


def test_no_progress_where_there_is_no_terminal() -> None:
    with cli._progress("a.txt") as advance:
        assert advance is None


def test_version_and_help_are_printed() -> None:
    from retranslate import __version__

    assert run("--version").out.decode() == f"retranslate {__version__}\n"
    shown = run("fix", "--help").out.decode()
    for option in (
        "--output",
        "--in-place",
        "--diff",
        "--check",
        "--format",
        "--glossary",
        "--no-default-glossary",
        "--no-model",
        "--model",
        "--encoding",
    ):
        assert option in shown


# --- in a process of its own -----------------------------------------------------------------------------------------

HEAVY = ("torch", "transformers", "rich", "jinja2", "sacrebleu", "lemminflect", "numpy", "spacy", "huggingface_hub")


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint('modules:', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "code",
    [
        "import retranslate; assert 'correct' in dir(retranslate) and retranslate.__version__",
        "import retranslate.cli",
        "sys.argv = ['retranslate', '--help']; from retranslate.cli import main; main()",
        "sys.argv = ['retranslate', '--version']; from retranslate.cli import main; main()",
        "sys.argv = ['retranslate', 'fix', '--help']; from retranslate.cli import main; main()",
        "sys.argv = ['retranslate', 'eval', '--help']; from retranslate.cli import main; main()",
    ],
)
def test_nothing_slow_is_imported_before_it_is_needed(code: str) -> None:
    assert _loaded_by(code) == set()


def test_no_torch_without_a_model() -> None:
    write("a.txt", GARBLED)
    code = "sys.argv = 'retranslate fix --no-model --no-default-glossary --glossary own.tsv a.txt'.split(); from retranslate.cli import main; main()"
    assert not {"torch", "transformers", "rich"} & _loaded_by(code)


def test_names_are_loaded_when_they_are_asked_for() -> None:
    import retranslate

    assert retranslate.Corrector is Corrector
    assert retranslate.Glossary is Glossary
    assert {"Corrector", "Glossary", "Result", "Edit", "correct", "__version__"} <= set(dir(retranslate))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = retranslate.nonsense


def test_correct_loads_the_bundled_model_once(monkeypatch: pytest.MonkeyPatch, own_glossary: Path) -> None:
    import retranslate

    loaded: list[int] = []

    def load() -> Corrector:
        loaded.append(1)
        return Corrector.without_model(glossary=Glossary.load([own_glossary], bundled=False))

    monkeypatch.setattr(Corrector, "from_pretrained", load)
    retranslate._default.cache_clear()
    try:
        assert retranslate.correct("The Daash fled.") == "The Daesh fled."
        assert retranslate.correct("It is over.") == "It is over."
    finally:
        retranslate._default.cache_clear()
    assert loaded == [1]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "retranslate", *arguments]


def test_the_module_runs_as_a_command() -> None:
    done = subprocess.run(_command("--version"), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("retranslate ")


@pytest.mark.parametrize("view", [[], ["--diff"], ["--explain"], ["--format", "json"]])
def test_a_reader_that_leaves_does_no_harm(view: list[str]) -> None:
    write("long.txt", GARBLED * 20)
    command = _command(*FIX, "long.txt", *view)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=120) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_device_is_told() -> None:
    write("a.txt", GARBLED)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            _command("fix", "--no-model", "--no-default-glossary", "a.txt"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == "retranslate: standard output: cannot be written: No space left on device.\n"


def test_a_page_of_all_files_is_written_as_html() -> None:
    for name in ("a.txt", "b.txt"):
        write(name, GARBLED)
    outcome = fix("--format", "html", "a.txt", "b.txt", "-o", "out.html")
    markup = Path("out.html").read_text("utf-8")
    assert (outcome.code, outcome.out, outcome.err) == (0, b"", "")
    assert markup.count("<h1>") == 2
    assert markup.startswith("<!doctype html>")


def test_strict_and_bold_set_the_margin_and_exclude_each_other() -> None:
    write("a.txt", "The road is open.\n")
    signatures = {
        json.loads(fix("--format", "json", *options, "a.txt").out)["signature"]
        for options in ([], ["--strict"], ["--bold"])
    }
    assert len(signatures) == 3
    assert_refused(fix("--strict", "--bold", "a.txt"), "--strict and --bold exclude each other")


@pytest.mark.parametrize("command", [cli.fix, batch], ids=["fix", "batch"])
@pytest.mark.parametrize("name", ["second_chance", "batch_size"])
def test_the_command_line_has_the_defaults_of_the_library(command: Callable[..., None], name: str) -> None:
    assert inspect.signature(command).parameters[name].default == getattr(Settings, name)


def test_second_chances_are_a_matter_of_the_outcome_and_counted() -> None:
    write("a.txt", "The road is open.\n")
    record = json.loads(fix("--format", "json", "--second-chance", "3", "a.txt").out)
    assert record["signature"].endswith("|second_chance:3")
    assert_refused(fix("--second-chance", "-1", "a.txt"), "--second-chance")


def test_threads_wait_awake_where_nothing_else_runs_or_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setattr(cli, "_other_work_runs", lambda: False)
    run("--version")
    assert "OMP_WAIT_POLICY" not in os.environ
    monkeypatch.setattr(cli, "_other_work_runs", lambda: True)
    run("--version")
    assert os.environ.pop("OMP_WAIT_POLICY") == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    run("--version")
    assert os.environ["OMP_WAIT_POLICY"] == "active"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux tells how many run")
def test_other_work_is_seen() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert sum(cli._other_work_runs() for _ in range(200)) > 100
    finally:
        busy.kill()
        busy.wait()
