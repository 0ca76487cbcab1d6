"""The model: what it reads, what it writes, how it scores. torch is imported when a model is loaded, not before.

Two families answer one question, "what should this sentence say?": a decoder-only model that ``retranslate train``
made reads the sentence, a separator (its BOS token) and writes the repair; any encoder-decoder checkpoint that
transformers loads reads the sentence in its encoder. Decoding is greedy, and the same input gives the same bytes
whatever it is batched with.
"""

from __future__ import annotations

import gc
import hashlib
import json
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from retranslate.errors import InputError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from retranslate.decoding import Answer, Task

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


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _one_at_a_time(
    method: Callable[Concatenate[Rewriter, _P], _T],
) -> Callable[Concatenate[Rewriter, _P], _T]:
    """A method that threads enter one after the other: tokenizers change while they work, and models when they are first asked."""

    @wraps(method)
    def waiting(self: Rewriter, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        with self._turn:
            return method(self, *args, **kwargs)

    return waiting


class Rewriter:
    """A loaded model. ``max_tokens`` is the longest sentence, in tokens, that it is given.

    Threads may share it; it answers one of them at a time. Its pickle says which model it is and holds no weights.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, own: bool, name: str, weights: str
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._own = own
        self.name = name
        self.weights = weights
        self.max_tokens = 150
        self._turn = threading.RLock()
        self._origin: tuple[str | None, str | None] | None = None
        """The folder or hub id (None: the bundled one) and the device that were asked for."""

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
        rewriter = _load_folder(where, device) if where.is_dir() else _load_hub(str(source), device)
        # From wherever it is read again: a folder by its whole path.
        found = str(where.resolve()) if where.is_dir() else str(source)
        rewriter._origin = (None if source is None else found, device)
        return rewriter

    def __reduce__(self) -> tuple[Any, ...]:
        if self._origin is None:
            raise pickle.PicklingError("a model that was not loaded from a folder or by its id cannot be pickled.")
        return _loaded_again, (*self._origin, self.weights)

    @property
    def device(self) -> str:
        """The torch device that the model is on."""
        return str(self._model.device)

    @property
    def parameters(self) -> int:
        """The number of weights, each counted once."""
        import torch

        # Layers may have changed for speed.
        with torch.device("meta"):
            outline = type(self._model)(self._model.config)
        return sum(weights.numel() for weights in outline.parameters())

    @cached_property
    def signature(self) -> str:
        """Name and first eight digits of the weights' SHA-256."""
        return f"{self.name}:{self.weights[:8]}"

    @property
    def _seq2seq(self) -> bool:
        return bool(self._model.config.is_encoder_decoder)

    @_one_at_a_time
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

    @_one_at_a_time
    def rewrite(
        self, requests: Sequence[Request], batch_size: int = 16, on_progress: Callable[[int, int], None] | None = None
    ) -> list[Rewrite]:
        """One greedy rewrite a request, in order. ``batch_size`` is for speed and memory alone.

        ``on_progress`` is called after every rewrite with the number of requests done and the number of all.
        """
        from retranslate.decoding import Terms, decode, generate

        # Those that are decoded together are best of one length. No more of them are tokens at a time than are decoded.
        order = sorted(range(len(requests)), key=lambda index: len(requests[index].sentence))
        tasks = (self._task(requests[index]) for index in order)
        terms = Terms.of(self._model, self._tokenizer.eos_token_id, self._pad, CLOSE_CALL)
        answers: dict[int, Rewrite] = {}
        for number, answer in (decode if self._reads_ragged else generate)(self._model, tasks, terms, batch_size):
            answers[order[number]] = self._rewrite(requests[order[number]], answer)
            if on_progress is not None:
                on_progress(len(answers), len(requests))
        return [answers[index] for index in range(len(requests))]

    def _task(self, request: Request) -> Task:
        from retranslate.decoding import Task

        prompt = self._read(request)
        return Task(prompt, self._write(request.sentence), _answer_limit(len(prompt)))

    @cached_property
    def _reads_ragged(self) -> bool:
        from retranslate.ragged import can_read_ragged

        return can_read_ragged(self._model)

    def _rewrite(self, request: Request, answer: Answer) -> Rewrite:
        # A sentence that comes back does so byte for byte, whatever the vocabulary can spell.
        text = request.sentence if answer.ids == self._write(request.sentence) else self._text(answer.ids)
        score = round(sum(answer.scores) / max(1, len(answer.scores)), 4)
        return Rewrite(text, score, self._tokenizer.eos_token_id in answer.ids)

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()

    @property
    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(pad if pad is not None else self._tokenizer.eos_token_id)

    @_one_at_a_time
    def score(self, pairs: Sequence[tuple[Request, str]], batch_size: int = 16) -> list[float]:
        """The mean log-probability a token of each answer, end mark included, given its request.

        Answers to the same request cost least when they are asked about in one call.
        """
        from retranslate.decoding import score, score_alone

        read = score if self._reads_ragged else score_alone
        numbers: dict[Request, list[int]] = {}
        for number, (request, _) in enumerate(pairs):
            numbers.setdefault(request, []).append(number)
        scores = [0.0] * len(pairs)
        for batch in _chunks(sorted(numbers, key=lambda request: len(request.sentence)), batch_size):
            answers = [[self._write(pairs[number][1]) for number in numbers[request]] for request in batch]
            found = read(self._model, [self._read(request) for request in batch], answers)
            for request, logs in zip(batch, found, strict=True):
                for number, tokens in zip(numbers[request], logs, strict=True):
                    scores[number] = round(sum(tokens) / len(tokens), 4)
        return scores

    @_one_at_a_time
    def likelihoods(self, texts: Sequence[str]) -> list[float] | None:
        """The log-probability of each text as a whole, in nats: what the model writes where it is given nothing to repair.

        None for a checkpoint from elsewhere, which may know no text without a source.
        """
        if not self._own:
            return None
        means = self.score([(Request(""), text) for text in texts])
        return [round(mean * len(self._write(text)), 3) for mean, text in zip(means, texts, strict=True)]

    @_one_at_a_time
    def alternatives(self, requests: Sequence[Request], count: int) -> list[list[Rewrite]]:
        """For each request ``count`` different rewrites by beam search, the likeliest first; its greedy one may be among them.

        The beams of a request are a batch of their own, so that the outcome does not hang on other requests.
        """
        import torch

        from retranslate.decoding import padded

        eos = self._tokenizer.eos_token_id
        outcome = []
        for request in requests:
            prompt = self._read(request)
            with torch.inference_mode():
                found = self._model.generate(
                    **padded(self._model, [prompt], self._pad), do_sample=False, num_beams=count, num_return_sequences=count, early_stopping=True,
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


@lru_cache(maxsize=1)
def _loaded_again(source: str | None, device: str | None, weights: str) -> Rewriter:
    """What a pickle stands for. A process that opens many pickles of a model loads it once."""
    rewriter = Rewriter.load(source, device)
    if rewriter.weights != weights:
        raise InputError(
            f"{source or BUNDLED}: other weights (sha256 {rewriter.weights[:8]}) than those that were pickled "
            f"({weights[:8]}); load the Corrector again instead of its pickle."
        )
    return rewriter


def _answer_limit(prompt: int) -> int:
    """How many tokens the answer to a prompt of that many may have."""
    return int(prompt * 1.6) + 16


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


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
    if marker is not None and marker.get("sha256", digest) != digest:
        shown = ", ".join(path.name for path in weights)
        raise InputError(
            f"{folder}: the weights ({shown}) are not those that {MARKER} names: their sha256 is {digest}, not "
            f"{marker['sha256']}; {'install retranslate again' if folder == BUNDLED else 'copy or export the model again'}."
        )
    gguf = weights[0] if weights[0].suffix == ".gguf" else None
    with _nothing_collected():
        from retranslate.loading import open_model

        model, tokenizer = open_model(folder, gguf, marker is not None, device)
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


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Imports make a million objects and no garbage; to look for it among them took half a second."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _digest(paths: Sequence[Path]) -> str:
    """The SHA-256 of the file, or of the digests of several."""
    digests = []
    for path in paths:
        try:
            with path.open("rb") as stream:
                digests.append(hashlib.file_digest(stream, "sha256"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()


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
        or not isinstance(marker.get("sha256", ""), str)
    ):
        raise InputError(
            f'{path}: broken: it should read {{"name": TEXT, "max_tokens": NUMBER, "sha256": TEXT}}; export the model again.'
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
