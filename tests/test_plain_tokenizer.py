"""The tokenizer without transformers: the ids and texts that transformers gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from retranslate.errors import InputError
from retranslate.plain_tokenizer import PlainTokenizer


@pytest.fixture(scope="module")
def folder(tiny_folders: dict[str, Path]) -> Path:
    return tiny_folders["causal"]


@given(text=st.text(max_size=60))
def test_ids_and_texts_are_those_of_transformers(folder: Path, text: str) -> None:
    ours, theirs = PlainTokenizer.load(folder), AutoTokenizer.from_pretrained(folder)
    ids = ours(text).input_ids
    assert ids == ours(text_target=text).input_ids == theirs(text, add_special_tokens=False).input_ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert (ours.bos_token_id, ours.eos_token_id) == (theirs.bos_token_id, theirs.eos_token_id)
    assert ours.size == len(theirs)


def test_what_the_file_says_of_batches_does_not_hold(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    settings = json.loads((copy / "tokenizer.json").read_text("utf-8"))
    settings["truncation"] = {"max_length": 2, "stride": 0, "strategy": "LongestFirst", "direction": "Right"}
    (copy / "tokenizer.json").write_text(json.dumps(settings), "utf-8")
    text = "The bridge will open in May."
    assert PlainTokenizer.load(copy)(text).input_ids == PlainTokenizer.load(folder)(text).input_ids


def test_a_model_that_knows_fewer_tokens_is_refused(folder: Path) -> None:
    tokenizer = PlainTokenizer.load(folder)
    tokenizer.refuse_beyond(tokenizer.size, Path("model.gguf"))
    with pytest.raises(InputError, match=rf"model\.gguf: .* has 3 entries, that of tokenizer\.json {tokenizer.size};"):
        tokenizer.refuse_beyond(3, Path("model.gguf"))


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("tokenizer.json", "{", "the model cannot be loaded"),
        ("tokenizer_config.json", "[]", "the model cannot be loaded"),
        ("tokenizer_config.json", '{"eos_token": "<|end|>"}', "no begin or end mark"),
    ],
)
def test_a_broken_folder_is_told(folder: Path, tmp_path: Path, file: str, text: str, complaint: str) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    (broken / file).write_text(text, "utf-8")
    with pytest.raises(InputError, match=complaint):
        PlainTokenizer.load(broken)
