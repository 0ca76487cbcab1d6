"""The page: what it says, that nothing breaks out of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fakes import SEGMENTS, repair

from retranslate.evaluation import Evaluation, Scores, System
from retranslate.evaluation.report import page


@pytest.fixture(scope="module")
def scores() -> Scores:
    return Evaluation(100, 0).run([System("full", repair, "signed"), System("peer", list)], SEGMENTS, "tiny.jsonl")


@pytest.fixture(scope="module")
def html(scores: Scores) -> str:
    return page([scores])


def embedded(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def test_the_page_asks_the_network_for_nothing(html: str) -> None:
    assert "default-src 'none'" in html
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", html)
    assert "http://" not in html
    assert "https://" not in html


def test_texts_cannot_break_out_of_the_page(html: str) -> None:
    assert "</script><b>" not in html
    assert "<i>" not in re.sub(r"<i>[\d.~ →]*</i>", "", html)
    assert embedded(html)["segments"][3]["source"] == SEGMENTS[3].source


def test_pieces_joined_are_the_texts(html: str) -> None:
    first = embedded(html)["segments"][0]
    out = first["out"]["full"]
    joined = {key: "".join(text for text, _, _ in out[key]) for key in "sor"}
    assert joined == {"s": SEGMENTS[0].source, "o": "He goes to the Mobilization.", "r": SEGMENTS[0].references[0]}


def test_edits_carry_kind_and_reason(html: str) -> None:
    out = embedded(html)["segments"][0]["out"]["full"]
    assert ["Mobilization", "new glossary", "glossary: crowd → Mobilization. hashd"] in out["o"]
    assert ["go", "gone model", "model: go → goes. rewritten by the model"] in out["s"]


def test_what_was_taken_out_leaves_a_mark(html: str) -> None:
    out = embedded(html)["segments"][2]["out"]["full"]
    assert [kind for _, kind, _ in out["o"] if kind] == ["cut model"]


def test_refusals_keep_the_proposal_and_the_guards(html: str) -> None:
    (refused,) = embedded(html)["segments"][1]["out"]["full"]["refused"]
    assert refused["by"] == ["names"]
    assert refused["text"] == "The road was opened by Karim."


def test_a_large_set_lists_what_tells_most(scores: Scores) -> None:
    html = page([scores], 3)
    assert [segment["id"] for segment in embedded(html)["segments"]] == ["a-1", "a-2", "a-3"]
    assert "3 of 64 segments are listed" in html


def test_several_sets_stand_on_one_page(scores: Scores) -> None:
    other = Evaluation(0, 0).run([], SEGMENTS[:2], "other.jsonl")
    data = embedded(page([scores, other]))
    assert data["sets"] == ["tiny.jsonl", "other.jsonl"]
    assert data["systems"] == ["full", "peer"]
