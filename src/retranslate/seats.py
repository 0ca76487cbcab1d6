"""Sentences that are written together without padding: of one the model may read forty tokens in a pass, of another one.

The new tokens of all sentences go through the model as a single row. Only attention has to tell the sentences apart:
there each has a seat in a table of keys and values, in which a token lies at its own place, so that what was written in
error is overwritten by what is written next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import torch

ROWS = 64
"""Of so many tokens at a time logits are worked out: those of a token take 200 kB, and more of them are no faster."""


class Reader(Protocol):
    """A model as decoding asks it."""

    def batch(self) -> Batch:
        """Seats for the sentences that it is to write, all of them free."""

    def read_alone(self, prompt: Sequence[int], written: Sequence[int]) -> torch.Tensor:
        """The logits of each token of ``written``, and of the one after it, by one pass over this sentence alone: (tokens, vocabulary)."""


@dataclass(frozen=True, slots=True)
class Run:
    """New tokens of a sentence: the place of the first one, and how many there are."""

    start: int
    count: int

    @property
    def end(self) -> int:
        """The place behind the last one."""
        return self.start + self.count


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
    def of(cls, runs: Sequence[Run], device: torch.device) -> Layout:
        """The layout of ``runs``, one a seat; some may be empty, but not all."""
        counts = torch.tensor([run.count for run in runs])
        seat = torch.arange(len(runs)).repeat_interleave(counts)
        column = torch.cat([torch.arange(run.count) for run in runs])
        place = torch.tensor([run.start for run in runs]).repeat_interleave(counts) + column
        places = max(run.end for run in runs)
        return cls(seat.to(device), column.to(device), place.to(device), len(runs), int(counts.max()), places)

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


_WORTH_A_PART = 4096
"""Pairs of a token and a place: to compute so many in vain takes about as long as to treat some seats apart."""


def parted(runs: Sequence[Run]) -> list[Sequence[Run]]:
    """``runs`` in stretches of neighbours that attention pads to the longest of them: a sentence that has just come is many tokens
    and few places, one that is half written the reverse.
    """
    fronts = _padded(runs)
    backs = _padded(runs[::-1])[::-1]
    cost, cut = min(((fronts[cut - 1] + backs[cut], cut) for cut in range(1, len(runs))), default=(fronts[-1], 0))
    if fronts[-1] - cost < _WORTH_A_PART:
        return [runs]
    return [*parted(runs[:cut]), *parted(runs[cut:])]


def _padded(runs: Sequence[Run]) -> list[int]:
    """Of each beginning of ``runs``, how many pairs of a token and a place it has with its padding."""
    widths = accumulate((run.count for run in runs), max)
    places = accumulate((run.end for run in runs), max)
    return [seats * width * end for seats, (width, end) in enumerate(zip(widths, places, strict=True), start=1)]


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
    def read(self, drafts: Sequence[Sequence[int]]) -> Iterator[torch.Tensor]:
        """The logits of what follows each sentence, and of what follows each further token of its draft.

        In pieces of shape (tokens, vocabulary), at most :data:`ROWS` tokens each: for one seat after the other one row more
        than its draft is long. All have been read when this returns, whether or not anybody looks at the logits.
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

    def _fed(self, drafts: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
        """All tokens that a pass reads, (tokens,)."""
        fed = [token for seat, draft in zip(self._seats, drafts, strict=True) for token in (*seat.unread, *draft)]
        return torch.tensor(fed, device=device)

    def _runs(self, drafts: Sequence[Sequence[int]]) -> list[Run]:
        """Where the tokens that a pass reads belong, of each seat."""
        return [
            Run(seat.filled, len(seat.unread) + len(draft)) for seat, draft in zip(self._seats, drafts, strict=True)
        ]

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
