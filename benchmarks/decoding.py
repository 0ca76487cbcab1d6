"""How fast retranslate decodes, beside the ``generate`` of transformers on the same sentences and with the same batch.

    python benchmarks/decoding.py                      # a few minutes
    python benchmarks/decoding.py --sentences 100 --batch 1 --batch 32 bundled
    python benchmarks/decoding.py --batch 1 bundled fast

Both write greedily, in float32, with the sentences in order of length, and in turns where there are enough of them, so that what
else the machine does falls on both. The outputs are compared. ``bundled`` is the model in the package, on the sentences of
eval/sets/arabic_style.jsonl; ``t5-base`` and ``bart-base`` are models of that size with random weights (see stand_ins.py).
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import stand_ins
import torch
import transformers
import typer
from rich.console import Console
from rich.table import Table

from retranslate import decoding, generating, onednn, ragged
from retranslate.decoding import Terms
from retranslate.drafting import Answer, Task
from retranslate.gguf_weights import read_llama
from retranslate.half_linear import rounded
from retranslate.rewriter import BUNDLED, CLOSE_CALL, LLAMA_CPP, TORCH, Request, Rewriter

SENTENCES = Path(__file__).parent.parent / "eval/sets/arabic_style.jsonl"
TURNS = 3
Write = Callable[[Sequence[Task], int], list[list[int]]]


@dataclass
class Contest:
    """Two ways to write the same answers: ``ours`` and ``theirs``, each with a model of its own."""

    name: str
    ours: Write
    theirs: Write
    tasks: dict[str, list[Task]]


def plain_bundled() -> Any:
    """The bundled model as transformers has it, with weights that half precision holds: no layer changed for speed."""
    config = transformers.AutoConfig.from_pretrained(BUNDLED)
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in transformers.LlamaForCausalLM(config).named_parameters()}
    stored = read_llama(next(BUNDLED.glob("*.gguf")), shapes, config.num_attention_heads, config.num_key_value_heads)
    weights = {name: rounded(values) if values.dim() == 2 else values for name, values in stored}
    plain = transformers.LlamaForCausalLM.from_pretrained(None, config=config, state_dict=weights, dtype=torch.float32)
    plain.generation_config = transformers.GenerationConfig()
    return plain.eval()


def bundled(count: int) -> Contest:
    return _contest("bundled", TORCH, count)


def fast(count: int) -> Contest:
    return _contest("fast", LLAMA_CPP, count)


def _contest(name: str, engine: str, count: int) -> Contest:
    rewriter = Rewriter.load(device=engine)
    end = rewriter._tokenizer.eos_token_id
    theirs = _theirs(plain_bundled(), Terms(end, CLOSE_CALL), end)
    return Contest(name, _in_order(rewriter._decoded), theirs, _tasks(rewriter, count))


def _tasks(rewriter: Rewriter, count: int) -> dict[str, list[Task]]:
    rows = [json.loads(line) for line in SENTENCES.read_text("utf-8").splitlines()]
    return {
        text: [rewriter._task(Request(row["source"])) for row in rows if row["clean"] is clean][:count]
        for text, clean in (("damaged", False), ("clean", True))
    }


def stand_in(name: str, build: Callable[[], Any], count: int) -> Contest:
    ours, theirs = build(), build()
    onednn.block_linears(ours)
    terms = Terms.of(ours, ours.config.eos_token_id, CLOSE_CALL)
    lengths = [12 + (7 * number) % 36 for number in range(count)]
    fresh = stand_ins.unused_tokens(ours)
    damaged, repairs = stand_ins.sentences(fresh, terms.end, lengths, stand_ins.DAMAGED)
    clean, copies = stand_ins.sentences(fresh, terms.end, lengths, stand_ins.CLEAN)
    write = _ours(ours, terms)
    for model in (ours, theirs):
        stand_ins.push(model, [*damaged, *clean], [*repairs, *copies])
    return Contest(name, write, _theirs(theirs, terms, ours.config.pad_token_id), {"damaged": damaged, "clean": clean})


def _ours(model: Any, terms: Terms) -> Write:
    if not ragged.can_read_ragged(model):
        raise SystemExit("this version of transformers does not read raggedly: there is nothing to compare")
    return _in_order(lambda tasks, batch: decoding.decode(ragged.RaggedModel(model), tasks, terms, batch))


def _in_order(decoded: Callable[[Sequence[Task], int], Iterator[tuple[int, Answer]]]) -> Write:
    return lambda tasks, batch: [answer.ids for _, answer in sorted(decoded(tasks, batch), key=lambda pair: pair[0])]


def _theirs(model: Any, terms: Terms, pad: int) -> Write:
    return lambda tasks, batch: [
        ids
        for start in range(0, len(tasks), batch)
        for ids in generated(model, tasks[start : start + batch], terms, pad)
    ]


def generated(model: Any, tasks: Sequence[Task], terms: Terms, pad: int) -> list[list[int]]:
    """What the ``generate`` of transformers writes, greedily, all of them in one batch."""
    inputs = generating.padded(model, [task.prompt for task in tasks], pad)
    with torch.inference_mode():
        output = model.generate(
            **inputs, do_sample=False, num_beams=1, max_new_tokens=max(task.limit for task in tasks),
            pad_token_id=pad, eos_token_id=terms.end,
        )  # fmt: skip
    written = output[:, 1:] if model.config.is_encoder_decoder else output[:, inputs["input_ids"].shape[1] :]
    return [
        row[: min(task.limit, row.index(terms.end) + 1 if terms.end in row else len(row))]
        for row, task in zip(written.tolist(), tasks, strict=True)
    ]


@dataclass
class Reading:
    """Seconds for the same sentences by both ways, on the clock and of the processors, and how many came out alike."""

    clock: dict[str, float]
    processor: dict[str, float]
    alike: int


def measure(contest: Contest, text: str, batch: int) -> Reading:
    tasks = sorted(contest.tasks[text], key=lambda task: len(task.prompt))
    reading = Reading({"ours": 0.0, "theirs": 0.0}, {"ours": 0.0, "theirs": 0.0}, 0)
    # One pass of each to begin with: first calls are slow.
    contest.ours(tasks[:2], 2)
    contest.theirs(tasks[:1], 1)
    turns = max(1, min(TURNS, len(tasks) // (2 * batch)))
    for turn in range(turns):
        part = tasks[turn * len(tasks) // turns : (turn + 1) * len(tasks) // turns]
        outputs = {}
        for side, write in (("ours", contest.ours), ("theirs", contest.theirs)):
            clock, processor = time.perf_counter(), time.process_time()
            outputs[side] = write(part, batch)
            reading.clock[side] += time.perf_counter() - clock
            reading.processor[side] += time.process_time() - processor
        reading.alike += sum(a == b for a, b in zip(outputs["ours"], outputs["theirs"], strict=True))
    return reading


def machine() -> str:
    """The processor, how much of it is used, and with what."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return (
        f"{names[0] if names else platform.processor() or platform.machine()}, {torch.get_num_threads()} of {os.cpu_count()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}; Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )


