"""The cases in ``cases/``: garble that must be repaired, good text that must not be touched, and what is not done yet.

``in_the_wild.json`` says by what each case is repaired (``glossary``, ``rule`` or ``model``); ``known_failures.json``
names those that are not repaired yet, with the reason: they are expected to fail, and a test that suddenly passes is
to be taken out of that file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retranslate.corrector import Corrector
from retranslate.edits import Result, apply
from retranslate.rewriter import BUNDLED

CASES = Path(__file__).parent / "cases"


def _read(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((CASES / name).read_text("utf-8"))
    return cases


IN_THE_WILD = _read("in_the_wild.json")
NEGATIVE = _read("negative.json")
KNOWN_FAILURES = {(failure["case"], failure["with"]): failure["reason"] for failure in _read("known_failures.json")}


def _parameters(cases: list[dict[str, Any]], using: str) -> list[Any]:
    """The cases as test parameters; known failures are expected to fail, strictly."""
    marked = []
    for case in cases:
        reason = KNOWN_FAILURES.get((case["name"], using))
        marks = [pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError)] if reason else []
        marked.append(pytest.param(case, id=case["name"], marks=marks))
    return marked


@pytest.fixture(scope="module")
def without_model() -> Corrector:
    return Corrector.without_model()


@pytest.fixture(scope="module")
def by_model() -> dict[str, Result]:
    """The results of the bundled model by text, all cases decoded together."""
    if not [*BUNDLED.glob("*.gguf"), *BUNDLED.glob("*.safetensors")]:
        pytest.skip("no weights in this source tree")
    texts = [case["text"] for case in (*IN_THE_WILD, *NEGATIVE)]
    return dict(zip(texts, Corrector.from_pretrained(device="cpu").correct_many(texts), strict=True))


def _shortcomings(case: dict[str, Any], result: Result) -> list[str]:
    low = result.text.lower()
    missing = [f"lacks {part!r}" for part in case["must"] if part.lower() not in low]
    return missing + [f"still has {part!r}" for part in case["must_not"] if part.lower() in low]


@pytest.mark.parametrize("case", _parameters([case for case in IN_THE_WILD if case["by"] != "model"], "no model"))
def test_garble_in_the_wild_without_a_model(case: dict[str, Any], without_model: Corrector) -> None:
    result = without_model(case["text"])
    assert apply(case["text"], result.edits) == result.text
    assert _shortcomings(case, result) == [], result.text


@pytest.mark.parametrize("case", _parameters(NEGATIVE, "no model"))
def test_good_text_comes_back_byte_for_byte_without_a_model(case: dict[str, Any], without_model: Corrector) -> None:
    assert without_model(case["text"]).text == case["text"], case["why"]


@pytest.mark.model
def test_the_model_repairs_more_than_it_breaks(by_model: dict[str, Result], without_model: Corrector) -> None:
    alone = sum(not _shortcomings(case, without_model(case["text"])) for case in IN_THE_WILD)
    together = sum(not _shortcomings(case, by_model[case["text"]]) for case in IN_THE_WILD)
    assert together >= alone


@pytest.mark.model
@pytest.mark.parametrize("case", _parameters(NEGATIVE, "model"))
def test_good_text_comes_back_byte_for_byte(case: dict[str, Any], by_model: dict[str, Result]) -> None:
    assert by_model[case["text"]].text == case["text"], case["why"]


def test_cases_have_names_of_their_own() -> None:
    for cases in (IN_THE_WILD, NEGATIVE):
        names = [case["name"] for case in cases]
        assert sorted(names) == sorted(set(names))


def test_known_failures_are_of_cases_that_there_are() -> None:
    names = {case["name"] for case in (*IN_THE_WILD, *NEGATIVE)}
    assert {case for case, _ in KNOWN_FAILURES} <= names
    assert {using for _, using in KNOWN_FAILURES} <= {"model", "no model"}
    assert all(KNOWN_FAILURES.values())
