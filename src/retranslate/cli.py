"""The command line: parse, call, print. Nothing slow is imported before it is needed."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from retranslate import options
from retranslate.batch_cli import batch
from retranslate.errors import InputError, RetranslateError
from retranslate.eval_cli import eval_app
from retranslate.formats.kinds import Kind, kind_of
from retranslate.train_cli import train_app
from retranslate.version import __version__

if TYPE_CHECKING:
    from retranslate.corrector import Corrector
    from retranslate.files import Document
    from retranslate.printing import View

app = typer.Typer(
    help="Repair garbled machine-translated English news, offline, with a receipt for every edit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
glossary_app = typer.Typer(help="Work with glossaries of known mistranslations.", no_args_is_help=True)
app.add_typer(glossary_app, name="glossary")
app.add_typer(eval_app, name="eval")
app.command()(batch)
app.add_typer(train_app, name="train")


class Format(StrEnum):
    """How ``fix`` prints a result."""

    text = "text"
    json = "json"
    html = "html"


def _version(wanted: bool) -> None:
    if wanted:
        print(f"retranslate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def fix(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Text files; '-' or nothing is standard input.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write here instead of to the terminal.")
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Rewrite the files themselves.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print what would change; exit 1 if anything would.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Print nothing but the names of files that would change; exit 1 if any would."),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Print what happened to each sentence: by whom it was changed, who refused what."
        ),
    ] = False,
    format: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.text,
    as_: Annotated[
        Kind | None, typer.Option("--as", help="What the files are written in; by default their endings tell.")
    ] = None,
    encoding: Annotated[str, typer.Option("--encoding", help="The files' encoding.")] = "utf-8",
    glossary: options.Glossaries = None,
    no_default_glossary: options.NoDefault = False,
    no_model: options.NoModel = False,
    model: options.Model = None,
    device: options.Device = None,
    strict: options.Strict = False,
    bold: options.Bold = False,
    second_chance: options.SecondChance = 4,
    batch_size: options.BatchSize = 16,
) -> None:
    """Repair text files and print the result; of documents with mark-up only the words are repaired."""
    from retranslate.files import STDIN, read_document, refuse_unwritable, write_whole
    from retranslate.formats import correct
    from retranslate.memory import as_memory_allows
    from retranslate.printing import is_colourful, printed

    names = files or [STDIN]
    _refuse_contradictions(names, output, in_place, format)
    view = _view(in_place, diff, check, explain, format)
    documents = [read_document(name, encoding) for name in names]
    for path in [output] if output is not None else map(Path, names) if in_place else []:
        refuse_unwritable(path)
    margin = options.margin(strict, bold)
    corrector = options.corrector(
        glossary, no_default_glossary, no_model, model, device, margin, batch_size, second_chance,
        characters=sum(len(document.text) for document in documents),
    )  # fmt: skip
    kinds = [as_ or kind_of(document.name) for document in documents]
    if view == "text" and output is None and not in_place and kinds == [Kind.text]:
        _print_passages(corrector, documents[0])
        return
    results = []
    for document, kind in zip(documents, kinds, strict=True):
        with _progress(document.name) as advance:
            work = partial(correct, text=document.text, kind=kind, on_progress=advance, name=document.name)
            results.append(as_memory_allows(corrector, work))
    # Nothing is written before everything is known to work.
    if in_place:
        changes = [
            (Path(name), document.encode(result.text))
            for name, document, result in zip(names, documents, results, strict=True)
            if result.changed
        ]
        for path, data in changes:
            write_whole(path, data)
    else:
        _emit(printed(documents, results, view, output is None and is_colourful()), output)
    if (diff or check) and any(result.changed for result in results):
        raise typer.Exit(1)


def _print_passages(corrector: Corrector, document: Document) -> None:
    """Prints a repaired text as far as it is done: who waits for a long one sees it come."""
    from retranslate.formats import correct
    from retranslate.memory import as_memory_allows
    from retranslate.text import passages

    for passage in passages(document.text):
        with _progress(document.name) as advance:
            result = as_memory_allows(corrector, partial(correct, text=passage, on_progress=advance))
        _emit(document.encode(result.text), None)
        document = replace(document, bom=b"")  # it stands at the front, once


def _refuse_contradictions(names: list[str], output: Path | None, in_place: bool, format: Format) -> None:
    if in_place and (output is not None or "-" in names or format is not Format.text):
        raise InputError("--in-place rewrites files as text: it goes with neither -o nor --format nor standard input.")
    if names.count("-") > 1:
        raise InputError("'-' is given twice; standard input can be read only once.")
    if output is not None and any(_is_same_file(output, name) for name in names):
        raise InputError(f"{output}: is also the input; use --in-place to rewrite a file.")


def _view(in_place: bool, diff: bool, check: bool, explain: bool, format: Format) -> View:
    """What to print, of the options that say so."""
    if sum((in_place, diff, check, explain)) > 1:
        raise InputError("--in-place, --diff, --check and --explain exclude each other; give one.")
    if (diff or check) and format is not Format.text:
        raise InputError("--format is about the repaired text: it goes with neither --diff nor --check.")
    if explain and format is Format.html:
        raise InputError("--explain is text or JSON; --format html shows the reasons by itself.")
    if explain and format is Format.text:
        return "explain"
    return "diff" if diff else "check" if check else format.value


def _is_same_file(output: Path, name: str) -> bool:
    try:
        return name != "-" and output.is_file() and output.samefile(name)
    except OSError:
        return False


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error, when that is a terminal, once a text has taken two seconds."""
    if not sys.stderr.isatty():
        yield None
        return
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(name, total=None)
    started = time.monotonic()

    def advance(done: int, total: int) -> None:
        if time.monotonic() - started > 2:
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield advance
    finally:
        bar.stop()


