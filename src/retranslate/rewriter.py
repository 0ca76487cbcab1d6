"""The model: what it reads, what it writes, how it scores. What computes it is imported when a model is loaded, not before.

Two families answer one question, "what should this sentence say?": a decoder-only model that ``retranslate train``
made reads the sentence, a separator (its BOS token) and writes the repair; any encoder-decoder checkpoint that
transformers loads reads the sentence in its encoder. Decoding is greedy, and the same input gives the same bytes
whatever it is batched with. Two engines compute: torch any model, llama.cpp one of this project's own in a GGUF file.
"""

from __future__ import annotations

import gc
import hashlib
import json
import pickle
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from retranslate.drafting import Answer, Scores, Task
from retranslate.errors import InputError
from retranslate.fluency import DETECTOR, Detector

BUNDLED = Path(__file__).parent / "model"
MARKER = "retranslate.json"
CLOSE_CALL = 1e-3
"""Two logits nearer than this may change places with the shape of the batch; float32 noise is about 1e-5."""


TORCH, LLAMA_CPP = ENGINES = ("torch", "llama.cpp")
"""What can compute a model: torch on any device; llama.cpp, at work sooner and in less memory, where it is installed (the extra ``fast``)."""
SHORT = 600
"""Characters of text that llama.cpp has repaired before torch has; with more, torch, which reads sentences together, makes up for its start."""


class Tokenizer(Protocol):
    """What is asked of a tokenizer, in the words of transformers."""

    bos_token_id: int
    eos_token_id: int

    def __call__(self, text: str | None = None, *, text_target: str | None = None, add_special_tokens: bool) -> Any:
        """Something that has ``input_ids``, those of ``text`` or, for the other side of a translation, of ``text_target``."""

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool, clean_up_tokenization_spaces: bool) -> Any:
        """The text that the ids stand for."""


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


