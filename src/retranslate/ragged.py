"""Sentences of unequal length in one pass of any model that transformers opens, without padding.

Built on what transformers offers for the purpose, an attention function and a cache of one's own;
:func:`can_read_ragged` tries out whether an architecture goes along.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers.cache_utils import Cache, DynamicLayer, EncoderDecoderCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from retranslate.seats import ROWS, Batch, Layout, Run, Seat, grown

ATTENTION = "retranslate_ragged"
_NOISE = 1e-3


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    ragged: Layout | None = None,
    position_bias: torch.Tensor | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Attention in which each token of a ragged pass sees its own seat; that of transformers in any other pass."""
    more = {} if position_bias is None else {"position_bias": position_bias}
    if ragged is None:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **more, **rest)
        return output, None
    more = {name: _spread(ragged, bias) for name, bias in more.items()}
    output, _ = sdpa_attention_forward(module, _spread(ragged, query), key, value, attention_mask, **more, **rest)
    return ragged.gather(output).unsqueeze(0), None


def _spread(layout: Layout, row: torch.Tensor) -> torch.Tensor:
    """From (1, heads, tokens, size) to (seats, heads, width, size)."""
    return layout.spread(row[0].transpose(0, 1)).transpose(1, 2)


class _Table(DynamicLayer):  # type: ignore[misc]
    """The keys and values of one layer: (seats, places, heads, size) each. ``keys`` and ``values`` show the part in use, heads first."""

    def __init__(self) -> None:
        super().__init__()
        self._stored: list[torch.Tensor] = []

    def write(self, keys: torch.Tensor, values: torch.Tensor, layout: Layout) -> None:
        """Puts new keys and values, (1, heads, tokens, size), where they belong, and shows what the layout sees."""
        new = [keys[0].transpose(0, 1), values[0].transpose(0, 1)]
        if not self._stored:
            self._stored = [part.new_zeros(0, 0, *part.shape[1:]) for part in new]
        self._stored = [grown(stored, layout.seats, layout.places) for stored in self._stored]
        for stored, part in zip(self._stored, new, strict=True):
            stored[layout.seat, layout.place] = part
        self.show(layout.seats, layout.places)

    def show(self, seats: int, places: int) -> None:
        self.keys, self.values = (stored[:seats, :places].transpose(1, 2) for stored in self._stored)

    def move(self, source: int, target: int) -> None:
        for stored in self._stored:
            stored[target] = stored[source]


class _Seats(Cache):  # type: ignore[misc]
    """A :class:`_Table` a layer, written by the layout of the pass."""

    def __init__(self, by_row: bool = False) -> None:
        super().__init__(layers=[])
        self.layout: Layout | None = None
        self._by_row = by_row

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *rest: Any, **more: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert self.layout is not None
        if layer == len(self.layers):
            self.layers.append(_Table())
        table: _Table = self.layers[layer]
        table.write(keys, values, self.layout)
        return table.keys, table.values

    def get_seq_length(self, layer: int = 0) -> Any:
        """By how much the place of each token is ahead of its number in the pass: models add that number themselves."""
        if self.layout is None:
            return 0
        ahead = self.layout.place - torch.arange(len(self.layout.place), device=self.layout.place.device)
        return ahead.unsqueeze(1) if self._by_row else ahead

    def show(self, seats: int, places: int) -> None:
        for table in self.layers:
            table.show(seats, places)

    def move(self, source: int, target: int) -> None:
        for table in self.layers:
            table.move(source, target)


