"""The fast engine answers as plain greedy decoding does, and as torch does; who it is, is told; torch is not imported."""

from __future__ import annotations

import importlib.util
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REQUESTS, SENTENCES, GlossaryMaker
from retranslate import cli
from retranslate import rewriter as module
from retranslate.corrector import Corrector, Settings
from retranslate.drafting import Task
from retranslate.errors import InputError
from retranslate.rewriter import BUNDLED, SHORT, Request, Rewriter, quickest


@pytest.fixture(scope="module")
def by_torch(gguf_folder: Path) -> Rewriter:
    return Rewriter.load(gguf_folder, "cpu")


@pytest.fixture(scope="module")
def rewriter(gguf_folder: Path) -> Rewriter:
    pytest.importorskip("llama_cpp")
    return Rewriter.load(gguf_folder, "llama.cpp")


# --- Which engine -----------------------------------------------------------------------------------------------------


def test_it_says_who_it_is(gguf_folder: Path, rewriter: Rewriter, by_torch: Rewriter) -> None:
    assert (rewriter.engine, by_torch.engine) == ("llama.cpp", "torch")
    assert rewriter.signature == f"{by_torch.signature}@llama.cpp"
    assert rewriter.device == "cpu, llama.cpp"
    assert rewriter.parameters == by_torch.parameters
    assert Rewriter.load(gguf_folder).engine == Rewriter.load(gguf_folder, "torch").engine == "torch"


def test_it_is_quickest_for_short_texts_where_it_is_installed_and_can(
    gguf_folder: Path, tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: name == "llama_cpp" or None)
    assert [quickest(gguf_folder, length) for length in (0, SHORT, SHORT + 1)] == ["llama.cpp", "llama.cpp", None]
    for source in (tiny_folders["causal"], tiny_folders["t5"], gguf_folder / "nowhere", "owner/name"):
        assert quickest(source, 10) is None
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert quickest(gguf_folder, 10) is None


