"""Engines beside each other: who computes the bundled model how fast, in how much memory, and do the answers stay the same.

    python benchmarks/engines.py prepare WORK dev.tsv.gz article.txt --most 24
    python benchmarks/engines.py run WORK --readings 3 --threads 2

``prepare`` takes the first lines of each file (sentence, tab, reference) and writes to WORK what an engine needs: the weights
of the bundled model in float32, in CTranslate2's and in ONNX Runtime's format. ``run`` gives the same sentences to every engine, each in a
process of its own, one after the other and all of them again for each reading; medians are printed. Engines that are not
installed are left out, and named. Other engines decode greedily, a token a pass; ours are guided by the sentence.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Ids = list[list[int]]
Write = Callable[[Sequence[dict[str, Any]], int], Ids]
"""From tasks (prompt, source, limit) and the number of those decoded together to answers."""

END = 2
PAD = 2

app = typer.Typer(pretty_exceptions_enable=False)


# --- The engines: each loads in one call and gives what writes --------------------------------------------------------


def torch_guided(work: Path) -> Write:
    return _rewriter("cpu")


def llama_cpp_guided(work: Path) -> Write:
    return _rewriter("llama.cpp")


def _rewriter(device: str) -> Write:
    from retranslate.drafting import Task
    from retranslate.rewriter import Rewriter

    rewriter = Rewriter.load(device=device)
    return lambda tasks, batch: _in_order(
        rewriter._decoded((Task(task["prompt"], task["source"], task["limit"]) for task in tasks), batch)
    )


def _in_order(found: Any) -> Ids:
    return [answer.ids for _, answer in sorted(found, key=lambda pair: pair[0])]


def llama_cpp_plain(work: Path) -> Write:
    from retranslate.drafting import Task
    from retranslate.llama_cpp_rewriter import decode
    from retranslate.mapped_model import Model
    from retranslate.rewriter import BUNDLED

    context = Model(BUNDLED / "model.gguf").context(768)
    return lambda tasks, batch: [decode(context, Task(task["prompt"], [], task["limit"]), END).ids for task in tasks]


def torch_generate(work: Path) -> Write:
    return _generate(_plain(work))


def torch_bfloat16(work: Path) -> Write:
    import torch

    return _generate(_plain(work).to(torch.bfloat16))


def torch_int8(work: Path) -> Write:
    import torch
    from torch.ao.quantization import quantize_dynamic

    return _generate(quantize_dynamic(_plain(work), {torch.nn.Linear}, dtype=torch.qint8))


def _plain(work: Path) -> Any:
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(work / "float32", dtype=torch.float32).eval()


def _generate(model: Any) -> Write:
    from decoding import generated

    from retranslate.decoding import Terms
    from retranslate.drafting import Task

    terms = Terms(END, 0.0)

    def write(tasks: Sequence[dict[str, Any]], batch: int) -> Ids:
        made = [Task(task["prompt"], task["source"], task["limit"]) for task in tasks]
        return [
            ids
            for first in range(0, len(made), batch)
            for ids in generated(model, made[first : first + batch], terms, PAD)
        ]

    return write


def ctranslate2_int8(work: Path) -> Write:
    import ctranslate2

    model = ctranslate2.Generator(
        str(work / "ctranslate2_int8"), device="cpu", compute_type="int8", inter_threads=1, intra_threads=_threads()
    )
    tokens = json.loads((work / "ctranslate2_int8" / "vocabulary.json").read_text("utf-8"))

    def write(tasks: Sequence[dict[str, Any]], batch: int) -> Ids:
        answers: Ids = []
        for first in range(0, len(tasks), batch):
            some = tasks[first : first + batch]
            found = model.generate_batch(
                [[tokens[token] for token in task["prompt"]] for task in some], beam_size=1, sampling_topk=1,
                max_length=max(task["limit"] for task in some), include_prompt_in_result=False, end_token=tokens[END], return_end_token=True,
            )  # fmt: skip
            answers += [result.sequences_ids[0][: task["limit"]] for result, task in zip(found, some, strict=True)]
        return answers

    return write


def onnx_float32(work: Path) -> Write:
    return _onnx(work / "onnx_fp32")


def onnx_int8(work: Path) -> Write:
    return _onnx(work / "onnx_int8")


def _onnx(folder: Path) -> Write:
    import numpy as np
    import onnxruntime_genai as genai

    settings = json.loads((folder / "genai_config.json").read_text("utf-8"))
    settings["model"]["decoder"]["session_options"] |= {
        "intra_op_num_threads": _threads(), "session.intra_op.allow_spinning": "0",
    }  # fmt: skip
    settings["model"]["eos_token_id"] = END
    (folder / "genai_config.json").write_text(json.dumps(settings), "utf-8")
    model = genai.Model(str(folder))

    def write(tasks: Sequence[dict[str, Any]], batch: int) -> Ids:
        answers: Ids = []
        for first in range(0, len(tasks), batch):
            some = tasks[first : first + batch]
            longest = max(len(task["prompt"]) for task in some)
            parameters = genai.GeneratorParams(model)
            parameters.set_search_options(
                max_length=longest + max(task["limit"] for task in some), batch_size=len(some), do_sample=False
            )
            generator = genai.Generator(model, parameters)
            rows = [[PAD] * (longest - len(task["prompt"])) + list(task["prompt"]) for task in some]
            generator.append_tokens(np.array(rows, dtype=np.int32))
            while not generator.is_done():
                generator.generate_next_token()
            for row, task in enumerate(some):
                answers.append(_ended(list(map(int, generator.get_sequence(row)))[longest:][: task["limit"]]))
        return answers

    return write


def _ended(ids: list[int]) -> list[int]:
    return ids[: ids.index(END) + 1] if END in ids else ids


ENGINES: dict[str, tuple[str, Callable[[Path], Write], str, tuple[int, ...]]] = {
    "torch-guided": ("torch, matrices in half precision, guided (what ships)", torch_guided, "torch", (1, 16)),
    "llama.cpp-guided": ("llama.cpp, the GGUF file, guided ([fast])", llama_cpp_guided, "llama_cpp", (1,)),
    "llama.cpp": ("llama.cpp, the GGUF file", llama_cpp_plain, "llama_cpp", (1,)),
    "torch": ("torch, float32, generate", torch_generate, "torch", (1, 16)),
    "torch-int8": ("torch, int8 (dynamic), generate", torch_int8, "torch", (1, 16)),
    "ctranslate2": ("CTranslate2, int8", ctranslate2_int8, "ctranslate2", (1, 16)),
    "onnx-fp32": ("ONNX Runtime, float32", onnx_float32, "onnxruntime_genai", (1, 16)),
    "onnx-int8": ("ONNX Runtime, int8", onnx_int8, "onnxruntime_genai", (1, 16)),
    "torch-bf16": ("torch, bfloat16, generate", torch_bfloat16, "torch", (1,)),
}
"""By name: what it is, how it is loaded, which package it needs, how many sentences are decoded together."""

REFERENCE = "torch"


def _most(engine: str) -> int | None:
    """Of an engine that would take hours only so many sentences are asked: bfloat16 where the processor is not made for it."""
    if engine != "torch-bf16":
        return None  # and torch is not imported into what others are measured by
    import torch

    return None if torch.ops.mkldnn._is_mkldnn_bf16_supported() else 1


# --- Preparing --------------------------------------------------------------------------------------------------------


@app.command()
def prepare(
    work: Annotated[Path, typer.Argument(help="A folder for the weights in other formats, and for the sentences.")],
    files: Annotated[
        list[Path], typer.Argument(help="Tables (sentence, tab, reference), packed by gzip (.gz) or not.")
    ],
    most: Annotated[int, typer.Option(help="So many lines of each file.")] = 24,
) -> None:
    """Write sentences and weights to WORK."""
    from decoding import plain_bundled

    from retranslate.rewriter import BUNDLED, Request, Rewriter

    rewriter = Rewriter.load(device="cpu")
    tasks = []
    for path in files:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as stream:
            rows = [line.rstrip("\n").split("\t")[:2] for line, _ in zip(stream, range(most), strict=False)]
        for sentence, reference in rows:
            if rewriter.fits(Request(sentence)):
                task = rewriter._task(Request(sentence))
                prompt, source = list(task.prompt), list(task.source)
                tasks.append({"prompt": prompt, "source": source, "limit": task.limit, "reference": reference})
    work.mkdir(parents=True, exist_ok=True)
    (work / "tasks.json").write_text(json.dumps(tasks), "utf-8")
    plain = plain_bundled()
    plain.save_pretrained(work / "float32")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (work / "float32" / name).write_bytes((BUNDLED / name).read_bytes())
    source = str(work / "float32")
    if importlib.util.find_spec("ctranslate2"):
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(source).convert(str(work / "ctranslate2_int8"), quantization="int8", force=True)
    if importlib.util.find_spec("onnxruntime_genai"):
        for kind in ("fp32", "int8"):
            builder = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-m", source, "-p", kind, "-e", "cpu"]
            subprocess.run(
                [*builder, "-o", str(work / f"onnx_{kind}")],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )


# --- Running ----------------------------------------------------------------------------------------------------------


@app.command()
def one(engine: str, work: Path) -> None:
    """Load an engine, let it write, print what came of it as JSON: what ``run`` calls."""
    sys.path.insert(0, str(Path(__file__).parent))
    tasks = json.loads((work / "tasks.json").read_text("utf-8"))[: _most(engine)]
    tasks.sort(key=lambda task: len(task["source"]))
    _, load, _, batches = ENGINES[engine]
    clock, processor = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        write = load(work)
    found: dict[str, Any] = {"load": [time.perf_counter() - clock, time.process_time() - processor]}
    for batch in batches:
        write(tasks[:1], 1)  # what is made at the first call
        clock, processor = time.perf_counter(), time.process_time()
        answers = write(tasks, batch)
        found[str(batch)] = [time.perf_counter() - clock, time.process_time() - processor]
        found.setdefault("answers", answers)
    # On Linux in KiB; what the libraries and mapped files take of it is in it.
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["tasks"] = len(tasks)
    print(json.dumps(found))


@app.command()
def run(
    work: Annotated[Path, typer.Argument(help="What prepare has written.")],
    readings: Annotated[int, typer.Option(help="Every engine so many times, in turns.")] = 3,
    threads: Annotated[int, typer.Option(help="Threads that each engine computes with.")] = 2,
    only: Annotated[list[str] | None, typer.Option(help="No other engines than these; may be repeated.")] = None,
) -> None:
    """Measure and print a table in Markdown."""
    names = [name for name in ENGINES if not only or name in only]
    for name in [name for name in names if importlib.util.find_spec(ENGINES[name][2]) is None]:
        print(f"{ENGINES[name][0]}: {ENGINES[name][2]} is not installed; left out")
        names.remove(name)
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
    }
    for _ in range(readings):
        for name in names:
            command = [sys.executable, __file__, "one", name, str(work)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            if done.returncode:
                print(f"{name}: failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}", flush=True)
                continue
            taken[name].append(json.loads(done.stdout.splitlines()[-1]))
            (work / "taken.json").write_text(json.dumps(taken), "utf-8")
    _print_table(work, {name: found for name, found in taken.items() if found}, threads, readings)


def _print_table(work: Path, taken: dict[str, list[dict[str, Any]]], threads: int, readings: int) -> None:
    import sacrebleu
    from tokenizers import Tokenizer

    tasks = json.loads((work / "tasks.json").read_text("utf-8"))
    tasks.sort(key=lambda task: len(task["source"]))
    tokenizer = Tokenizer.from_file(str(work / "float32" / "tokenizer.json"))

    def chrf(answers: Ids) -> float:
        texts = [tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in answers]
        references = [task["reference"] for task in tasks[: len(texts)]]
        return float(sacrebleu.corpus_chrf(texts, [references]).score)

    same_as = taken[REFERENCE][0]["answers"] if REFERENCE in taken else None
    print(
        f"{len(tasks)} sentences, {threads} threads, {readings} readings in turns, {platform.machine()}, {os.cpu_count()} processors"
    )
    print(f"chrF of the sentences as they are: {chrf([task['source'] for task in tasks]):.1f}\n")
    print(
        "| engine | load s, clock / processor | peak MB | batch | sentences/s, clock | sentences per processor second | chrF | same answers |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for name, found in taken.items():
        label, _, _, batches = ENGINES[name]
        count = found[0]["tasks"]
        load = " / ".join(f"{_median(one['load'][place] for one in found):.1f}" for place in (0, 1))
        memory = _median(one["memory"] for one in found)
        answers = found[0]["answers"]
        alike = sum(_without_end(a) == _without_end(b) for a, b in zip(answers, same_as or [], strict=False))
        same = "" if same_as is None else f"{alike} of {count}"
        for batch in batches:
            clock, processor = (count / _median(one[str(batch)][place] for one in found) for place in (0, 1))
            print(
                f"| {label} | {load} | {memory:.0f} | {batch} | {clock:.2f} | {processor:.2f} | {chrf(answers):.1f} | {same} |"
            )
            label = load = same = ""


def _without_end(ids: list[int]) -> list[int]:
    return ids[:-1] if ids and ids[-1] == END else ids


def _median(values: Any) -> float:
    return statistics.median(list(values))


def _threads() -> int:
    return int(os.environ["OMP_NUM_THREADS"])


if __name__ == "__main__":
    app()