def _emit(data: bytes, output: Path | None) -> None:
    from retranslate.files import write_whole

    if output is not None:
        write_whole(output, data)
        return
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RetranslateError(f"standard output: cannot be written: {error.strerror}.") from error


@glossary_app.command("check")
def glossary_check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Glossary files (TSV).")],
) -> None:
    """Report every problem in glossary files; exit 1 if there is any."""
    from retranslate.glossary_check import check

    problems = check(files)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problem{'s' * (len(problems) > 1)}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def model(
    model: Annotated[
        str | None, typer.Argument(metavar="[DIR_OR_ID]", help="Another model than the bundled one.")
    ] = None,
) -> None:
    """Say which model is loaded, from where, and show its card."""
    from retranslate.rewriter import BUNDLED, Rewriter

    rewriter = Rewriter.load(model)
    print(f"model      {rewriter.name}\nfrom       {model or BUNDLED}\nweights    sha256 {rewriter.weights}")
    print(
        f"size       {rewriter.parameters:,} parameters\ndevice     {rewriter.device}\nmax tokens {rewriter.max_tokens}"
    )
    card = Path(model or BUNDLED) / "README.md"
    if card.is_file():
        print(f"\n{card.read_text('utf-8')}")


def _other_work_runs() -> bool:
    """Whether something beside this process is on a processor, or waits for one, at this moment; yes where that is not told."""
    try:
        running = Path("/proc/loadavg").read_text("ascii").split()[3].partition("/")[0]
        return int(running) > 1
    except (OSError, IndexError, ValueError):
        return True


def main() -> None:
    """The command ``retranslate``: runs it and turns what went wrong into one line and an exit code."""
    # Threads that wait for each other awake make it two to four times as slow where other work runs, and twice as fast where none does.
    if _other_work_runs():
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Every other number of tokens has products of its own in oneDNN's cache, and in torch's a description of each: half a gigabyte,
    # where a thousand of them are kept, and no faster.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    os.environ.setdefault("LRU_CACHE_CAPACITY", "64")
    # What a command makes it keeps, modules, rows and word forms: looking through them for circles, in between and once more
    # at the end, was a fifth of a short one.
    gc.set_threshold(1_000_000)
    atexit.register(gc.freeze)
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        _give_up(str(error), 2)
    except RetranslateError as error:
        _give_up(str(error), 3)
    except BrokenPipeError:
        _leave_quietly()
    except SystemExit as stop:
        # What typer makes of a broken pipe would say that --check found something.
        if isinstance(stop.__context__, BrokenPipeError):
            _leave_quietly()
        raise
    except typer.TyperException as error:  # an option or a command that does not exist, a value of the wrong kind
        _misused(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except MemoryError:
        _give_up("out of memory, with a batch of one too; try smaller files, or --no-model.", 3)
    except Exception as error:
        traceback.print_exc()
        _give_up(f"{type(error).__name__}: a defect in retranslate; please report it with the lines above.", 3)
    raise SystemExit(code)


def _leave_quietly() -> NoReturn:
    """The reader has left: nothing to say, and nothing to flush at exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0) from None


def _misused(error: typer.TyperException) -> NoReturn:
    message = error.format_message().strip()
    if not message:
        raise SystemExit(2)
    # Without arguments the message is the help itself.
    if "\n" in message and message.startswith("Usage:"):
        print(message, file=sys.stderr)
        raise SystemExit(2)
    command = getattr(getattr(error, "ctx", None), "command_path", "retranslate")
    _give_up(f"{message.rstrip('.')}; see '{command} --help'.", 2)


def _give_up(message: str, code: int) -> NoReturn:
    print(f"retranslate: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)
