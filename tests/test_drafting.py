"""Drafts: where in its source a text goes on, and how far a draft is followed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retranslate.drafting import Step, Task, Writing, place_in

TOKENS = st.lists(st.integers(0, 5), max_size=12)


@given(TOKENS, st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 12))
def test_a_place_is_behind_the_longest_match_nearest_to_the_expected_one(
    source: list[int], written: list[int], expected: int
) -> None:
    def matched(place: int) -> int:
        return next(
            (n for n in range(min(4, place, len(written)), 0, -1) if source[place - n : place] == written[-n:]), 0
        )

    place = place_in(source, written, expected)
    best = max((matched(other) for other in range(len(source) + 1)), default=0)
    if best == 0:
        assert place == expected
    else:
        assert matched(place) == best
        assert all(
            abs(place - expected) <= abs(other - expected) for other in range(len(source) + 1) if matched(other) == best
        )


@given(TOKENS, st.integers(1, 12))
def test_a_text_that_is_the_source_so_far_goes_on_there(source: list[int], length: int) -> None:
    written = source[:length]
    if written:
        assert place_in(source, written, len(written)) == len(written)


END = 9


def _steps(*tokens: int) -> list[Step]:
    return [Step(token, -0.5) for token in tokens]


def test_a_draft_stands_as_far_as_the_model_agrees() -> None:
    writing = Writing(0, Task([], [1, 2, 3, 4, END], 20), 16)
    draft = writing.draft(3)
    assert draft == [1, 2, 3]
    assert writing.extend(draft, _steps(1, 7, 3, 4), END) == 1
    assert writing.answer.ids == [1, 7]
    assert writing.draft(3) == [3]  # after an error with care


def test_where_a_pass_has_room_more_is_tried_after_a_difference() -> None:
    writing = Writing(0, Task([], list(range(10, 40)), 60), 16)
    writing.extend(writing.draft(48), _steps(10, 7), END)
    assert [len(writing.draft(room)) for room in (2, 3, 24, 36, 48)] == [1, 1, 2, 3, 4]


def test_a_draft_that_was_right_is_followed_further_to_the_end() -> None:
    writing = Writing(0, Task([], [1, 2, 3, 4, END], 20), 16)
    assert writing.extend(writing.draft(2), _steps(1, 2, 3), END) == 2
    assert writing.extend(writing.draft(8), _steps(4, END, 5), END) == 1
    assert writing.answer.ids == [1, 2, 3, 4, END]
    assert writing.is_done(END)


def test_no_draft_is_longer_than_the_answer_may_become() -> None:
    writing = Writing(0, Task([], [1, 2, 3, 4, END], 3), 16)
    assert writing.draft(8) == [1, 2]
    writing.extend([1, 2], _steps(1, 2, 3), END)
    assert writing.is_done(END)
