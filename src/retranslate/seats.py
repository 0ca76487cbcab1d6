"""Sentences that are written together without padding: of one the model may read forty tokens in a pass, of another one.

The new tokens of all sentences go through the model as a single row. Only attention has to tell the sentences apart:
there each has a seat in a table of keys and values, in which a token lies at its own place, so that what was written in
error is overwritten by what is written next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch


class Reader(Protocol):
    """A model as decoding asks it."""

    def batch(self) -> Batch:
        """Seats for the sentences that it is to write, all of them free."""

    def read_alone(self, prompt: Sequence[int], written: Sequence[int]) -> torch.Tensor:
        """The logits of each token of ``written``, and of the one after it, by one pass over this sentence alone: (tokens, vocabulary)."""


@dataclass(frozen=True)
class Layout:
    """Where the tokens of a pass belong: ``seat``, ``column`` (which of its sentence's new tokens) and ``place``, each of shape (tokens,)."""

    seat: torch.Tensor
    column: torch.Tensor
    place: torch.Tensor
    seats: int
    width: int
    places: int

    @classmethod
    def of(cls, runs: Sequence[tuple[int, int, int]], seats: int, places: int, device: torch.device) -> Layout:
        """The layout of ``runs`` of new tokens, each a seat, the place of its first token, and their number."""
        counts = torch.tensor([count for _, _, count in runs])
        seat = torch.tensor([seat for seat, _, _ in runs]).repeat_interleave(counts)
        column = torch.cat([torch.arange(count) for _, _, count in runs])
        place = torch.tensor([start for _, start, _ in runs]).repeat_interleave(counts) + column
        return cls(seat.to(device), column.to(device), place.to(device), seats, int(counts.max()), places)

    @property
    def is_even(self) -> bool:
        """Whether every seat has equally many new tokens, so that the row of them can be read as (seats, width)."""
        return len(self.seat) == self.seats * self.width

    def spread(self, row: torch.Tensor) -> torch.Tensor:
        """From (tokens, ...) to (seats, width, ...)."""
        if self.is_even:
            return row.view(self.seats, self.width, *row.shape[1:])
        spread = row.new_zeros(self.seats, self.width, *row.shape[1:])
        spread[self.seat, self.column] = row
        return spread

    def gather(self, spread: torch.Tensor) -> torch.Tensor:
        """From (seats, width, ...) to (tokens, ...)."""
        return spread.flatten(0, 1) if self.is_even else spread[self.seat, self.column]

    def causal_mask(self) -> torch.Tensor:
        """What each token may look at in its seat, itself included: (seats, width, places), bool."""
        return torch.arange(self.places, device=self.place.device) <= self.spread(self.place).unsqueeze(-1)


@dataclass
class Seat:
    """A sentence: what it begins with, ``unread`` tokens that come next, ``filled`` places, ``source`` tokens of an encoder's."""

    opening: Sequence[int]
    unread: Sequence[int]
    filled: int = 0
    source: int = 0


class Batch(ABC):
    """The sentences that a model is writing, each in a seat; seats are numbered from 0 in the order of :meth:`admit`.

    A sentence begins with its prompt. Then, again and again, :meth:`read` what may come next in each, and
    :meth:`settle` what does.
    """

    def __init__(self) -> None:
        self._seats: list[Seat] = []

    def __len__(self) -> int:
        return len(self._seats)

    def admit(self, prompt: Sequence[int]) -> None:
        """Gives the sentence that begins with ``prompt`` the next seat."""
        self._seats.append(Seat(prompt, prompt))

    @abstractmethod
    def read(self, drafts: Sequence[Sequence[int]]) -> torch.Tensor:
        """The logits of what follows each sentence, and of what follows each further token of its draft.

        Of shape (tokens, vocabulary): for one seat after the other one row more than its draft is long.
        """

    def settle(self, seat: int, accepted: int, token: int) -> None:
        """The sentence goes on with so many tokens of its draft, and then with ``token``."""
        settled = self._seats[seat]
        settled.filled += len(settled.unread) + accepted
        settled.unread = [token]

    def rewind(self, seat: int, written: Sequence[int]) -> None:
        """The sentence goes on behind ``written``, which it has read in this place before."""
        rewound = self._seats[seat]
        rewound.filled = len(rewound.opening) + len(written) - 1
        rewound.unread = [written[-1] if written else rewound.opening[-1]]

    @abstractmethod
    def _move(self, source: int, target: int) -> None:
        """Lets seat ``target`` hold what ``source`` holds."""

    @torch.inference_mode()
    def leave(self, seat: int) -> None:
        """Frees a seat; the sentence of the last seat moves there."""
        last = len(self._seats) - 1
        self._move(last, seat)
        self._seats[seat] = self._seats[last]
        self._seats.pop()

    def _fed(self, drafts: Sequence[Sequence[int]], device: torch.device) -> tuple[torch.Tensor, Layout]:
        """All tokens that a pass reads, (tokens,), and where they belong."""
        fed = [[*seat.unread, *draft] for seat, draft in zip(self._seats, drafts, strict=True)]
        runs = [
            (number, seat.filled, len(ids)) for number, (seat, ids) in enumerate(zip(self._seats, fed, strict=True))
        ]
        layout = Layout.of(runs, len(fed), max(start + count for _, start, count in runs), device)
        return torch.tensor([token for tokens in fed for token in tokens], device=device), layout

    def _wanted(self, drafts: Sequence[Sequence[int]]) -> list[int]:
        """Which of the tokens that a pass reads it is asked about."""
        wanted: list[int] = []
        end = 0
        for seat, draft in zip(self._seats, drafts, strict=True):
            end += len(seat.unread) + len(draft)
            wanted += range(end - len(draft) - 1, end)
        return wanted


_STEP = 64
"""A table grows by so many places at a time."""


def grown(stored: torch.Tensor, seats: int, places: int) -> torch.Tensor:
    """``stored``, (seats, places, ...), with at least so many seats and places."""
    more_seats = max(0, seats - stored.shape[0])
    more_places = max(0, -(-(places - stored.shape[1]) // _STEP) * _STEP)
    if not more_seats and not more_places:
        return stored
    larger = stored.new_zeros(stored.shape[0] + more_seats, stored.shape[1] + more_places, *stored.shape[2:])
    larger[: stored.shape[0], : stored.shape[1]] = stored
    return larger