def test_a_command_chooses_by_all_that_it_has_to_repair(
    gguf_folder: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    pytest.importorskip("llama_cpp")
    short, long = tmp_path / "short.txt", tmp_path / "long.txt"
    short.write_text("The road are open.\n", "utf-8")
    long.write_text("The road are open.\n" * (SHORT // 19 + 1), "utf-8")
    signatures = []
    for files in ([short], [long], [short, long], [short, "--device", "torch"]):
        command = ["fix", "--no-default-glossary", "--model", gguf_folder, "--format", "json", *files]
        cli.app(list(map(str, command)), standalone_mode=False)
        signatures.append([json.loads(line)["signature"] for line in capsysbinary.readouterr().out.splitlines()])
    by_llama_cpp = [["@llama.cpp" in signature for signature in group] for group in signatures]
    assert by_llama_cpp == [[True], [False], [False, False], [False]]


def test_it_has_to_be_installed(gguf_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--device llama\.cpp: not installed; pip install"):
        Rewriter.load(gguf_folder, "llama.cpp")


def test_torch_computes_what_is_no_gguf_file_of_our_own(tiny_folders: dict[str, Path]) -> None:
    for family in ("causal", "t5"):
        assert Rewriter.load(tiny_folders[family]).engine == "torch"
        with pytest.raises(InputError, match=r"--device llama\.cpp computes models of this project's own"):
            Rewriter.load(tiny_folders[family], "llama.cpp")


def test_a_pickle_is_opened_by_the_same_engine(gguf_folder: Path, rewriter: Rewriter) -> None:
    module._loaded_again.cache_clear()
    for device in ("llama.cpp", "torch", None):
        loaded = Rewriter.load(gguf_folder, device)
        opened = pickle.loads(pickle.dumps(loaded))
        assert opened.signature == loaded.signature


def test_neither_torch_nor_transformers_is_imported() -> None:
    pytest.importorskip("llama_cpp")
    program = (
        "import sys; from retranslate.corrector import Corrector; "
        "print(Corrector.from_pretrained(device='llama.cpp')('The road are open.').text); "
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""


# --- What it says -----------------------------------------------------------------------------------------------------


def _greedy(rewriter: Rewriter, request: Request) -> list[int]:
    """A token a pass."""
    task = rewriter._task(request)
    ((_, answer),) = rewriter._decoded([Task(task.prompt, [], task.limit)], 1)
    return answer.ids


def test_the_answer_is_that_of_plain_greedy_decoding(rewriter: Rewriter) -> None:
    guided = [answer.ids for _, answer in rewriter._decoded([rewriter._task(request) for request in REQUESTS], 1)]
    assert guided == [_greedy(rewriter, request) for request in REQUESTS]


def test_answers_and_scores_are_those_of_torch(rewriter: Rewriter, by_torch: Rewriter) -> None:
    ours, theirs = rewriter.rewrite(REQUESTS), by_torch.rewrite(REQUESTS)
    assert [answer.text for answer in ours] == [answer.text for answer in theirs]
    assert [answer.score for answer in ours] == pytest.approx([answer.score for answer in theirs], abs=0.01)
    pairs = [(request, text) for request in REQUESTS for text in (SENTENCES[1], request.sentence)]
    assert rewriter.score(pairs) == pytest.approx(by_torch.score(pairs), abs=0.01)
    (found,), (expected,) = rewriter.likelihoods([SENTENCES]) or [], by_torch.likelihoods([SENTENCES]) or []
    assert found == pytest.approx(expected, abs=0.2)
    assert list(map(rewriter.fits, REQUESTS)) == list(map(by_torch.fits, REQUESTS))


def test_no_answer_and_no_score_hangs_on_the_others(rewriter: Rewriter) -> None:
    assert rewriter.rewrite(REQUESTS, 16) == [rewriter.rewrite([request])[0] for request in REQUESTS]
    pairs = [(REQUESTS[0], text) for text in SENTENCES]
    assert rewriter.score(pairs) == [rewriter.score([pair])[0] for pair in pairs]


def test_a_text_longer_than_the_usual_ones_finds_room(rewriter: Rewriter) -> None:
    long = " ".join(SENTENCES[:8] * 3)
    assert not rewriter.fits(Request(long))
    assert rewriter.rewrite([Request(long)])[0].text
    assert rewriter.score([(Request(long), long)])[0] < 0


@pytest.mark.parametrize("count", [1, 3])
def test_other_rewrites_are_those_of_torch(rewriter: Rewriter, by_torch: Rewriter, count: int) -> None:
    for request in REQUESTS[:4]:
        ours, theirs = (one.alternatives([request], count)[0] for one in (rewriter, by_torch))
        assert [(answer.text, answer.complete) for answer in ours] == [
            (answer.text, answer.complete) for answer in theirs
        ]
        if count > 1:
            assert [answer.score for answer in ours] == pytest.approx([answer.score for answer in theirs], abs=0.01)


def test_a_corrector_repairs_with_it(rewriter: Rewriter, make_glossary: GlossaryMaker) -> None:
    corrector = Corrector(make_glossary(("Daash", "Daesh", "fix")), rewriter, Settings(margin=-99.0, guards=()))
    results = corrector.correct_many(SENTENCES)
    assert any(result.changed for result in results)
    assert all("@llama.cpp|" in result.signature for result in results)


# --- What is wrong with a folder --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("tokenizer.json", "{", "the model cannot be loaded"),
        ("tokenizer_config.json", "[]", "the model cannot be loaded"),
        ("tokenizer_config.json", '{"eos_token": "<|end|>"}', "no begin or end mark"),
        ("model.gguf", "GGUF", "the model cannot be loaded by llama.cpp"),
    ],
)
def test_a_broken_folder_is_told_in_one_line(
    gguf_folder: Path, tmp_path: Path, rewriter: Rewriter, file: str, text: str, complaint: str
) -> None:
    broken = Path(shutil.copytree(gguf_folder, tmp_path / "broken"))
    (broken / file).write_text(text, "utf-8")
    with pytest.raises(InputError, match=complaint):
        Rewriter.load(broken, "llama.cpp")


def test_a_vocabulary_larger_than_the_models_is_refused(gguf_folder: Path, tmp_path: Path, rewriter: Rewriter) -> None:
    broken = Path(shutil.copytree(gguf_folder, tmp_path / "broken"))
    settings = json.loads((broken / "tokenizer.json").read_text("utf-8"))
    last = max(settings["model"]["vocab"].values())
    settings["model"]["vocab"] |= {f"more{number}": last + number for number in range(1, 9)}
    (broken / "tokenizer.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(InputError, match="its vocabulary has"):
        Rewriter.load(broken, "llama.cpp")


@pytest.mark.model
def test_the_bundled_model_answers_as_it_does_by_torch() -> None:
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama_cpp is not installed")
    requests = [Request("He pointed Karim that the road to the town are open."), Request("The wells are clean.")]
    ours, theirs = (Rewriter.load(BUNDLED, device).rewrite(requests) for device in ("llama.cpp", "cpu"))
    assert [answer.text for answer in ours] == [answer.text for answer in theirs]