class Rewriter(ABC):
    """A loaded model. ``max_tokens`` is the longest sentence, in tokens, that it is given.

    Threads may share it; it answers one of them at a time. Its pickle says which model it is and holds no weights.
    """

    engine: str
    """What computes: one of :data:`ENGINES`."""

    def __init__(self, tokenizer: Tokenizer, *, own: bool, name: str, weights: str) -> None:
        self._tokenizer = tokenizer
        self._own = own
        self.name = name
        self.weights = weights
        self.max_tokens = 150
        self._turn = threading.RLock()
        self._source: str | None = None
        """The folder or hub id that was asked for (None: the bundled one)."""
        self._device: str | None = None
        """What computes where it is read again; None as long as it has been read from nowhere."""
        self._detector_file: Path | None = None

    @staticmethod
    def load(source: str | Path | None = None, device: str | None = None) -> Rewriter:
        """The bundled model, or the checkpoint in a folder, or one by its hub id from the local cache: nothing is downloaded.

        ``device`` is one of :data:`ENGINES` or the name of a torch device; by default torch computes, on CUDA, else MPS, else CPU.
        Raises InputError when there is no such model, when its folder is broken, when it would need pickle or remote code,
        or when it is of neither family.
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
        # From wherever it is read again: a folder by its whole path, and by the engine that has computed here.
        found = str(where.resolve()) if where.is_dir() else str(source)
        rewriter._source, rewriter._device = None if source is None else found, device or rewriter.engine
        return rewriter

    def __reduce__(self) -> tuple[Any, ...]:
        if self._device is None:
            raise pickle.PicklingError("a model that was not loaded from a folder or by its id cannot be pickled.")
        return _loaded_again, (self._source, self._device, self.weights)

    @property
    @abstractmethod
    def device(self) -> str:
        """What the model is computed on."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """The number of weights, each counted once."""

    @property
    def reads_terms(self) -> bool:
        """Whether the model knows what a line of terms is; a checkpoint from elsewhere was not trained with any."""
        return self._own

    @cached_property
    def signature(self) -> str:
        """Name, first eight digits of the weights' SHA-256, and the engine unless it is torch: answers may differ by it."""
        return f"{self.name}:{self.weights[:8]}{'' if self.engine == TORCH else f'@{self.engine}'}"

    @cached_property
    def detector(self) -> Detector | None:
        """What tells the sentences that the model need not read, if its folder has one. Raises InputError if it is broken."""
        return None if self._detector_file is None else Detector.load(self._detector_file)

    @property
    @abstractmethod
    def _seq2seq(self) -> bool:
        """Whether the model is an encoder-decoder."""

    @abstractmethod
    def _decoded(self, tasks: Iterable[Task], batch_size: int) -> Iterator[tuple[int, Answer]]:
        """The greedy answers, each with the number of its task, as they are done."""

    @abstractmethod
    def _scored(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> Scores:
        """What the model thinks of the answers to each prompt."""

    @abstractmethod
    def _likeliest(
        self, prompts: Sequence[Sequence[int]], count: int, batch_size: int
    ) -> list[list[tuple[list[int], float]]]:
        """For each prompt ``count`` answers by beam search, each with its mean log-probability a token."""

    @_one_at_a_time
    def fits(self, request: Request) -> bool:
        """Whether the model can read the whole request."""
        return len(self._read(request)) <= self.max_tokens

    def _read(self, request: Request) -> list[int]:
        # A model that was not trained with term lines would translate them.
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
        # No more of them are tokens at a time than are decoded.
        order = _by_length([request.sentence for request in requests])
        tasks = (self._task(requests[index]) for index in order)
        answers: dict[int, Rewrite] = {}
        for number, answer in self._decoded(tasks, batch_size):
            answers[order[number]] = self._rewrite(requests[order[number]], answer)
            if on_progress is not None:
                on_progress(len(answers), len(requests))
        return [answers[index] for index in range(len(requests))]

    def _task(self, request: Request) -> Task:
        prompt = self._read(request)
        return Task(prompt, self._write(request.sentence), answer_limit(len(prompt)))

    def _rewrite(self, request: Request, answer: Answer) -> Rewrite:
        # A sentence that comes back does so byte for byte, whatever the vocabulary can spell.
        text = request.sentence if answer.ids == self._write(request.sentence) else self._text(answer.ids)
        score = round(sum(answer.scores) / max(1, len(answer.scores)), 4)
        return Rewrite(text, score, self._tokenizer.eos_token_id in answer.ids)

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()

    @_one_at_a_time
    def score(self, pairs: Sequence[tuple[Request, str]], batch_size: int = 16) -> list[float]:
        """The mean log-probability a token of each answer, end mark included, given its request.

        Answers to the same request cost least when they are asked about in one call.
        """
        numbers: dict[Request, list[int]] = {}
        for number, (request, _) in enumerate(pairs):
            numbers.setdefault(request, []).append(number)
        scores = [0.0] * len(pairs)
        for batch in chunks(sorted(numbers, key=lambda request: len(request.sentence)), batch_size):
            answers = [[self._write(pairs[number][1]) for number in numbers[request]] for request in batch]
            found = self._scored([self._read(request) for request in batch], answers)
            for request, logs in zip(batch, found, strict=True):
                for number, tokens in zip(numbers[request], logs, strict=True):
                    scores[number] = round(sum(tokens) / len(tokens), 4)
        return scores

    @_one_at_a_time
    def likelihoods(self, groups: Sequence[Sequence[str]], batch_size: int = 16) -> list[list[float]] | None:
        """The log-probability of each text as a whole, in nats: what the model writes where it is given nothing to repair.

        The texts of a group cost least when they begin alike; ``batch_size`` groups are read together. None for a checkpoint
        from elsewhere, which may know no text without a source.
        """
        if not self._own:
            return None
        nothing = self._read(Request(""))
        found: list[list[float]] = [[] for _ in groups]
        for batch in chunks(_by_length([group[0] for group in groups]), batch_size):
            answers = [[self._write(text) for text in groups[index]] for index in batch]
            for index, logs in zip(batch, self._scored([nothing] * len(batch), answers), strict=True):
                found[index] = [round(sum(tokens), 3) for tokens in logs]
        return found

    @_one_at_a_time
    def alternatives(self, requests: Sequence[Request], count: int, batch_size: int = 16) -> list[list[Rewrite]]:
        """For each request ``count`` different rewrites by beam search, the likeliest first; its greedy one may be among them.

        ``batch_size`` beams of all requests together go on in a pass: a matter of speed and memory.
        """
        end = self._tokenizer.eos_token_id
        order = _by_length([request.sentence for request in requests])
        found = self._likeliest([self._read(requests[index]) for index in order], count, batch_size)
        rewrites = {
            index: [Rewrite(self._text(ids), round(score, 4), end in ids) for ids, score in answers]
            for index, answers in zip(order, found, strict=True)
        }
        return [rewrites[index] for index in range(len(requests))]


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


def answer_limit(prompt: int) -> int:
    """How many tokens the answer to a prompt of that many may have."""
    return int(prompt * 1.6) + 16


def _by_length(texts: Sequence[str]) -> list[int]:
    """The numbers of the texts, the shortest first: what is read together is best of one length."""
    return sorted(range(len(texts)), key=lambda index: len(texts[index]))


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The items in their order, ``size`` of them at a time."""
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
    name = (marker or {}).get("name", name or folder.name)
    rewriter: Rewriter
    with _nothing_collected():
        if device == LLAMA_CPP:
            gguf = _for_llama_cpp(folder)
            from retranslate.llama_cpp_rewriter import LlamaCppRewriter

            rewriter = LlamaCppRewriter.open(folder, gguf, name=name, weights=digest)
        else:
            place = None if device == TORCH else device
            rewriter = _by_torch(folder, gguf, place, own=marker is not None, name=name, weights=digest)
    rewriter.max_tokens = (marker or {}).get("max_tokens", rewriter.max_tokens)
    if (folder / DETECTOR).is_file():
        rewriter._detector_file = folder / DETECTOR
    return rewriter


def _by_torch(folder: Path, gguf: Path | None, device: str | None, *, own: bool, name: str, weights: str) -> Rewriter:
    _refuse_code(folder)
    if own and gguf is not None:
        from retranslate.llama_rewriter import LlamaRewriter, shape_in

        if shape := shape_in(folder):
            return LlamaRewriter.open(folder, gguf, shape, device, name=name, weights=weights)
    from retranslate.torch_rewriter import TorchRewriter

    return TorchRewriter.open(folder, gguf, device, own=own, name=name, weights=weights)


def _refuse_code(folder: Path) -> None:
    """Raises InputError where a model is meant to be opened by code that lies in its folder, or is to be fetched for it."""
    for name in ("config.json", "tokenizer_config.json"):
        try:
            settings = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue  # whoever reads it will say what is wrong with it
        if isinstance(settings, dict) and settings.get("auto_map"):
            raise InputError(
                f"{folder}: the model cannot be loaded: {name} asks for code of its own (auto_map), which is never run here; "
                "where you trust it, load it with transformers and save its weights with save_pretrained() as one of the "
                "architectures that transformers has."
            )


def quickest(source: str | Path | None, characters: int) -> str | None:
    """What to give to :meth:`Rewriter.load` as the device when so much text is to be repaired, and nothing after it.

    llama.cpp for a short text, where it is installed and can compute the model; None for any other.
    """
    folder = BUNDLED if source is None else Path(source)
    return LLAMA_CPP if characters <= SHORT and find_spec("llama_cpp") and _own_gguf(folder) else None


def _own_gguf(folder: Path) -> Path | None:
    """The weights of a model that llama.cpp can compute: one of this project's own in a GGUF file."""
    is_own = (folder / MARKER).is_file() and (folder / "tokenizer.json").is_file()
    return min(folder.glob("*.gguf"), default=None) if is_own else None


def _for_llama_cpp(folder: Path) -> Path:
    """The weights in ``folder``. Raises InputError where llama.cpp cannot compute them, or is not there."""
    gguf = _own_gguf(folder)
    if gguf is None:
        raise InputError(
            f"{folder}: --device {LLAMA_CPP} computes models of this project's own in a GGUF file; leave it out for this one."
        )
    if find_spec("llama_cpp") is None:
        raise InputError(f"--device {LLAMA_CPP}: not installed; pip install 'retranslate[fast]', or leave it out.")
    return gguf


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
