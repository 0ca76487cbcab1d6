"""A model of this project's own by torch, without transformers: it answers as transformers does with the same file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REQUESTS, SENTENCES
from retranslate.errors import InputError
from retranslate.llama_rewriter import LlamaRewriter, shape_in
from retranslate.rewriter import BUNDLED, Rewriter
from retranslate.torch_rewriter import TorchRewriter


@pytest.fixture(scope="module")
def rewriter(gguf_folder: Path) -> Rewriter:
    return Rewriter.load(gguf_folder, "cpu")


@pytest.fixture(scope="module")
def by_transformers(gguf_folder: Path) -> Rewriter:
    return TorchRewriter.open(gguf_folder, gguf_folder / "model.gguf", "cpu", own=True, name="tiny", weights="0")


def test_it_computes_what_is_a_plain_llama_of_our_own(
    gguf_folder: Path, rewriter: Rewriter, tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    assert isinstance(rewriter, LlamaRewriter)
    assert (rewriter.engine, rewriter.device) == ("torch", "cpu")
    assert isinstance(Rewriter.load(tiny_folders["causal"], "cpu"), TorchRewriter)
    stretched = Path(shutil.copytree(gguf_folder, tmp_path / "stretched"))
    config = (stretched / "config.json").read_text("utf-8")
    (stretched / "config.json").write_text(config.replace('"rope_type": "default"', '"rope_type": "dynamic"'), "utf-8")
    assert shape_in(gguf_folder) is not None
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
    gguf_folder: Path, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    broken = Path(shutil.copytree(gguf_folder, tmp_path / "broken"))
    config = json.loads((broken / "config.json").read_text("utf-8"))
    (broken / "config.json").write_text(json.dumps(config | {"head_dim": None} | change), "utf-8")
    with pytest.raises(InputError, match=f"the model cannot be loaded: .*{complaint}"):
        Rewriter.load(broken, "cpu")


@pytest.mark.parametrize("config", ["", "[]", "{}"])
def test_a_config_of_nothing_is_told_by_transformers(gguf_folder: Path, tmp_path: Path, config: str) -> None:
    broken = Path(shutil.copytree(gguf_folder, tmp_path / "broken"))
    (broken / "config.json").write_text(config, "utf-8")
    with pytest.raises(InputError, match="the model cannot be loaded"):
        Rewriter.load(broken, "cpu")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_in_the_folder_is_refused(gguf_folder: Path, tmp_path: Path, name: str) -> None:
    broken = Path(shutil.copytree(gguf_folder, tmp_path / "broken"))
    settings = json.loads((broken / name).read_text("utf-8"))
    (broken / name).write_text(json.dumps(settings | {"auto_map": {"AutoConfig": "evil.EvilConfig"}}), "utf-8")
    with pytest.raises(InputError, match=f"{name} asks for code of its own"):
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
