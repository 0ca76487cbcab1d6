"""A model of this project's own by torch, without transformers: it answers as transformers does with the same file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_models
from conftest import MARKER
from retranslate.errors import InputError
from retranslate.llama_rewriter import LlamaRewriter, shape_in
from retranslate.rewriter import BUNDLED, Request, Rewriter
from retranslate.torch_rewriter import TorchRewriter

SENTENCES = [*tiny_models.sentences(12), "Short.", "", "Ünïcode – “quotes” and 12,5 %"]
REQUESTS = [Request(text) for text in SENTENCES] + [Request(SENTENCES[0], (("strings", "leads"),))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_gguf(tmp_path_factory.mktemp("gguf") / "model", marker=MARKER)


@pytest.fixture(scope="module")
def rewriter(folder: Path) -> Rewriter:
    return Rewriter.load(folder, "cpu")


@pytest.fixture(scope="module")
def by_transformers(folder: Path) -> Rewriter:
    return TorchRewriter.open(folder, folder / "model.gguf", "cpu", own=True, name="tiny", weights="0")


def test_it_computes_what_is_a_plain_llama_of_our_own(
    folder: Path, rewriter: Rewriter, tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    assert isinstance(rewriter, LlamaRewriter)
    assert (rewriter.engine, rewriter.device) == ("torch", "cpu")
    assert isinstance(Rewriter.load(tiny_folders["causal"], "cpu"), TorchRewriter)
    stretched = Path(shutil.copytree(folder, tmp_path / "stretched"))
    config = (stretched / "config.json").read_text("utf-8")
    (stretched / "config.json").write_text(config.replace('"rope_type": "default"', '"rope_type": "dynamic"'), "utf-8")
    assert shape_in(folder) is not None
    assert shape_in(stretched) is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"hidden_size": None}, "TypeError"),
        ({"num_hidden_layers": "two"}, "layers is 'two'"),
        ({"num_attention_heads": 0}, "ZeroDivisionError"),
        ({"num_key_value_heads": 3}, "share 3 keys"),
        ({"rope_parameters": 7}, "AttributeError"),
        ({"vocab_size": 7}, "its vocabulary has 7 entries"),
        ({"intermediate_size": 8}, "where config.json asks for"),
    ],
)
def test_a_config_without_the_right_sizes_is_told(
    folder: Path, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    config = json.loads((broken / "config.json").read_text("utf-8"))
    (broken / "config.json").write_text(json.dumps(config | {"head_dim": None} | change), "utf-8")
    with pytest.raises(InputError, match=f"the model cannot be loaded: .*{complaint}"):
        Rewriter.load(broken, "cpu")


@pytest.mark.parametrize("config", ["", "[]", "{}"])
def test_a_config_of_nothing_is_told_by_transformers(folder: Path, tmp_path: Path, config: str) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    (broken / "config.json").write_text(config, "utf-8")
    with pytest.raises(InputError, match="the model cannot be loaded"):
        Rewriter.load(broken, "cpu")


def test_answers_and_scores_are_those_of_transformers(rewriter: Rewriter, by_transformers: Rewriter) -> None:
    ours, theirs = rewriter.rewrite(REQUESTS, 5), by_transformers.rewrite(REQUESTS, 5)
    assert [answer.text for answer in ours] == [answer.text for answer in theirs]
    assert [answer.score for answer in ours] == pytest.approx([answer.score for answer in theirs], abs=2e-3)
    pairs = [(request, text) for request in REQUESTS for text in (SENTENCES[1], request.sentence)]
    assert rewriter.score(pairs) == pytest.approx(by_transformers.score(pairs), abs=2e-3)
    assert list(map(rewriter.fits, REQUESTS)) == list(map(by_transformers.fits, REQUESTS))


@pytest.mark.parametrize("count", [1, 3, 5])
def test_other_rewrites_are_those_of_the_beam_search_of_transformers(
    rewriter: Rewriter, by_transformers: Rewriter, count: int
) -> None:
    for request in REQUESTS[:5]:
        ours, theirs = (one.alternatives([request], count)[0] for one in (rewriter, by_transformers))
        assert [(found.text, found.complete) for found in ours] == [(found.text, found.complete) for found in theirs]
        if count > 1:
            assert [found.score for found in ours] == pytest.approx([found.score for found in theirs], abs=2e-3)


@pytest.mark.model
def test_transformers_is_not_imported() -> None:
    if not [*BUNDLED.glob("*.gguf")]:
        pytest.skip("no weights in this source tree")
    program = (
        "import sys; from retranslate.corrector import Corrector; "
        "print(Corrector.from_pretrained(device='cpu')('The road are open.').text); "
        "print('transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert done.stderr == ""
