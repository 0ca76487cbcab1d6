"""A Llama as torch computes it for this project's own models: few operations a layer, and of many sentences a pass.

The products of a pass are all that takes time. What transformers does around them, for every model that there is, takes
as long again where a pass reads few tokens, and its import longer than the first sentence. The numbers are those of transformers
with weights rounded to half precision, but for the noise of float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from retranslate.gguf_weights import EMBEDDING, PackedEmbedding, read_llama
from retranslate.half_linear import Product, half_linear, rounded
from retranslate.seats import ROWS, Batch, Layout, grown, parted


@dataclass(frozen=True)
class Shape:
    """What ``config.json`` says of a Llama: sizes in numbers, ``theta`` the base of its rotary frequencies."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    size: int
    theta: float
    epsilon: float
    tied: bool

    @classmethod
    def of(cls, config: dict[str, Any]) -> Shape | None:
        """That of a plain Llama; None for any other model and for one with more to it, such as stretched positions or biases.

        Raises LookupError, TypeError, ValueError, AttributeError or ArithmeticError where sizes are missing or impossible.
        """
        rotary = config.get("rope_parameters") or {}
        is_plain = (
            config.get("model_type") == "llama"
            and config.get("hidden_act", "silu") == "silu"
            and not config.get("attention_bias")
            and not config.get("mlp_bias")
            and not config.get("rope_scaling")
            and rotary.get("rope_type", "default") == "default"
        )
        if not is_plain:
            return None
        heads, width = config["num_attention_heads"], config["hidden_size"]
        shape = cls(
            vocabulary=config["vocab_size"],
            width=width,
            inner=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            heads=heads,
            key_heads=config.get("num_key_value_heads") or heads,
            size=config.get("head_dim") or width // heads,
            theta=float(rotary.get("rope_theta") or config.get("rope_theta") or 10_000.0),
            epsilon=float(config.get("rms_norm_eps", 1e-6)),
            tied=bool(config.get("tie_word_embeddings", False)),
        )
        for name in ("vocabulary", "width", "inner", "layers", "heads", "key_heads", "size"):
            if not isinstance(getattr(shape, name), int) or getattr(shape, name) < 1:
                raise ValueError(f"{name} is {getattr(shape, name)!r}")
        if shape.heads % shape.key_heads or shape.size % 2:
            raise ValueError(f"{heads} heads of {shape.size} numbers share {shape.key_heads} keys")
        return shape

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all weights by their names in transformers."""
        top = {EMBEDDING: (self.vocabulary, self.width), "model.norm.weight": (self.width,)}
        if not self.tied:
            top["lm_head.weight"] = (self.vocabulary, self.width)
        return top | {
            f"model.layers.{number}.{name}": shape
            for number in range(self.layers)
            for name, shape in self.layer_tensors().items()
        }

    def layer_tensors(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights of a layer by the rest of their names."""
        queries, keys = self.heads * self.size, self.key_heads * self.size
        return {
            "input_layernorm.weight": (self.width,),
            "self_attn.q_proj.weight": (queries, self.width),
            "self_attn.k_proj.weight": (keys, self.width),
            "self_attn.v_proj.weight": (keys, self.width),
            "self_attn.o_proj.weight": (self.width, queries),
            "post_attention_layernorm.weight": (self.width,),
            "mlp.gate_proj.weight": (self.inner, self.width),
            "mlp.up_proj.weight": (self.inner, self.width),
            "mlp.down_proj.weight": (self.width, self.inner),
        }