class RaggedBatch(Batch):
    """The sentences that a model of transformers is writing."""

    def __init__(self, model: transformers.PreTrainedModel) -> None:
        super().__init__()
        self._model = model
        self._states: list[torch.Tensor] = []
        """What the encoder made of the prompts that the decoder has not looked at yet: those of the last seats."""
        self._written = _Seats(by_row=_is_relative(model))
        self._sources = _Seats()
        self._cache = EncoderDecoderCache(self._written, self._sources)
        # transformers 5.24 has renamed the argument and warns of the old name.
        self._cache_name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
        self._encoder: Any = model.get_encoder() if model.config.is_encoder_decoder else None

    @torch.inference_mode()
    def admit(self, prompt: Sequence[int]) -> None:
        """Gives the sentence that begins with ``prompt`` the next seat."""
        if self._encoder is None:
            super().admit(prompt)
            return
        ids = torch.tensor([list(prompt)], device=self._model.device)
        self._states.append(self._encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state)
        opening = [self._model.generation_config.decoder_start_token_id]
        self._seats.append(Seat(opening, opening, source=len(prompt)))

    @torch.inference_mode()
    def read(self, drafts: Sequence[Sequence[int]]) -> Iterator[torch.Tensor]:
        """The logits after each sentence and after each token of its draft, as :meth:`retranslate.seats.Batch.read` says."""
        ids = self._fed(drafts, self._model.device).unsqueeze(0)
        self._written.layout = layout = Layout.of(self._runs(drafts), ids.device)
        if self._encoder is not None:
            return iter(torch.split(self._decoder_logits(ids, layout), ROWS))
        logits: torch.Tensor = self._model(
            ids, position_ids=layout.place.unsqueeze(0), attention_mask=layout.causal_mask().unsqueeze(1),
            **self._remembering(self._written), ragged=layout,
            logits_to_keep=torch.tensor(self._wanted(drafts), device=ids.device),
        ).logits[0]  # fmt: skip
        return iter(torch.split(logits, ROWS))

    def _remembering(self, cache: Cache) -> dict[str, Any]:
        """The arguments that give the model ``cache``."""
        return {self._cache_name: cache, "use_cache": True}

    def _decoder_logits(self, ids: torch.Tensor, layout: Layout) -> torch.Tensor:
        longest = max(seat.source for seat in self._seats)
        fresh = len(self._states)
        if fresh:
            known = [Run(seat.source, 0) for seat in self._seats[:-fresh]]
            self._sources.layout = Layout.of(
                [*known, *(Run(0, seat.source) for seat in self._seats[-fresh:])], ids.device
            )
            states = torch.cat(self._states, dim=1)
        else:
            self._sources.show(len(self._seats), longest)
            states = self._model.get_input_embeddings()(ids[:, :1])  # of the right kind; nobody looks at it
        self._cache.is_updated = dict.fromkeys(range(len(self._sources.layers)), not fresh)
        lengths = torch.tensor([seat.source for seat in self._seats], device=ids.device)
        mask = torch.arange(longest, device=ids.device) < lengths.view(-1, 1, 1, 1)
        logits: torch.Tensor = self._model(
            encoder_outputs=transformers.modeling_outputs.BaseModelOutput(last_hidden_state=states),
            attention_mask=mask, decoder_input_ids=ids, decoder_attention_mask=layout.causal_mask().unsqueeze(1),
            **self._remembering(self._cache), ragged=layout,
        ).logits[0]  # fmt: skip
        self._states = []
        return logits

    def _move(self, source: int, target: int) -> None:
        self._written.move(source, target)
        self._sources.move(source, target)


@dataclass(frozen=True)
class RaggedModel:
    """A model of transformers that can read raggedly. A :class:`retranslate.seats.Reader`."""

    model: transformers.PreTrainedModel

    def batch(self) -> RaggedBatch:
        """Seats for sentences, all of them free."""
        return RaggedBatch(self.model)

    def read_alone(self, prompt: Sequence[int], written: Sequence[int]) -> torch.Tensor:
        """:func:`read_alone` by this model."""
        return read_alone(self.model, prompt, written)


def _is_relative(model: transformers.PreTrainedModel) -> bool:
    """Whether the model has a T5's relative places, which it works out in a table of tokens by places."""
    return any(name.endswith("relative_attention_bias") for name, _ in model.named_modules())


def can_read_ragged(model: transformers.PreTrainedModel) -> bool:
    """Prepares ``model`` for ragged passes; false, and nothing is changed, where its architecture does not go along.

    The test is what counts: the logits of a few tokens read raggedly are those that they have alone.
    """
    before = model.config._attn_implementation
    try:
        transformers.AttentionInterface.register(ATTENTION, _attention)
        transformers.AttentionMaskInterface.register(ATTENTION, sdpa_mask)
        model.set_attn_implementation(ATTENTION)
        with torch.inference_mode():
            if _reads_ragged(model):
                return True
    except Exception:  # an architecture may fail in any way there is
        pass
    model.set_attn_implementation(before)
    return False


def _reads_ragged(model: transformers.PreTrainedModel) -> bool:
    """Whether two sentences in two steps give the logits of one sentence at a time in one step."""
    prompts: tuple[list[int], list[int]] = ([5, 6, 7, 8], [9, 10])
    drafts: tuple[list[int], list[int]] = ([7, 8, 5], [])
    more: tuple[list[int], list[int]] = ([6, 9], [8, 7, 6])
    batch = RaggedBatch(model)
    for prompt in prompts:
        batch.admit(prompt)
    first = torch.cat(list(batch.read(drafts)))
    batch.settle(0, 1, 10)
    batch.settle(1, 0, 5)
    second = torch.cat(list(batch.read(more)))
    got = [first[:2], second[:3], first[4:], second[3:]]
    alone = [read_alone(model, prompts[0], [7, 10, 6, 9]), read_alone(model, prompts[1], [5, 8, 7, 6])]
    wanted = [alone[0][:2], alone[0][2:], alone[1][:1], alone[1][1:]]
    scale = max(float(logits.abs().max()) for logits in wanted)
    return all(bool((a - b).abs().max() < _NOISE * max(1.0, scale)) for a, b in zip(got, wanted, strict=True))


@torch.inference_mode()
def read_alone(model: transformers.PreTrainedModel, prompt: Sequence[int], written: Sequence[int]) -> torch.Tensor:
    """The logits of each token of ``written``, and of the one after it, by one ordinary pass over this sentence alone."""
    ids = torch.tensor([list(prompt)], device=model.device)
    answer = torch.tensor([list(written)], dtype=torch.long, device=model.device)
    if model.config.is_encoder_decoder:
        start = answer.new_full((1, 1), model.generation_config.decoder_start_token_id)
        output = model(input_ids=ids, decoder_input_ids=torch.cat([start, answer], dim=1))
    else:
        output = model(torch.cat([ids, answer], dim=1), logits_to_keep=len(written) + 1)
    logits: torch.Tensor = output.logits[0]
    return logits
