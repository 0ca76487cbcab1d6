"""Translation edit rate of one segment (Snover et al. 2006), to the same numbers as sacrebleu's and many times faster.

sacrebleu follows Tercom: a greedy search for the block shift that lowers the word edit distance most, then for the
next one, until none helps. What takes its time is a distance in Python for every shift that could be tried. Here words
become characters, the distance of a shifted hypothesis comes from RapidFuzz, and the alignment (needed once a round)
from bit vectors (Myers 1999; Hyyrö 2003) with sacrebleu's order of preference among equally good ones.

sacrebleu searches a beam around the diagonal only. Where an optimal alignment could leave that beam its own function is
called, so that the numbers are the same there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rapidfuzz.distance import Levenshtein

MAX_SHIFT_SIZE = 10
MAX_SHIFT_DISTANCE = 50
MAX_SHIFT_CANDIDATES = 1000
# sacrebleu's beam reaches 24 words to the right of the diagonal, which it rounds down.
SAFE_DEVIATION = 23


def edits(hypothesis: Sequence[str], reference: Sequence[str]) -> int:
    """The number of edits, shifts included, between two token lists, as ``sacrebleu.metrics.lib_ter`` counts them."""
    if hypothesis == reference:
        return 0
    if not hypothesis or not reference:
        return len(hypothesis) + len(reference) if reference else len(hypothesis)
    codes: dict[str, str] = {}
    ours, theirs = (
        "".join([codes.setdefault(word, chr(len(codes) + 1)) for word in tokens]) for tokens in (hypothesis, reference)
    )
    distance = Levenshtein.distance(ours, theirs)
    # An alignment with d edits strays from the diagonal by its insertions or its deletions: (d + |n - m|) / 2 at most.
    if distance + abs(len(ours) - len(theirs)) > 2 * SAFE_DEVIATION or len(codes) > 50_000:
        from sacrebleu.metrics.lib_ter import translation_edit_rate

        return int(translation_edit_rate(list(hypothesis), list(reference))[0])
    return _edits_with_shifts(ours, theirs, distance)


def _edits_with_shifts(hypothesis: str, reference: str, distance: int) -> int:
    places: dict[str, list[int]] = {}
    for position, word in enumerate(reference):
        places.setdefault(word, []).append(position)
    shifts = candidates = 0
    # With one edit left, a shift can only replace it.
    while distance > 1:
        best, candidates = _best_shift(hypothesis, reference, places, distance, candidates)
        if candidates >= MAX_SHIFT_CANDIDATES or best is None:
            break
        hypothesis, distance = best
        shifts += 1
    return shifts + distance


def _best_shift(
    hypothesis: str, reference: str, places: dict[str, list[int]], distance: int, candidates: int
) -> tuple[tuple[str, int] | None, int]:
    """The shifted hypothesis nearest to the reference with its distance, None if none is nearer; candidates tried so far."""
    alignment = align(hypothesis, reference)
    wrong_here = [0, *accumulate(alignment.hypothesis_errors)]
    wrong_there = [0, *accumulate(alignment.reference_errors)]
    counterpart = alignment.counterpart
    best: tuple[int, int, int, int] | None = None
    best_text, best_distance = "", distance - 1
    tried: dict[str, int] = {}
    for start, target, length in _matching_blocks(hypothesis, reference, places):
        if wrong_here[start + length] == wrong_here[start] or wrong_there[target + length] == wrong_there[target]:
            continue
        if start <= counterpart[target] < start + length:
            continue
        previous = -1
        for offset in range(target - 1, target + length):
            goal = 0 if offset == -1 else counterpart[offset] + 1
            if goal == previous:
                continue
            previous = goal
            candidates += 1
            shifted = _shift(hypothesis, start, length, goal)
            after = tried.get(shifted)
            if after is None:
                after = tried[shifted] = Levenshtein.distance(shifted, reference, score_cutoff=best_distance)
            if after <= best_distance:
                # Tercom's ranking: nearest, then the longest block, then the earliest, then the earliest goal.
                rank = (-after, length, -start, -goal)
                if best is None or rank > best:
                    best, best_text, best_distance = rank, shifted, after
        if candidates >= MAX_SHIFT_CANDIDATES:
            break
    return (None if best is None else (best_text, best_distance)), candidates


def _matching_blocks(hypothesis: str, reference: str, places: dict[str, list[int]]) -> Iterator[tuple[int, int, int]]:
    """Start in the hypothesis, start in the reference and length of every block of words that is in both."""
    ours, theirs = len(hypothesis), len(reference)
    for start, word in enumerate(hypothesis):
        for target in places.get(word, ()):
            if abs(target - start) > MAX_SHIFT_DISTANCE:
                continue
            longest = min(MAX_SHIFT_SIZE, ours - start, theirs - target)
            yield start, target, 1
            for length in range(2, longest + 1):
                if hypothesis[start + length - 1] != reference[target + length - 1]:
                    break
                yield start, target, length


def _shift(text: str, start: int, length: int, goal: int) -> str:
    block, end = text[start : start + length], start + length
    if goal < start:
        return text[:goal] + block + text[goal:start] + text[end:]
    if goal > end:
        return text[:start] + text[end:goal] + block + text[goal:]
    # A goal inside the block counts from the text without it.
    return text[:start] + text[end : length + goal] + block + text[length + goal :]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which words are wrong, and for each reference position the position in the hypothesis that it stands at."""

    counterpart: list[int]
    reference_errors: list[int]
    hypothesis_errors: list[int]


def align(hypothesis: str, reference: str) -> Alignment:
    """A shortest alignment; of equally short ones that which keeps or replaces words from the end before it drops or adds any."""
    ours, theirs = len(hypothesis), len(reference)
    occurs: dict[str, int] = {}
    for position, word in enumerate(reference):
        occurs[word] = occurs.get(word, 0) | (1 << position)
    full = (1 << theirs) - 1
    # Bit j of along_up[i]: distance (i, j + 1) is one more than (i, j); of across_up[i]: (i, j + 1) is one more than (i - 1, j + 1).
    up, down = full, 0
    along_up, along_down, across_up, across_down = [up], [down], [0], [0]
    for word in hypothesis:
        match = occurs.get(word, 0)
        diagonal = (((match & up) + up) ^ up) | match | down
        plus = down | (full & ~(diagonal | up))
        minus = up & diagonal
        across_up.append(plus)
        across_down.append(minus)
        plus = (plus << 1) | 1
        minus <<= 1
        up = full & (minus | ~(diagonal | plus))
        down = full & plus & diagonal
        along_up.append(up)
        along_down.append(down)
    counterpart, reference_errors, hypothesis_errors = [0] * theirs, [1] * theirs, [1] * ours
    i, j = ours, theirs
    while j:
        bit = 1 << (j - 1)
        if i:
            rise = ((across_up[i] & bit) != 0) - ((across_down[i] & bit) != 0)
            if hypothesis[i - 1] == reference[j - 1]:
                reference_errors[j - 1] = hypothesis_errors[i - 1] = 0
                i, j = i - 1, j - 1
                counterpart[j] = i
                continue
            if rise + ((along_up[i - 1] & bit) != 0) - ((along_down[i - 1] & bit) != 0) == 1:
                i, j = i - 1, j - 1
                counterpart[j] = i
                continue
            if rise == 1:
                i -= 1
                continue
        j -= 1
        counterpart[j] = i - 1
    return Alignment(counterpart, reference_errors, hypothesis_errors)