CONTESTS: dict[str, Callable[[int], Contest]] = {
    "bundled": bundled,
    "fast": fast,
    "t5-base": lambda count: stand_in("t5-base", stand_ins.t5_base, count),
    "bart-base": lambda count: stand_in("bart-base", stand_ins.bart_base, count),
}

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help=", ".join(CONTESTS))] = None,
    sentences: Annotated[int, typer.Option(help="Sentences of each text.", min=1)] = 32,
    batch: Annotated[list[int] | None, typer.Option(help="Sentences decoded together; may be repeated.")] = None,
    threads: Annotated[int, typer.Option(help="Threads that torch may use; 0 is its own choice.")] = 0,
) -> None:
    """Measure and print."""
    if threads:
        torch.set_num_threads(threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    table = Table(
        "model", "text", "batch", "generate", "ours", "ratio", "ratio of CPU time", "alike", caption=machine()
    )
    for name in names or CONTESTS:
        contest = CONTESTS[name](sentences)
        for text, tasks in contest.tasks.items():
            for size in batch or [1, 16]:
                reading = measure(contest, text, size)
                table.add_row(
                    contest.name, text, str(size),
                    *(f"{len(tasks) / reading.clock[side]:.2f}/s" for side in ("theirs", "ours")),
                    *(f"{kind['theirs'] / kind['ours']:.1f}" for kind in (reading.clock, reading.processor)),
                    f"{reading.alike} of {len(tasks)}",
                )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    app()