@dataclass(frozen=True)
class _Layer:
    """Two norms and four products, each of all that is multiplied by the same states."""

    before: torch.Tensor
    queries_keys_values: Product
    output: Product
    between: torch.Tensor
    gate_up: Product
    down: Product

    @classmethod
    def of(cls, parts: dict[str, torch.Tensor]) -> _Layer:
        """The layer with these weights, by their names in transformers."""

        def product(*names: str) -> Product:
            return half_linear(torch.cat([parts[f"{name}.weight"] for name in names]))

        return cls(
            parts["input_layernorm.weight"],
            product("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            product("self_attn.o_proj"),
            parts["post_attention_layernorm.weight"],
            product("mlp.gate_proj", "mlp.up_proj"),
            product("mlp.down_proj"),
        )


class Llama:
    """A Llama whose weights are in a GGUF file, computed in float32 on ``device``. A :class:`retranslate.seats.Reader`.

    Its matrices are rounded to half precision, on every machine and device alike.
    """

    def __init__(self, shape: Shape, path: Path, device: torch.device) -> None:
        """Reads the weights at ``path``. Raises InputError when the file is broken or holds other ones than those of ``shape``."""
        self.shape = shape
        self.device = device
        layers: dict[int, dict[str, torch.Tensor]] = {}
        top: dict[str, torch.Tensor] = {}
        built: dict[int, Future[_Layer]] = {}
        # Weights are laid out while the next ones are read; of those that are, nothing else is kept.
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            for name, values in read_llama(path, shape.tensors(), shape.heads, shape.key_heads):
                weights = values.to(device)
                match name.split(".", 3):
                    case ["model", "layers", number, part]:
                        parts = layers.setdefault(int(number), {})
                        parts[part] = weights
                        if len(parts) == len(shape.layer_tensors()):
                            built[int(number)] = pool.submit(_Layer.of, layers.pop(int(number)))
                    case _ if name == (EMBEDDING if shape.tied else "lm_head.weight"):
                        head = pool.submit(half_linear, weights)
                    case _:
                        top[name] = weights
        self._layers = [built[number].result() for number in range(shape.layers)]
        self._norm = top["model.norm.weight"]
        self._head = head.result()
        if shape.tied and isinstance(self._head, torch.nn.Linear):
            top[EMBEDDING] = self._head.weight
        self._embedding: Callable[[torch.Tensor], torch.Tensor] = (
            partial(functional.embedding, weight=top[EMBEDDING]) if EMBEDDING in top else PackedEmbedding(path)
        )
        turns = shape.theta ** -(torch.arange(0, shape.size, 2, dtype=torch.float32, device=device) / shape.size)
        self._turns = torch.cat([turns, turns])

    @property
    def parameters(self) -> int:
        """The number of weights, each counted once."""
        return sum(prod(shape) for shape in self.shape.tensors().values())

    def batch(self) -> LlamaBatch:
        """Seats for sentences, all of them free."""
        return LlamaBatch(self)

    def read_alone(self, prompt: Sequence[int], written: Sequence[int]) -> torch.Tensor:
        """The logits of each token of ``written``, and of the one after it, by one pass over this sentence alone."""
        batch = self.batch()
        batch.admit(prompt)
        return torch.cat(list(batch.read([written])))

    @torch.inference_mode()
    def states(
        self, ids: torch.Tensor, layouts: Sequence[Layout], tables: list[torch.Tensor], wanted: Sequence[int]
    ) -> torch.Tensor:
        """The last states of the ``wanted`` ones of the tokens ``ids``, (tokens,): (wanted, width).

        ``layouts`` are those of one stretch of seats after the other. ``tables`` has for each layer the keys and values that
        are known, (seats, places, keys and values, size); the new ones are written there.
        """
        shape = self.shape
        states = rounded(self._embedding(ids))
        angles = (torch.cat([layout.place for layout in layouts]).unsqueeze(-1) * self._turns).unsqueeze(1)
        cosine, sine = angles.cos(), angles.sin()
        # The halves of a head change places, the one that comes first with its sign turned.
        sine[..., : shape.size // 2].neg_()
        tokens, seats = [len(layout.seat) for layout in layouts], [layout.seats for layout in layouts]
        masks = [self._mask(layout) for layout in layouts]
        for layer, table in zip(self._layers, tables, strict=True):
            found = layer.queries_keys_values(self._normed(states, layer.before)).view(len(ids), -1, shape.size)
            turned = found[:, : shape.heads + shape.key_heads]
            turned.copy_(torch.addcmul(turned * cosine, turned.roll(shape.size // 2, -1), sine))
            parts = zip(_split(found, tokens), _split(table[: sum(seats)], seats), layouts, masks, strict=True)
            attended = [self._attended(*part) for part in parts]
            states += layer.output(attended[0] if len(attended) == 1 else torch.cat(attended))
            gate, up = layer.gate_up(self._normed(states, layer.between)).chunk(2, -1)
            states += layer.down(functional.silu(gate).mul_(up))
        return self._normed(states[wanted], self._norm)

    @torch.inference_mode()
    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """What follows where the last states are ``states``, (tokens, width): (tokens, vocabulary)."""
        logits: torch.Tensor = self._head(states)
        return logits

    def _mask(self, layout: Layout) -> torch.Tensor:
        """What is added to what each query makes of each place, (seats, 1, queries that share a key, places)."""
        seen = layout.causal_mask().repeat(1, self.shape.heads // self.shape.key_heads, 1).unsqueeze(1)
        return torch.zeros(seen.shape, device=seen.device).masked_fill_(~seen, -torch.inf)

    def _normed(self, states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(states, weights.shape, weights, self.shape.epsilon)

    def _attended(self, found: torch.Tensor, table: torch.Tensor, layout: Layout, mask: torch.Tensor) -> torch.Tensor:
        """From the queries, keys and values of new tokens, (tokens, all heads, size), to what they find: (tokens, heads times size)."""
        shape = self.shape
        table[layout.seat, layout.place] = found[:, shape.heads :]
        known = table[:, : layout.places].transpose(1, 2)
        keys, values = known[:, : shape.key_heads], known[:, shape.key_heads :]
        shared = shape.heads // shape.key_heads
        # The queries that share a key are rows beside each other.
        queries = found[:, : shape.heads].reshape(-1, shape.key_heads, shared, shape.size)
        rows = layout.spread(queries).permute(0, 2, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(rows.flatten(2, 3), keys, values, attn_mask=mask)
        seen = seen.view(layout.seats, shape.key_heads, shared, layout.width, shape.size).permute(0, 3, 1, 2, 4)
        return layout.gather(seen.flatten(2))


def _split(rows: torch.Tensor, sizes: Sequence[int]) -> Sequence[torch.Tensor]:
    """``rows`` in parts of these sizes; a single part costs nothing, thirty times a pass."""
    return (rows,) if len(sizes) == 1 else torch.split(rows, list(sizes))


class LlamaBatch(Batch):
    """The sentences that a :class:`Llama` is writing."""

    def __init__(self, model: Llama) -> None:
        super().__init__()
        self._model = model
        shape = model.shape
        nothing = torch.zeros(0, 0, 2 * shape.key_heads, shape.size, device=model.device)
        self._tables = [nothing] * shape.layers

    @torch.inference_mode()
    def read(self, drafts: Sequence[Sequence[int]]) -> Iterator[torch.Tensor]:
        """The logits after each sentence and after each token of its draft, as :meth:`retranslate.seats.Batch.read` says."""
        device = self._model.device
        runs = self._runs(drafts)
        layouts = [Layout.of(part, device) for part in parted(runs)]
        places = max(layout.places for layout in layouts)
        for number, table in enumerate(self._tables):  # one at a time, so that none but one is in memory twice
            self._tables[number] = grown(table, len(runs), places)
        states = self._model.states(self._fed(drafts, device), layouts, self._tables, self._wanted(drafts))
        return map(self._model.logits, torch.split(states, ROWS))

    def _move(self, source: int, target: int) -> None:
        for table in self._tables:
            table[target] = table[source]

    @torch.inference_mode()
    def fork(self, parents: Sequence[int]) -> None:
        """Lets there be a seat for each of ``parents``, which holds what that seat holds."""
        self._tables = [table[list(parents)] for table in self._tables]
        self._seats = [replace(self._seats[parent]) for parent in parents]
