"""The model: load, batch, decode, score. Beside ``training/`` the only module that imports torch, and only when used.

Two families answer one question, "what should this sentence say?": a decoder-only model that ``retranslate train``
made reads the sentence, a separator (its BOS token) and writes the repair; any encoder-decoder checkpoint that
transformers loads reads the sentence in its encoder. Decoding is greedy, and the same input gives the same bytes
whatever it is batched with: a sentence in which two tokens came close to a tie is decoded again alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retranslate.errors import InputError

if TYPE_CHECKING:
    import torch
    from transformers import GenerationConfig, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

BUNDLED = Path(__file__).parent / "model"
MARKER = "retranslate.json"
CLOSE_CALL = 1e-3
"""Two logits nearer than this may change places with the shape of the batch; float32 noise is about 1e-5."""


@dataclass(frozen=True, slots=True)
class Request:
    """A sentence to repair and the terms (what it says, what it may have to say) offered to the model."""

    sentence: str
    hints: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The model's answer; ``score`` is its mean log-probability a token, ``complete`` whether it came to an end."""

    text: str
    score: float
    complete: bool = True


def with_terms(sentence: str, hints: Sequence[tuple[str, str]]) -> str:
    """What the model reads: the sentence, and on a second line the terms that may apply.

    >>> with_terms("New strings were found.", [("strings", "leads")])
    'New strings were found.\\nTerms: strings = leads'
    """
    if not hints:
        return sentence
    return f"{sentence}\nTerms: {'; '.join(f'{wrong} = {right}' for wrong, right in hints)}"


def as_inner_words(text: str) -> str:
    """``text`` after a space: a byte-level vocabulary then spells a name alike at the start and inside of a sentence."""
    return f" {text}"


@dataclass
class _Answer:
    """An answer in the making: its token ids, their log-probabilities, and whether any was nearly a tie."""

    ids: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    close: bool = False


