"""The fast TER counts what sacrebleu's counts."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.lib_ter import translation_edit_rate

from retranslate.evaluation.ter import edits

WORDS = st.lists(st.sampled_from("a b c d e f".split()), max_size=14)
NEWS = "the minister of oil said on Sunday that exports from the southern ports had risen to three million barrels a day".split()


@given(WORDS, WORDS)
@example(["a"], ["a", "a"])
@example([], ["a"])
@example(["a"], [])
@settings(max_examples=300)
def test_it_equals_sacrebleu_on_repetitive_words(hypothesis: list[str], reference: list[str]) -> None:
    assert edits(hypothesis, reference) == translation_edit_rate(hypothesis, reference)[0]


@given(st.permutations(NEWS), st.integers(0, 20), st.integers(0, 20))
@settings(max_examples=60)
def test_it_equals_sacrebleu_on_shuffled_news(shuffled: list[str], kept: int, dropped: int) -> None:
    hypothesis = NEWS[:kept] + [word for word in shuffled if word not in NEWS[:kept]][dropped:]
    assert edits(hypothesis, NEWS) == translation_edit_rate(hypothesis, NEWS)[0]


@given(st.integers(45, 70), st.integers(0, 70), st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_it_equals_sacrebleu_where_the_beam_may_cut(ours: int, theirs: int, random: object) -> None:
    hypothesis = [f"h{position}" for position in range(ours)]
    reference = [f"h{position + 20}" if position % 3 else f"r{position}" for position in range(theirs)]
    assert edits(hypothesis, reference) == translation_edit_rate(hypothesis, reference)[0]


def test_a_moved_block_is_one_edit() -> None:
    assert edits("on Sunday he said".split(), "he said on Sunday".split()) == 1
