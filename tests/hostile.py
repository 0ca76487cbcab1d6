"""What the fuzz tests share: texts and files such as no honest program makes, and a limit of time.

A normal run tries EXAMPLES inputs a test; ``pytest tests/fuzz --hypothesis-profile fuzz`` tries 10,000. With a
model, which takes longer, a normal run tries hypothesis' own 100.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from retranslate.errors import InputError

Outcome = TypeVar("Outcome")

EXAMPLES = 200
SECONDS = 5.0

fuzzed = settings(max_examples=max(EXAMPLES, settings().max_examples))
fuzzed_with_a_model = settings()

FRAGMENTS = (
    # characters that nobody sees, that turn the line around, or that are none
    "\0", "\x07", "\x1b[31m", "\x7f", "\u00ad", "\u200b", "\u200d", "\u200f", "\u202e", "\u2066", "\u2069", "\ufeff", "\ufffd", "\udc80",
    "\ud800", "\U000e0041", "e\u0301\u0301\u0301", "\u0130", "\u00df", "\ufb01", "\u0661\u0662", "\U0001f468\u200d\U0001f469", "العالم", "新聞",
    # line ends and white space
    "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", " ", "  ", "\t", "\u00a0", "\u3000",
    # marks that open and do not close
    '"', "“", "”", "'", "’", "(", "[", "{{", "<a ", "`", "...", "!?", ". ", ", ", "-", "—", "|", "\\", "*", "%s",
    # links, handles, numbers, markers
    "https://a.b/c?d=e", "www.", "x@y.org", "@", "@who", "#tag", "1.", "(a) ", "- ", "12,500", "3.5 percent", "2016/05/12",
    # words that the glossary and the rules know
    "He pointed Hadi that", "Said the minister that", "The Osaf, that", "elements", "strings", "Daash", "the popular crowd", "an element of",
    "Jurgen Stoke", "Jurgen Stock", "Mr.", "BAGHDAD - ", "Log Out", "Anthy", "Was the committee has finished",
)  # fmt: skip

texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=30).map("".join)
"""Texts of a page at most, lone surrogates among them."""


def mangled(*honest: bytes) -> st.SearchStrategy[bytes]:
    """Files that were honest once: some bytes of them changed, cut out, put in or said twice."""
    at = st.integers(0, max(map(len, honest)))
    change = st.tuples(
        at, st.sampled_from([0, 0, 1, 4, 8, 200]), st.binary(max_size=8) | st.sampled_from([*_TRAPS, "twice"])
    )
    return st.builds(_changed, st.sampled_from(honest), st.lists(change, min_size=1, max_size=6))


_TRAPS = (
    b"\0",
    b"\xff\xfe",
    b"\x1f\x8b\x08",
    b"\t",
    b"\r",
    b"\n",
    b'"',
    b"{",
    b"\\ud800",
    b"\xef\xbb\xbf",
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
)


def _changed(data: bytes, changes: list[tuple[int, int, bytes | str]]) -> bytes:
    for at, width, new in changes:
        data = data[:at] + (data[:at][-50:] if isinstance(new, str) else new) + data[at + width :]
    return data


def attempt(action: Callable[[], Outcome], *places: object) -> Outcome | None:
    """What ``action`` gives, in time; None where it refuses with an InputError that names one of ``places``, or says one of these words."""
    try:
        with in_time():
            return action()
    except InputError as error:
        if any(str(place) in str(error) for place in places):
            return None
        raise


@contextmanager
def in_time() -> Iterator[None]:
    """Raises an AssertionError after SECONDS of computing, even in the middle of a loop without an end."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"at work for more than {SECONDS} seconds")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