class Rewriter:
    """A loaded model. ``max_tokens`` is the longest sentence, in tokens, that it is given."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, own: bool, name: str, weights: str
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._own = own
        self.name = name
        self.weights = weights
        self.max_tokens = 150

    @classmethod
    def load(cls, source: str | Path | None = None, device: str | None = None) -> Rewriter:
        """The bundled model, or the checkpoint in a folder, or one by its hub id from the local cache: nothing is downloaded.

        ``device`` is a torch device name; by default CUDA, else MPS, else CPU. Raises InputError when there is no such
        model, when its folder is broken, when it would need pickle or remote code, or when it is of neither family.
        """
        where = Path(source) if source is not None else BUNDLED
        if (
            source is not None
            and not where.exists()
            and ("/" not in str(source) or str(source).startswith((".", "/", "~")))
        ):
            raise InputError(f"{source}: no such model folder; give a folder or a hub id such as 'owner/name'.")
        if where.is_file():
            raise InputError(f"{source}: a file; give the folder that holds the model.")
        if source is None and not where.is_dir():
            raise InputError(
                f"{where}: the bundled model is not there; install retranslate again, or give a folder with --model."
            )
        if where.is_dir():
            return _load_folder(where, device)
        return _load_hub(str(source), device)

    @property
    def device(self) -> str:
        """The torch device that the model is on."""
        return str(self._model.device)

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(parameter.numel() for parameter in self._model.parameters())

    @cached_property
    def signature(self) -> str:
        """Name and first eight digits of the weights' SHA-256."""
        return f"{self.name}:{self.weights[:8]}"

    @property
    def _seq2seq(self) -> bool:
        return bool(self._model.config.is_encoder_decoder)

    def fits(self, request: Request) -> bool:
        """Whether the model can read the whole request."""
        return len(self._read(request)) <= self.max_tokens

    def _read(self, request: Request) -> list[int]:
        # A checkpoint from elsewhere was not trained with term lines and would translate them.
        text = as_inner_words(with_terms(request.sentence, request.hints)) if self._own else request.sentence
        ids: list[int] = self._tokenizer(text, add_special_tokens=self._seq2seq).input_ids
        return ids if self._seq2seq else [*ids, self._tokenizer.bos_token_id]

    def _write(self, text: str) -> list[int]:
        """The ids of an answer as the model would write it, end mark included."""
        text = as_inner_words(text) if self._own else text
        # The two sides of a Marian have a vocabulary each, and a BART's answers begin with a mark.
        ids: list[int] = self._tokenizer(text_target=text, add_special_tokens=self._seq2seq).input_ids
        return ids if self._seq2seq else [*ids, self._tokenizer.eos_token_id]

    def rewrite(
        self, requests: Sequence[Request], batch_size: int = 16, on_progress: Callable[[int, int], None] | None = None
    ) -> list[Rewrite]:
        """One greedy rewrite a request, in order. ``batch_size`` is for speed and memory alone.

        ``on_progress`` is called after every batch with the number of requests done and the number of all.
        """
        answers: list[Rewrite | None] = [None] * len(requests)
        by_length = sorted(range(len(requests)), key=lambda index: len(self._read(requests[index])))
        done = 0
        for batch in _chunks(by_length, batch_size):
            for index, (answer, close) in zip(batch, self._answer([requests[index] for index in batch]), strict=True):
                if close and len(batch) > 1:
                    ((answer, _),) = self._answer([requests[index]])
                answers[index] = answer
            done += len(batch)
            if on_progress is not None:
                on_progress(done, len(requests))
        return [answer for answer in answers if answer is not None]

    def _answer(self, requests: Sequence[Request]) -> list[tuple[Rewrite, bool]]:
        """The greedy answers, and for each whether it was a close call anywhere.

        Most of an answer is a copy of its sentence. So the sentence is put to the model as a draft, in one pass for the
        whole batch; greedy decoding goes on from the first token where the model would have written another one. The
        outcome is that of greedy decoding (Sun et al. 2021, "Instantaneous Grammatical Error Correction with Shallow
        Aggressive Decoding"; here the draft is used once).
        """
        prompts = [self._read(request) for request in requests]
        drafts = [self._write(request.sentence) for request in requests]
        answers = self._agreed(prompts, drafts)
        unfinished = [row for row, answer in enumerate(answers) if answer.ids != drafts[row]]
        if self._seq2seq:
            # generate() wants decoder prefixes of one length: those who differ begin anew.
            for row in unfinished:
                answers[row] = _Answer()
        if unfinished:
            self._decode([prompts[row] for row in unfinished], [answers[row] for row in unfinished])
        eos = self._tokenizer.eos_token_id
        outcome = []
        for request, draft, answer in zip(requests, drafts, answers, strict=True):
            # A sentence that comes back does so byte for byte, whatever the vocabulary can spell.
            text = request.sentence if answer.ids == draft else self._text(answer.ids)
            score = round(sum(answer.scores) / max(1, len(answer.scores)), 4)
            outcome.append((Rewrite(text, score, eos in answer.ids), answer.close))
        return outcome

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()

    def _agreed(self, prompts: list[list[int]], drafts: list[list[int]]) -> list[_Answer]:
        """The beginning of each greedy answer: the draft as far as the model agrees, and the token it puts instead."""
        import torch

        with torch.inference_mode():
            logits = self._answer_logits(prompts, drafts)
        answers = []
        for steps, draft in zip(logits, drafts, strict=True):
            best = steps[: len(draft)].topk(2, dim=-1)
            scores = (best.values[:, 0] - steps[: len(draft)].logsumexp(-1)).tolist()
            margins = (best.values[:, 0] - best.values[:, 1]).tolist()
            choices = best.indices[:, 0].tolist()
            agreed = next((n for n, token in enumerate(draft) if choices[n] != token), len(draft) - 1) + 1
            answers.append(_Answer(choices[:agreed], scores[:agreed], min(margins[:agreed]) < CLOSE_CALL))
        return answers

    def _decode(self, prompts: Sequence[Sequence[int]], answers: Sequence[_Answer]) -> None:
        """Goes on with ``answers`` to their ends, greedily."""
        import torch
        from transformers import LogitsProcessorList

        eos = self._tokenizer.eos_token_id
        begun = [[*prompt, *answer.ids] for prompt, answer in zip(prompts, answers, strict=True)]
        # The limit is a matter of the sentence, not of its batch.
        limits = [
            _answer_limit(len(prompt)) - len(answer.ids) if eos not in answer.ids else 0
            for prompt, answer in zip(prompts, answers, strict=True)
        ]
        if max(limits) <= 0:
            return
        watch = _watch()
        with torch.inference_mode():
            output = self._model.generate(
                **self._padded(begun), do_sample=False, num_beams=1, max_new_tokens=max(limits),
                logits_processor=LogitsProcessorList([watch]), pad_token_id=self._pad, eos_token_id=eos,
            )  # fmt: skip
        written = output[:, 1:] if self._seq2seq else output[:, max(map(len, begun)) :]
        for row, (answer, limit) in enumerate(zip(answers, limits, strict=True)):
            ids = written[row, : max(0, limit)].tolist()
            length = ids.index(eos) + 1 if eos in ids else len(ids)
            answer.ids += ids[:length]
            answer.scores += [float(step[row]) for step in watch.chosen[:length]]
            answer.close = answer.close or any(float(step[row]) < CLOSE_CALL for step in watch.margins[:length])

    @property
    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(pad if pad is not None else self._tokenizer.eos_token_id)

    def _padded(self, prompts: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """Input ids and attention mask, both of shape (batch, longest); decoder-only models are padded on the left."""
        import torch

        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), self._pad)
        mask = torch.zeros((len(prompts), width), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            columns = slice(0, len(prompt)) if self._seq2seq else slice(width - len(prompt), width)
            ids[row, columns] = torch.tensor(prompt)
            mask[row, columns] = 1
        return {"input_ids": ids.to(self._model.device), "attention_mask": mask.to(self._model.device)}

    def score(self, pairs: Sequence[tuple[Request, str]], batch_size: int = 16) -> list[float]:
        """The mean log-probability a token of each answer, end mark included, given its request."""
        import torch

        scores: list[float] = []
        for batch in _chunks(pairs, batch_size):
            prompts = [self._read(request) for request, _ in batch]
            answers = [self._write(text) for _, text in batch]
            with torch.inference_mode():
                logits = self._answer_logits(prompts, answers)
            for steps, answer in zip(logits, answers, strict=True):
                wanted = torch.tensor(answer, device=steps.device).unsqueeze(1)
                chosen = steps[: len(answer)].log_softmax(-1).gather(1, wanted)
                scores.append(round(float(chosen.mean()), 4))
        return scores

    def likelihoods(self, texts: Sequence[str]) -> list[float] | None:
        """The log-probability of each text as a whole, in nats: what the model writes where it is given nothing to repair.

        All of them are one batch. None for a checkpoint from elsewhere, which may know no text without a source.
        """
        if not self._own:
            return None
        means = self.score([(Request(""), text) for text in texts], len(texts))
        return [round(mean * len(self._write(text)), 3) for mean, text in zip(means, texts, strict=True)]

    def alternatives(self, requests: Sequence[Request], count: int) -> list[list[Rewrite]]:
        """For each request ``count`` different rewrites by beam search, the likeliest first; its greedy one may be among them.

        The beams of a request are a batch of their own, so that the outcome does not hang on other requests.
        """
        import torch

        eos = self._tokenizer.eos_token_id
        outcome = []
        for request in requests:
            prompt = self._read(request)
            with torch.inference_mode():
                found = self._model.generate(
                    **self._padded([prompt]), do_sample=False, num_beams=count, num_return_sequences=count, early_stopping=True,
                    max_new_tokens=_answer_limit(len(prompt)), pad_token_id=self._pad, eos_token_id=eos,
                    output_scores=True, return_dict_in_generate=True,
                )  # fmt: skip
            written = found.sequences[:, 1:] if self._seq2seq else found.sequences[:, len(prompt) :]
            scores = found.sequences_scores.tolist() if count > 1 else [0.0]
            outcome.append(
                [
                    Rewrite(self._text(ids), round(score, 4), eos in ids)
                    for ids, score in zip(written.tolist(), scores, strict=True)
                ]
            )
        return outcome

    def _answer_logits(self, prompts: list[list[int]], answers: list[list[int]]) -> list[torch.Tensor]:
        """For each answer its logits, of shape (length or more, vocabulary), beginning with those of its first token."""
        import torch

        if self._seq2seq:
            width = max(map(len, answers))
            labels = torch.tensor([[*answer, *[self._pad] * (width - len(answer))] for answer in answers])
            inputs = self._padded(prompts)
            shifted = self._model.prepare_decoder_input_ids_from_labels(labels=labels.to(self._model.device))
            return list(self._model(**inputs, decoder_input_ids=shifted).logits)
        joined = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
        width = max(map(len, joined))
        # Causal attention with padding on the right needs no mask.
        ids = torch.tensor([[*row, *[self._pad] * (width - len(row))] for row in joined]).to(self._model.device)
        # Logits of a large vocabulary take most of the memory: those of the prompts are left out.
        first = min(map(len, prompts)) - 1
        logits = self._model(ids, logits_to_keep=width - first).logits
        return [steps[len(prompt) - 1 - first :] for steps, prompt in zip(logits, prompts, strict=True)]


def _answer_limit(prompt: int) -> int:
    """How many tokens the answer to a prompt of that many may have."""
    return int(prompt * 1.6) + 16


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _watch() -> Any:
    """A logits processor that changes nothing and notes, step by step, how likely and how clear the best token was."""
    from transformers import LogitsProcessor

    class Watch(LogitsProcessor):  # type: ignore[misc]
        def __init__(self) -> None:
            self.chosen: list[torch.Tensor] = []
            self.margins: list[torch.Tensor] = []

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            best = scores.topk(2, dim=-1).values
            self.chosen.append(best[:, 0] - scores.logsumexp(-1))
            self.margins.append(best[:, 0] - best[:, 1])
            return scores

    return Watch()


def _default_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _load_folder(folder: Path, device: str | None, name: str | None = None) -> Rewriter:
    weights = sorted([*folder.glob("*.gguf"), *folder.glob("*.safetensors")])
    if not weights:
        pickled = sorted([*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
        if pickled:
            raise InputError(
                f"{pickled[0]}: pickled weights can run code when they are opened and are refused; save the model as "
                "safetensors with save_pretrained() and use that folder."
            )
        raise InputError(f"{folder}: no model here: no .safetensors or .gguf file.")
    marker = _read_marker(folder)
    digest = _digest(weights)
    gguf = weights[0].name if weights[0].suffix == ".gguf" else None
    model, tokenizer = _open(folder, gguf, device)
    if marker is None and not model.config.is_encoder_decoder:
        raise InputError(
            f"{folder}: a decoder-only model that 'retranslate train' did not make (no {MARKER}); use a seq2seq checkpoint."
        )
    if tokenizer.eos_token_id is None or (tokenizer.bos_token_id is None and not model.config.is_encoder_decoder):
        raise InputError(
            f"{folder}: the tokenizer has no begin or end mark; export the model again with its own tokenizer."
        )
    own = marker is not None
    rewriter = Rewriter(model, tokenizer, own=own, name=(marker or {}).get("name", name or folder.name), weights=digest)
    rewriter.max_tokens = (marker or {}).get("max_tokens", _longest_prompt(model.config, rewriter.max_tokens))
    return rewriter


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def _longest_prompt(config: PretrainedConfig, wanted: int) -> int:
    """``wanted``, or less where the answer to so long a prompt would run out of positions."""
    positions = getattr(config, "max_position_embeddings", None)
    if not config.is_encoder_decoder or not positions:
        return wanted
    return next(length for length in range(wanted, -1, -1) if length == 0 or _answer_limit(length) <= positions)


def _read_marker(folder: Path) -> dict[str, Any] | None:
    path = folder / MARKER
    if not path.exists():
        return None
    try:
        marker = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: broken: {error}; export the model again.") from error
    if (
        not isinstance(marker, dict)
        or not isinstance(marker.get("name", ""), str)
        or not _is_length(marker.get("max_tokens", 1))
    ):
        raise InputError(
            f'{path}: broken: it should read {{"name": TEXT, "max_tokens": NUMBER}}; export the model again.'
        )
    return marker


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _load_hub(name: str, device: str | None) -> Rewriter:
    import huggingface_hub

    try:
        snapshot = huggingface_hub.snapshot_download(name, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name}: no such model folder, and no model of that name in the local cache; nothing is downloaded here: "
            f"fetch it once with 'hf download {name}', or give a folder."
        ) from error
    return _load_folder(Path(snapshot), device, name)


def _open(folder: Path, gguf: str | None, device: str | None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # Without the explicit no, a folder with code of its own would be asked about on the terminal.
    shared: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    weights: dict[str, Any] = {**shared, **({"gguf_file": gguf} if gguf else {"use_safetensors": True})}
    try:
        # What matters is raised; progress bars and advice on other packages are not for the reader of an article.
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            config = transformers.AutoConfig.from_pretrained(folder, **shared)
            family = (
                transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
            )
            # The config beside the weights spares a reading of the GGUF file's header, which holds the whole vocabulary.
            model, report = family.from_pretrained(
                folder, config=config, dtype=torch.float32, output_loading_info=True, **weights
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **shared)
    except Exception as error:  # transformers raises nearly every class there is
        raise InputError(f"{folder}: the model cannot be loaded: {_first_line(error)}") from error
    # Weights that are not in the file would be drawn at random.
    if absent := sorted(str(key) for key in report["missing_keys"]):
        raise InputError(
            f"{folder}: the weights are incomplete: {len(absent)} tensors are missing, such as {absent[0]}; export the model again."
        )
    try:
        placed = model.to(device or _default_device()).eval()
    except Exception as error:  # AssertionError, RuntimeError, NotImplementedError, by device
        raise InputError(f"--device {device}: cannot be used here: {_first_line(error)}") from error
    placed.generation_config = _greedy(model.generation_config, config)
    return placed, tokenizer


def _greedy(theirs: GenerationConfig, config: PretrainedConfig) -> GenerationConfig:
    """Plain greedy decoding. Of the checkpoint's own wishes only those about tokens hold: a Marian must not write its padding."""
    import transformers

    kept = ("decoder_start_token_id", "forced_bos_token_id", "bad_words_ids", "suppress_tokens")
    values = {name: getattr(theirs, name, None) for name in kept}
    return transformers.GenerationConfig(
        **{name: getattr(config, name, None) if value is None else value for name, value in values.items()}
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
