"""The model behind one question: loading, batching, decoding, scoring, and every way in which a folder can be wrong."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import tiny_models
from retranslate import rewriter as module
from retranslate.drafting import Answer
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewriter, with_terms

FAMILIES = ("causal", "t5", "bart", "marian")
REQUESTS = [Request(text) for text in tiny_models.sentences(12)] + [Request("Short."), Request("")]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_loads_and_answers(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    rewriter = tiny_rewriters[family]
    answers = rewriter.rewrite(REQUESTS)
    assert len(answers) == len(REQUESTS)
    assert len({answer.text for answer in answers}) > 5
    assert {answer.complete for answer in answers} == {True, False}
    assert all(answer.score <= 0 for answer in answers)
    assert rewriter.device == "cpu"
    assert rewriter.parameters > 1000


@pytest.mark.parametrize("family", FAMILIES)
def test_no_special_token_is_left_in_an_answer(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    for answer in tiny_rewriters[family].rewrite(REQUESTS):
        assert not any(mark in answer.text for mark in ("<pad>", "</s>", "<s>", "<|end|>", "<|start|>"))
        assert answer.text == answer.text.strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_batch_size_and_order_do_not_matter(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    rewriter = tiny_rewriters[family]
    requests = REQUESTS if family in ("causal", "bart") else REQUESTS[::2]
    alone = [rewriter.rewrite([request])[0] for request in requests]
    order = list(range(len(requests)))
    random.Random(3).shuffle(order)
    for size in (1, 3, 16):
        together = rewriter.rewrite(requests, size)
        shuffled = rewriter.rewrite([requests[index] for index in order], size)
        assert [(answer.text, answer.complete) for answer in together] == [
            (answer.text, answer.complete) for answer in alone
        ]
        assert [(answer.text, answer.complete) for answer in shuffled] == [
            (alone[index].text, alone[index].complete) for index in order
        ]
        assert [answer.score for answer in together] == pytest.approx([answer.score for answer in alone], abs=2e-3)


def test_a_sentence_that_comes_back_does_so_byte_for_byte(tiny_rewriter: Rewriter) -> None:
    # Two spaces are not what a tokenizer's decoder would put there.
    request = Request("The council  said that 12 boats left.")
    source = tiny_rewriter._write(request.sentence)
    answer = tiny_rewriter._rewrite(request, Answer(list(source), [-0.5] * len(source)))
    assert answer == module.Rewrite(request.sentence, -0.5, True)


def test_progress_is_told_after_every_rewrite(tiny_rewriter: Rewriter) -> None:
    seen: list[tuple[int, int]] = []
    tiny_rewriter.rewrite(REQUESTS[:7], 3, lambda done, total: seen.append((done, total)))
    assert seen == [(done, 7) for done in range(1, 8)]


def test_nothing_to_rewrite_is_no_error(tiny_rewriter: Rewriter) -> None:
    assert tiny_rewriter.rewrite([]) == []
    assert tiny_rewriter.score([]) == []


def test_a_truncated_answer_is_incomplete_and_its_length_is_its_own(tiny_rewriters: dict[str, Rewriter]) -> None:
    # A short sentence that runs on, beside a long one: its limit is that of the short one.
    rewriter = tiny_rewriters["marian"]
    requests = [Request(" ".join(tiny_models.sentences(6))), *REQUESTS]
    for request, answer in zip(requests, rewriter.rewrite(requests, 32), strict=True):
        length = len(rewriter._tokenizer(text_target=answer.text).input_ids)
        assert answer.complete or length <= 1.6 * len(rewriter._read(request)) + 20
        (alone,) = rewriter.rewrite([request])
        assert alone.text == answer.text


@pytest.mark.parametrize("family", FAMILIES)
def test_score_does_not_depend_on_the_batch(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    rewriter = tiny_rewriters[family]
    pairs = list(zip(REQUESTS[:9], tiny_models.sentences(9)[::-1], strict=True))
    assert rewriter.score(pairs, 4) == pytest.approx([rewriter.score([pair])[0] for pair in pairs], abs=2e-3)


def test_the_score_of_an_answer_is_that_of_its_rewrite(tiny_rewriter: Rewriter) -> None:
    answers = tiny_rewriter.rewrite(REQUESTS)
    tokenizer = tiny_rewriter._tokenizer
    checked = 0
    for request, answer in zip(REQUESTS, answers, strict=True):
        # Random tokens do not always spell a text that is read back as those tokens.
        if answer.complete and "\ufffd" not in answer.text and answer.text:
            (again,) = tiny_rewriter.score([(request, answer.text)])
            checked += 1
            assert again <= answer.score + 1.0, tokenizer(answer.text)
    assert checked > 3


def test_with_terms_appends_a_line() -> None:
    assert with_terms("New strings were found.", ()) == "New strings were found."
    assert (
        with_terms("New strings.", (("strings", "leads"), ("a", "b"))) == "New strings.\nTerms: strings = leads; a = b"
    )


def test_terms_reach_models_with_the_marker_only(tiny_rewriters: dict[str, Rewriter]) -> None:
    bare = Request("New strings of evidence were found.")
    hinted = Request(bare.sentence, (("strings", "leads"),))
    for family in FAMILIES:
        rewriter = tiny_rewriters[family]
        read = rewriter._read(hinted)
        if family == "causal":
            assert "Terms: strings = leads" in rewriter._tokenizer.decode(read)
        else:
            assert read == rewriter._read(bare)
            assert rewriter.rewrite([hinted]) == rewriter.rewrite([bare])


def test_requests_over_the_limit_do_not_fit(tiny_rewriters: dict[str, Rewriter]) -> None:
    for family in FAMILIES:
        rewriter = tiny_rewriters[family]
        assert rewriter.fits(Request("The bridge will open in May."))
        assert not rewriter.fits(Request(" ".join(tiny_models.sentences(30))))
    long_terms = tuple((f"word{index}", f"other{index}") for index in range(60))
    assert not tiny_rewriters["causal"].fits(Request("The bridge will open.", long_terms))
    assert tiny_rewriters["t5"].fits(Request("The bridge will open.", long_terms))


def test_the_marker_names_the_model_and_its_limit(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _copy(tiny_folders["causal"], tmp_path)
    (folder / "retranslate.json").write_text('{"name": "other", "max_tokens": 12}')
    rewriter = Rewriter.load(str(folder))
    assert rewriter.name == "other"
    assert rewriter.max_tokens == 12
    assert not rewriter.fits(Request("The head of the clinic said that no one was hurt in the fire."))


def test_a_model_with_few_positions_is_asked_less(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _copy(tiny_folders["bart"], tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 64}))
    _shorten_positions(folder / "model.safetensors", 64)
    rewriter = Rewriter.load(folder, "cpu")
    assert rewriter.max_tokens == 30
    longest = max(
        (Request(" ".join(tiny_models.sentences(5))[:size]) for size in range(10, 200)),
        key=lambda r: len(r.sentence) * rewriter.fits(r),
    )
    (answer,) = rewriter.rewrite([longest])
    assert answer.text is not None


def test_signature_follows_the_weights(
    tiny_folders: dict[str, Path], tiny_rewriters: dict[str, Rewriter], tmp_path: Path
) -> None:
    signatures = {rewriter.signature for rewriter in tiny_rewriters.values()}
    assert len(signatures) == 4
    assert tiny_rewriters["causal"].signature.startswith("tiny:")
    assert len(tiny_rewriters["t5"].weights) == 64
    again = Rewriter.load(_copy(tiny_folders["causal"], tmp_path), "cpu")
    assert again.signature == tiny_rewriters["causal"].signature


# --- folders that cannot be used -------------------------------------------------------------------------------------

Damage = Callable[[Path], None]


def _copy(folder: Path, where: Path) -> Path:
    return Path(shutil.copytree(folder, where / "copy"))


def _shorten_positions(path: Path, count: int) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    # BART keeps two rows in front of the first position.
    short = {
        name: value[: count + 2].clone() if "embed_positions" in name else value for name, value in tensors.items()
    }
    save_file(short, path, metadata={"format": "pt"})


def _pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))


def _without_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, path, metadata={"format": "pt"})


def _truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


def _remote_code(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config |= {
        "model_type": "something-new",
        "auto_map": {"AutoConfig": "evil.EvilConfig", "AutoModelForCausalLM": "evil.EvilModel"},
    }
    path.write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('remote code ran')\n")


def _written(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text) and None


DAMAGES: dict[str, tuple[Damage, str]] = {
    "empty": (lambda folder: [path.unlink() for path in folder.iterdir()] and None, "no .safetensors or .gguf file"),
    "corrupt weights": (_written("model.safetensors", "these are no weights"), "cannot be loaded"),
    "truncated weights": (_truncated, "cannot be loaded"),
    "incomplete weights": (_without_weight, "up_proj"),
    "corrupt config": (_written("config.json", "{ not json"), "cannot be loaded"),
    "empty config": (_written("config.json", ""), "cannot be loaded"),
    "config of another kind": (_written("config.json", '["a list"]'), "cannot be loaded"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "cannot be loaded"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "cannot be loaded"),
    "corrupt tokenizer": (_written("tokenizer.json", "{}"), "cannot be loaded"),
    "pickle only": (_pickle_only, "pickled weights can run code"),
    "no marker": (lambda folder: (folder / "retranslate.json").unlink(), "'retranslate train' did not make"),
    "broken marker": (_written("retranslate.json", "{"), "retranslate.json: broken"),
    "marker of another kind": (_written("retranslate.json", "[]"), "retranslate.json: broken"),
    "marker with a wrong limit": (_written("retranslate.json", '{"max_tokens": "many"}'), "retranslate.json: broken"),
    "marker with a wrong name": (_written("retranslate.json", '{"name": 7}'), "retranslate.json: broken"),
    "marker with a wrong digest": (_written("retranslate.json", '{"sha256": 7}'), "retranslate.json: broken"),
    "remote code": (_remote_code, "cannot be loaded"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_folder_is_one_line_that_names_it(tiny_folders: dict[str, Path], tmp_path: Path, damage: str) -> None:
    folder = _copy(tiny_folders["causal"], tmp_path)
    spoil, expected = DAMAGES[damage]
    spoil(folder)
    with pytest.raises(InputError) as caught:
        Rewriter.load(folder, "cpu")
    message = str(caught.value)
    assert str(folder) in message
    assert expected in message
    assert "\n" not in message


def _with_digest(folder: Path) -> Path:
    weights = folder / "model.safetensors"
    marker = json.loads((folder / "retranslate.json").read_text("utf-8"))
    marker["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    (folder / "retranslate.json").write_text(json.dumps(marker), "utf-8")
    return weights


def _change_one_byte(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 1]))


def test_weights_must_be_those_of_the_marker(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _copy(tiny_folders["causal"], tmp_path)
    weights = _with_digest(folder)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert Rewriter.load(folder, "cpu").weights == digest
    _change_one_byte(weights)
    with pytest.raises(
        InputError, match=r"the weights \(model\.safetensors\) are not those that retranslate\.json"
    ) as caught:
        Rewriter.load(folder, "cpu")
    message = str(caught.value)
    assert str(folder) in message
    assert digest in message
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in message
    assert message.endswith("copy or export the model again.")


def test_weights_put_beside_those_of_the_marker_are_refused(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _copy(tiny_folders["causal"], tmp_path)
    weights = _with_digest(folder)
    shutil.copy(weights, folder / "another.safetensors")
    with pytest.raises(InputError, match=r"the weights \(another\.safetensors, model\.safetensors\) are not those"):
        Rewriter.load(folder, "cpu")


@pytest.mark.model
def test_one_changed_byte_in_the_bundled_weights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _copy(module.BUNDLED, tmp_path)
    _change_one_byte(folder / "model.gguf")
    monkeypatch.setattr(module, "BUNDLED", folder)
    with pytest.raises(
        InputError, match=r"are not those that retranslate\.json names: .*; install retranslate again\."
    ):
        Rewriter.load()


def test_the_bundled_weights_are_those_of_their_marker() -> None:
    marker = json.loads((module.BUNDLED / "retranslate.json").read_text("utf-8"))
    weights = module.BUNDLED / marker["weights"]
    assert marker["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_remote_code_is_neither_run_nor_asked_about(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _copy(tiny_folders["causal"], tmp_path)
    _remote_code(folder)
    started = time.monotonic()
    with pytest.raises(InputError, match="cannot be loaded"):
        Rewriter.load(folder, "cpu")
    assert time.monotonic() - started < 20


def test_pickled_weights_are_told_how_to_be_converted(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _copy(tiny_folders["causal"], tmp_path)
    _pickle_only(folder)
    with pytest.raises(InputError, match=r"pytorch_model\.bin.*save_pretrained"):
        Rewriter.load(folder, "cpu")


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such model folder"):
        Rewriter.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no-such-name: no such model folder"):
        Rewriter.load("no-such-name")
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(InputError, match=r"model\.gguf: a file"):
        Rewriter.load(file)


@pytest.mark.parametrize("name", ["nobody/no-such-model", "nobody/no such model", "a/b/c"])
def test_an_unknown_hub_id_fails_at_once_and_without_the_network(name: str) -> None:
    # pytest-socket blocks every socket: a lookup would raise something else.
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        Rewriter.load(name)
    assert time.monotonic() - started < 20
    assert str(caught.value).startswith(f"{name}: no such model folder")
    assert "\n" not in str(caught.value)


def test_a_hub_id_is_found_in_the_local_cache(
    tiny_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--someone--tiny-t5"
    revision = "0" * 40
    shutil.copytree(tiny_folders["t5"], repository / "snapshots" / revision)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    rewriter = Rewriter.load("someone/tiny-t5", "cpu")
    assert rewriter.name == "someone/tiny-t5"
    assert rewriter.rewrite([Request("The bridge will open in May.")])


def test_a_device_that_is_not_there_is_named(tiny_folders: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="--device abacus: "):
        Rewriter.load(tiny_folders["causal"], "abacus")


# --- likelihoods and alternatives ------------------------------------------------------------------------------------


def test_a_likelihood_is_that_of_the_whole_text(tiny_rewriter: Rewriter) -> None:
    texts = tiny_models.sentences(3)
    groups = tiny_rewriter.likelihoods([texts[:1], texts[1:]])
    assert groups is not None
    found = [*groups[0], *groups[1]]
    tokenizer, model = tiny_rewriter._tokenizer, tiny_rewriter._model
    for text, likelihood in zip(texts, found, strict=True):
        before = [*tokenizer(" ").input_ids, tokenizer.bos_token_id]
        ids = [*tokenizer(f" {text}").input_ids, tokenizer.eos_token_id]
        with torch.inference_mode():
            steps = model(torch.tensor([[*before, *ids]])).logits[0].log_softmax(-1)
        total = sum(float(steps[len(before) - 1 + place, token]) for place, token in enumerate(ids))
        assert likelihood == pytest.approx(total, abs=0.01)


def test_only_a_model_of_our_own_knows_a_text_without_a_source(tiny_rewriters: dict[str, Rewriter]) -> None:
    assert tiny_rewriters["t5"].likelihoods([["It is over."]]) is None


@pytest.mark.parametrize("family", FAMILIES)
def test_alternatives_differ_and_are_always_the_same(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    rewriter = tiny_rewriters[family]
    requests = REQUESTS[:3]
    found = rewriter.alternatives(requests, 4)
    assert [len(rewrites) for rewrites in found] == [4, 4, 4]
    for request, rewrites in zip(requests, found, strict=True):
        assert len({rewrite.text for rewrite in rewrites}) > 1
        assert [rewrite.score for rewrite in rewrites] == sorted((rewrite.score for rewrite in rewrites), reverse=True)
        assert not any(mark in rewrite.text for rewrite in rewrites for mark in ("<pad>", "</s>", "<|end|>"))
        assert rewriter.alternatives([request], 4) == [rewrites]
    assert rewriter.alternatives([], 4) == []


def test_one_alternative_is_the_greedy_answer(tiny_rewriter: Rewriter) -> None:
    request = REQUESTS[0]
    ((alternative,),) = tiny_rewriter.alternatives([request], 1)
    (greedy,) = tiny_rewriter.rewrite([request])
    assert (alternative.text, alternative.complete) == (greedy.text, greedy.complete)
