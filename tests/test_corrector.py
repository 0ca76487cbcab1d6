"""The conductor: receipts that replay, texts that survive, refusals that fall back, and the same answer every time."""

from __future__ import annotations

import json
import random
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from conftest import GlossaryMaker
from retranslate import guards
from retranslate.corrector import Corrector, Settings
from retranslate.edits import Result, apply
from retranslate.fluency import Detector
from retranslate.glossary import Glossary
from retranslate.rewriter import Request, Rewrite, Rewriter
from retranslate.text import MAX_SENTENCE, split
from test_fluency import suspicious_of

Answer = Callable[[Request], Rewrite]


class FakeRewriter:
    """Answers as it is told; remembers what it was asked. A longer answer scores better where nothing else is said."""

    name = "fake"
    signature = "fake:00000000"
    detector: Detector | None = None
    reads_terms = True

    def __init__(
        self,
        answer: Answer | dict[str, str],
        *,
        longest: int = 1000,
        score: Callable[[str], float] = lambda text: 0.0,
        alternatives: dict[str, list[Rewrite]] | None = None,
    ) -> None:
        self._answer: Answer = (
            answer if callable(answer) else lambda request: Rewrite(answer.get(request.sentence, request.sentence), 0.0)
        )
        self._longest = longest
        self._score = score
        self._alternatives = alternatives or {}
        self.asked: list[Request] = []

    def fits(self, request: Request) -> bool:
        return len(request.sentence) <= self._longest

    def rewrite(
        self, requests: Sequence[Request], batch_size: int = 16, on_progress: Callable[[int, int], None] | None = None
    ) -> list[Rewrite]:
        self.asked += requests
        if on_progress is not None:
            on_progress(len(requests), len(requests))
        return [self._answer(request) for request in requests]

    def score(self, pairs: Sequence[tuple[Request, str]], batch_size: int = 16) -> list[float]:
        return [self._score(text) for _, text in pairs]

    def likelihoods(self, groups: Sequence[Sequence[str]], batch_size: int = 16) -> list[list[float]] | None:
        return [[self._score(text) for text in texts] for texts in groups]

    def alternatives(self, requests: Sequence[Request], count: int, batch_size: int = 16) -> list[list[Rewrite]]:
        return [self._alternatives.get(request.sentence, [])[:count] for request in requests]


def corrector_with(
    rewriter: FakeRewriter, glossary: Glossary = Glossary(), settings: Settings = Settings(margin=0.0)
) -> Corrector:
    return Corrector(glossary, cast(Rewriter, rewriter), settings)


def assert_sound(result: Result, text: str) -> None:
    """What holds of every result."""
    assert result.original == text
    assert apply(text, result.edits) == result.text
    assert list(result.edits) == sorted(result.edits, key=lambda edit: edit.start)
    for one, other in zip(result.edits, result.edits[1:], strict=False):
        assert one.end <= other.start
    for edit in result.edits:
        assert text[edit.start : edit.end] == edit.original != edit.replacement
        assert edit.reason
    for segment in result.segments:
        assert text[segment.start : segment.end] == segment.original
        inside = [
            edit.moved(-segment.start)
            for edit in result.edits
            if segment.start <= edit.start and edit.end <= segment.end
        ]
        assert apply(segment.original, inside) == segment.text
        assert (segment.status == "changed") == (segment.text != segment.original)
        assert (segment.status == "refused") == (segment.text == segment.original and bool(segment.refused_by))
    json.dumps(result.to_dict())


# --- receipts --------------------------------------------------------------------------------------------------------

NEWS = (
    "The road is open. He pointed Hadi that 12 elements of Daash fled \n\r\n \u00a0 \u200f \"over\" it is, and the İzmir 🙂 a.m. U.S. 3.5 not "
    "https://example.org/a anthy 7 - * Finished / 18 of (near) ?! … “so” the \t BAGHDAD (Wire) - "
).split(" ")  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(NEWS), max_size=40).map(" ".join))


def garbling(request: Request) -> Rewrite:
    """A rewrite that may do anything to a sentence, always the same to the same."""
    chance = random.Random(zlib.crc32(request.sentence.encode("utf-8", "surrogatepass")))
    words = request.sentence.split(" ")
    for _ in range(chance.randrange(5)):
        place = chance.randrange(len(words) + 1)
        match chance.randrange(5):
            case 0:
                words[place : place + 1] = []
            case 1:
                words.insert(place, chance.choice([*NEWS, "", "\n", "ﬁ", "𝔸", "\u200b", "13"]))
            case 2:
                words.insert(chance.randrange(len(words) + 1), words.pop(min(place, len(words) - 1)) if words else "x")
            case 3:
                words = words[place:] + words[:place]
            case _:
                words[place : place + 1] = [word.upper() for word in words[place : place + 1]]
    return Rewrite(" ".join(words), -1.0, complete=chance.random() > 0.1)


@pytest.fixture(scope="module")
def small_glossary(tmp_path_factory: pytest.TempPathFactory) -> Glossary:
    path = tmp_path_factory.mktemp("glossary") / "small.tsv"
    rows = [
        "wrong\tright\tmode\tnear\tnot_near\tcase\tnote",
        "Daash\tDaesh\tfix\t\t\texact\ta name",
        "element*\tfighter*\tfix\tDaash\t\tkeep\t",
        "road\tstreet\thint\t\t\tkeep\t",
        "Hadi\t\tforbid\t\t\texact\tflagged",
    ]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return Glossary.load([path], bundled=False)


@given(text=TEXTS)
def test_without_a_model_every_result_replays(small_glossary: Glossary, text: str) -> None:
    assert_sound(Corrector(small_glossary, None)(text), text)


@given(
    text=TEXTS,
    asked=st.sampled_from([tuple(guards.GUARDS), (), ("numbers", "names")]),
    margin=st.sampled_from([-1e9, 0.0, 0.5]),
)
def test_whatever_the_model_writes_every_result_replays(
    small_glossary: Glossary, text: str, asked: tuple[str, ...], margin: float
) -> None:
    rewriter = FakeRewriter(
        garbling, score=lambda text: (zlib.crc32(text.encode("utf-8", "surrogatepass")) % 100) / 50 - 1
    )
    result = corrector_with(rewriter, small_glossary, Settings(guards=asked, margin=margin))(text)
    assert_sound(result, text)
    if asked == tuple(guards.GUARDS):
        # Ends of lines are counted: an end mark that is all of the last line may go.
        counts = [len(re.findall(r"\r\n|[\n\r]", part)) for part in (text, result.text)]
        assert counts[0] == counts[1], "a line was joined, lost or added"
        for segment in result.segments:
            # Without the glossary and the rules' own changes, nothing the guards protect has changed but by its hint.
            # (Two roads side by side are two streets side by side: the text's own repetition.)
            own = segment.original.lower().count("road") > 1
            if segment.status == "changed" and not own and not Corrector(small_glossary, None)(text).changed:
                assert guards.judge(segment.original, segment.text, guards.Terms.of([("road", "street")])) == {}


def test_the_tiny_models_result_replays(tiny_rewriter: Rewriter, small_glossary: Glossary) -> None:
    text = "\r\n".join(["He pointed Hadi that 12 elements of Daash fled.", *tiny_models.sentences(12)])
    result = Corrector(small_glossary, tiny_rewriter, Settings(guards=(), margin=-1e9))(text)
    assert_sound(result, text)
    assert {edit.kind for edit in result.edits} >= {"model"}
    # The guards let nothing of a random model pass, or nearly so; what is left still replays.
    assert_sound(Corrector(small_glossary, tiny_rewriter)(text), text)


def test_edits_say_who_made_them_and_why(small_glossary: Glossary) -> None:
    text = "12 elements of Daash fled. He pointed Hadi that it is over. The road to the town open."
    rewriter = FakeRewriter({"The road to the town open.": "The road to the town is open."})
    result = corrector_with(rewriter, small_glossary)(text)
    assert result.text == "12 fighters of Daesh fled. Hadi pointed out that it is over. The road to the town is open."
    assert [(edit.kind, edit.reason) for edit in result.edits if edit.kind == "glossary"] == [
        ("glossary", "element* -> fighter*"), ("glossary", "a name"),
    ]  # fmt: skip
    assert {edit.reason for edit in result.edits if edit.kind == "rule"} == {"dummy subject"}
    (edit,) = [edit for edit in result.edits if edit.kind == "model"]
    assert text[edit.start : edit.end] == edit.original
    assert [segment.flags for segment in result.segments] == [(), ("Hadi: flagged",), ()]


# --- statuses, refusals, fallbacks -----------------------------------------------------------------------------------


def test_statuses_and_proposals() -> None:
    rewriter = FakeRewriter({
        "The road to it open.": "The road to it is open.",
        "He met 12 of the men.": "He met 13 of the men.",
        "The door is shut.": "The door is shut.",
    })  # fmt: skip
    result = corrector_with(rewriter)("The road to it open. He met 12 of the men. The door is shut.")
    assert [segment.status for segment in result.segments] == ["changed", "refused", "unchanged"]
    assert [segment.proposal for segment in result.segments] == [
        "The road to it is open.",
        "He met 13 of the men.",
        None,
    ]
    assert result.segments[1].refused_by == ("numbers",)
    assert result.refused == (result.segments[1],)
    assert result.text == "The road to it is open. He met 12 of the men. The door is shut."


def test_a_refused_rewrite_falls_back_to_glossary_and_rules(small_glossary: Glossary) -> None:
    text = "He pointed Hadi that 12 elements of Daash fled to the town."
    fallback = "Hadi pointed out that 12 fighters of Daesh fled to the town."
    rewriter = FakeRewriter({fallback: "Karim denied that 7 fighters fled."})
    result = corrector_with(rewriter, small_glossary)(text)
    assert result.text == fallback
    (segment,) = result.segments
    assert segment.status == "changed"
    assert {"numbers", "names"} <= set(segment.refused_by) <= set(guards.GUARDS)


def test_a_truncated_rewrite_is_refused_whole() -> None:
    rewriter = FakeRewriter(lambda request: Rewrite("The road to it is", 0.0, complete=False))
    (segment,) = corrector_with(rewriter)("The road to it open.").segments
    assert segment.refused_by == ("truncated",)
    assert segment.status == "refused"
    assert segment.proposal == "The road to it is"


def test_a_sentence_that_is_too_long_is_not_asked_about() -> None:
    rewriter = FakeRewriter({}, longest=20)
    (segment,) = corrector_with(rewriter)("The road to the town is open again.").segments
    assert rewriter.asked == []
    assert segment.refused_by == ("too long",)
    assert segment.status == "refused"


def test_a_sentence_of_a_hundred_thousand_characters_is_cut_up_and_nothing_of_it_lost(
    tiny_rewriter: Rewriter, small_glossary: Glossary
) -> None:
    long = "The council of the town said " + "that the road is open and " * 3850 + "no one was hurt."
    assert len(long) > 100_000
    text = f"Daash has fled. {long} Daash has fled."
    result = Corrector(small_glossary, tiny_rewriter, Settings(guards=()))(text)
    # Work on a sentence grows with the square of its length: it is cut up, and no piece of it is lost.
    assert "".join(segment.original for segment in result.segments).replace(" ", "") == text.replace(" ", "")
    assert max(len(segment.original) for segment in result.segments) <= MAX_SENTENCE
    assert {segment.refused_by for segment in result.segments[2:-2]} == {("too long",)}
    assert apply(text, result.edits) == result.text


def test_furniture_is_not_asked_about() -> None:
    rewriter = FakeRewriter({})
    corrector_with(rewriter)(
        "BAGHDAD (Wire) - Leave a Reply\n\nYou are commenting using your account. Log Out / Change )\n- \n12.5.2016 11:40"
    )
    assert not any("commenting" in request.sentence for request in rewriter.asked)


def test_a_rewrite_that_reads_no_better_is_refused() -> None:
    answers = {"The road to it open.": "The road to it is open."}
    worse = FakeRewriter(answers, score=lambda text: -2.0 if " is " in text else -1.0)
    (segment,) = corrector_with(worse)("The road to it open.").segments
    assert (segment.status, segment.refused_by) == ("refused", ("margin",))
    better = FakeRewriter(answers, score=lambda text: -0.5 if " is " in text else -1.0)
    assert corrector_with(better)("The road to it open.").changed
    # Half a nat a token in a sentence of five words, and nothing else that speaks of garbled text.
    assert corrector_with(better, settings=Settings(margin=1.87))("The road to it open.").changed
    assert not corrector_with(better, settings=Settings(margin=1.88))("The road to it open.").changed


def test_a_repair_elsewhere_in_the_text_lets_a_rewrite_stand(small_glossary: Glossary) -> None:
    answers = {"The road to it open.": "The road to it is open."}
    rewriter = FakeRewriter(answers, score=lambda text: -0.5 if " is " in text else -1.0)
    corrector = corrector_with(rewriter, small_glossary, Settings(margin=2.4))
    assert not corrector("The road to it open. They met.").changed
    assert corrector("The road to it open. They met the Daash.").text == "The road to it is open. They met the Daesh."


def test_only_the_guards_of_the_settings_are_asked() -> None:
    rewriter = FakeRewriter({"He met 12 of the men.": "He met 13 of the men."})
    assert corrector_with(rewriter, settings=Settings(guards=("dates",), margin=0.0))("He met 12 of the men.").changed


def test_hints_go_to_the_model_and_are_allowed_by_the_guards(small_glossary: Glossary) -> None:
    rewriter = FakeRewriter({"The road is open to the town.": "The street is open to the town."})
    result = corrector_with(rewriter, small_glossary)("The road is open to the town.")
    assert rewriter.asked == [Request("The road is open to the town.", (("road", "street"),))]
    assert result.text == "The street is open to the town."


def test_a_kept_term_is_never_touched(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("huge bridge", "", "keep"), ("Osaf", "", "keep"))
    rewriter = FakeRewriter({"The huge bridge open to the town.": "The vast bridge is open to the town."})
    (segment,) = corrector_with(rewriter, glossary)("The huge bridge open to the town.").segments
    assert segment.text == "The huge bridge is open to the town."
    assert "keep" in segment.refused_by
    assert Corrector(glossary, None)("The Osaf, that it is over.").text == "The Osaf, that it is over."


def test_a_forbidden_term_is_flagged_and_never_brought_in(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("slain", "", "forbid", "", "", "keep", "a word that takes sides"))
    rewriter = FakeRewriter({"Two of the killed were from it.": "Two of the slain were from it."})
    (segment,) = corrector_with(rewriter, glossary)("Two of the killed were from it.").segments
    assert (segment.status, segment.text) == ("refused", "Two of the killed were from it.")
    assert "forbid" in segment.refused_by
    (flagged,) = Corrector(glossary, None)("Two slain are from it.").segments
    assert flagged.flags == ("slain: a word that takes sides",)
    assert flagged.status == "unchanged"


def test_the_same_sentence_is_asked_about_once() -> None:
    rewriter = FakeRewriter({"The road to it open.": "The road to it is open."})
    result = corrector_with(rewriter)("The road to it open.\nThe road to it open.")
    assert len(rewriter.asked) == 1
    assert result.text == "The road to it is open.\nThe road to it is open."
    assert_sound(result, result.original)


# --- what survives ---------------------------------------------------------------------------------------------------

SURVIVORS = {
    "empty": "",
    "space": "   ",
    "crlf": "The road is open.\r\nThe bridge is not.\r\n",
    "cr": "The road is open.\rThe bridge is not.\r",
    "mixed line ends": "The road is open.\nThe bridge is not.\r\nIt is shut.\u2028And so is this.\x85",
    "no final newline": "The road is open.\nThe bridge is not",
    "no-break space": "The road is 12\u00a0km long and it costs 3\u00a0million.",
    "right-to-left marks": "\u200fThe road is open to them.\u200f\u202b",
    "dotted capital I": "The mayor of İzmir said that İbrahim was there.",
    "astral": "The 𝔸 of the road is 🙂 to them.",
    "lone surrogate": "The road is \ud800 open to them.",
    "null": "The road is \x00 open to them.",
    "tabs": "\tThe road is open.\t\n\t\n",
    "byte order mark": "\ufeffThe road is open to them.",
}


def parroting(request: Request) -> Rewrite:
    """Says the same in the spelling of a tokenizer that normalises."""
    import unicodedata

    plain = " ".join(unicodedata.normalize("NFKC", request.sentence).split())
    return Rewrite(plain.replace("\u200f", "").replace("\ufeff", ""), 0.0)


@pytest.mark.parametrize("name", SURVIVORS)
def test_a_good_text_survives_byte_for_byte(name: str, tiny_rewriter: Rewriter) -> None:
    text = SURVIVORS[name]
    for corrector in (
        Corrector(Glossary(), None),
        corrector_with(FakeRewriter(parroting)),
        Corrector(Glossary(), tiny_rewriter),
    ):
        result = corrector(text)
        assert_sound(result, text)
        if corrector.rewriter is not tiny_rewriter:
            assert result.text == text
        assert len(result.text.splitlines(keepends=True)) == len(text.splitlines(keepends=True))


def test_links_and_their_like_are_not_touched(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("crowd", "Popular Mobilization", "fix"), ("strings", "leads", "fix"))
    text = "See https://example.org/crowd?strings=1 and www.crowd.org of the crowd. Ask strings@crowd.org or @crowd about #strings and `crowd`."
    result = Corrector(glossary, None)(text)
    assert result.text == text.replace("of the crowd", "of the Popular Mobilization")
    links = {
        request: request.replace("https://example.org/crowd", "https://example.org/mob")
        for request in (s.text for s in split(result.text))
    }
    assert corrector_with(FakeRewriter(links), glossary)(text).text == result.text


def test_an_edit_that_empties_a_line_keeps_the_line() -> None:
    result = Corrector(Glossary(), None)("It is over.\nFinished / 18\n")
    assert result.text == "It is over.\n\n"
    assert_sound(result, "It is over.\nFinished / 18\n")


# --- many texts ------------------------------------------------------------------------------------------------------


def test_a_stream_reads_no_further_ahead_than_its_window() -> None:
    taken: list[int] = []

    def source() -> Iterator[str]:
        for number in range(50):
            taken.append(number)
            yield f"Text {number} of the many is here."

    corrector = corrector_with(FakeRewriter({}), settings=Settings(window=8, margin=0.0))
    stream = corrector.stream(source())
    assert taken == []
    for number, result in zip(range(20), stream, strict=False):
        assert result.text == f"Text {number} of the many is here."
        assert len(taken) <= number + 8
    assert len(taken) == 24


def test_a_stream_gives_what_correct_many_gives(small_glossary: Glossary) -> None:
    texts = ["The Daash fled.", "", "He pointed Hadi that it is over.", "It is \ud800 over."] * 5
    corrector = corrector_with(FakeRewriter(garbling), small_glossary, Settings(window=3, margin=0.0))
    assert list(corrector.stream(iter(texts))) == corrector.correct_many(texts)
    assert [corrector(text) for text in texts] == corrector.correct_many(texts)
    assert list(corrector.stream([])) == []


def test_a_long_text_goes_passage_by_passage_and_its_receipt_still_fits(
    small_glossary: Glossary, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(f"The Daash fled {number} times.\n\nHe pointed Hadi that it is over.\n" for number in range(9))
    corrector = corrector_with(FakeRewriter(garbling), small_glossary, Settings(margin=0.0))
    whole = corrector(text)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr("retranslate.corrector.PASSAGE", 100)
    short = "The Daash fled."
    result, other = corrector.correct_many([text, short], lambda done, total: seen.append((done, total)))
    assert result == whole
    assert other == corrector(short)
    assert apply(text, result.edits) == result.text
    assert all(text[segment.start : segment.end] == segment.original for segment in result.segments)
    assert len(seen) > 5
    assert seen[-1] == (len(text), len(text))


def test_memory_is_given_back_after_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[None] = []
    monkeypatch.setattr("retranslate.corrector.give_back", lambda: given.append(None))
    corrector = corrector_with(FakeRewriter({}))
    line = "It is the one.\n"
    for texts, times in (([line], 0), ([line * 1000], 1), ([line * 400, line * 400], 1)):
        given.clear()
        corrector.correct_many(texts)
        assert len(given) == times


def test_progress_counts_sentences() -> None:
    seen: list[tuple[int, int]] = []
    corrector_with(FakeRewriter({})).correct_many(
        ["It is the one. It is the two.", "It is the three."], lambda done, total: seen.append((done, total))
    )
    assert seen == [(3, 3)]


@pytest.mark.parametrize("guarded", [True, False])
def test_batch_sizes_do_not_change_a_byte(
    tiny_rewriters: dict[str, Rewriter], small_glossary: Glossary, guarded: bool
) -> None:
    texts = [" ".join(tiny_models.sentences(20)[start : start + 4]) for start in range(0, 20, 4)]
    for family in ("causal", "bart") if guarded else ("causal",):
        outcomes = []
        for size in (1, 3, 16):
            settings = Settings(batch_size=size) if guarded else Settings(batch_size=size, guards=(), margin=-0.5)
            results = Corrector(small_glossary, tiny_rewriters[family], settings).correct_many(texts)
            outcomes.append([result.to_dict() for result in results])
        assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_score_too_close_to_the_margin_is_asked_again_alone() -> None:
    class Noisy(FakeRewriter):
        def score(self, pairs: Sequence[tuple[Request, str]], batch_size: int = 16) -> list[float]:
            noise = 1e-5 if len(pairs) > 1 else 0.0
            return [-1.0 - (noise if " is " in text else 0.0) for _, text in pairs]

    answers = {f"The road {n} of it open.": f"The road {n} of it is open." for n in ("north", "south")}
    together = corrector_with(Noisy(answers))(" ".join(answers))
    alone = [corrector_with(Noisy(answers))(sentence).text for sentence in answers]
    assert together.text == " ".join(alone)


# --- signature, settings, loading ------------------------------------------------------------------------------------


def test_the_signature_changes_with_whatever_changes_the_outcome(
    tiny_rewriters: dict[str, Rewriter], small_glossary: Glossary
) -> None:
    made = [
        Corrector(Glossary(), None),
        Corrector(small_glossary, None),
        Corrector(Glossary(), tiny_rewriters["causal"]),
        Corrector(Glossary(), tiny_rewriters["t5"]),
        Corrector(Glossary(), tiny_rewriters["t5"], Settings(guards=("numbers",))),
        Corrector(Glossary(), tiny_rewriters["t5"], Settings(guards=())),
        Corrector(Glossary(), tiny_rewriters["t5"], Settings(margin=0.25)),
    ]
    assert len({corrector.signature for corrector in made}) == len(made)
    same = Corrector(Glossary(), None, Settings(batch_size=3, window=1))
    assert same.signature == made[0].signature
    assert same("It is over.").signature == same.signature


def test_from_pretrained_takes_a_folder(tiny_folders: dict[str, Any], small_glossary: Glossary) -> None:
    corrector = Corrector.from_pretrained(
        tiny_folders["t5"], glossary=small_glossary, device="cpu", settings=Settings(batch_size=2)
    )
    assert corrector.glossary is small_glossary
    assert corrector.rewriter is not None
    assert (
        corrector("The Daash fled to the north.").text.startswith("The Daesh")
        or corrector("The Daash fled to the north.").changed
    )


def test_without_model_takes_the_bundled_glossaries_unless_told_otherwise(small_glossary: Glossary) -> None:
    assert Corrector.without_model(glossary=small_glossary).glossary is small_glossary
    assert Corrector.without_model().glossary.user == 0


# --- glossary and model as one ---------------------------------------------------------------------------------------


def outcomes(result: Result) -> list[tuple[str, str, str]]:
    return [(term.found, term.outcome, term.reason) for segment in result.segments for term in segment.terms]


def test_a_hint_is_obeyed_declined_or_lost(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("parents", "residents", "hint"), ("Kma", "Also", "hint"))
    rewriter = FakeRewriter({
        "The parents of it has fled.": "The residents of it have fled.",
        "The parents of it is here.": "The parents of it are here.",
        "Kma it has come to them.": "It has come to them.",
    })  # fmt: skip
    lenient = Settings(guards=("numbers",), margin=0.0)
    result = corrector_with(rewriter, glossary, lenient)("The parents of it has fled.\nKma it has come to them.")
    assert outcomes(result) == [
        ("parents", "obeyed", "by the model"),
        ("Kma", "lost", "gone with other words of the rewrite"),
    ]
    assert result.segments[1].flags == ("Kma: neither it nor Also is in the rewrite",)
    alone = corrector_with(rewriter, glossary)("The parents of it is here.")
    assert outcomes(alone) == [("parents", "declined", "the model left it")]
    assert outcomes(Corrector(glossary, None)("The parents of it.")) == [("parents", "declined", "no model was asked")]


def test_a_lost_hint_is_no_licence_to_drop_its_words(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("parents", "residents", "hint"))
    rewriter = FakeRewriter({"The parents of Basra has fled.": "The many of Basra have fled."})
    (segment,) = corrector_with(rewriter, glossary)("The parents of Basra has fled.").segments
    assert "parents" in segment.text
    assert "content" in segment.refused_by
    assert [term.outcome for term in segment.terms] == ["declined"]


def test_a_hint_that_the_model_followed_in_a_refused_rewrite_is_followed(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("parent*", "resident*", "hint"))
    sentence = "The parents of it has fled to Basra."
    worse = FakeRewriter(
        {sentence: "Residents of it have fled."}, score=lambda text: -1.0 if text == sentence else -2.0
    )
    result = corrector_with(worse, glossary)(sentence)
    assert result.text == "The residents of it has fled to Basra."
    (edit,) = result.edits
    assert (edit.kind, edit.original, edit.replacement) == ("glossary", "parents", "residents")
    ((_, outcome, reason),) = outcomes(result)
    assert (outcome, reason) == ("obeyed", edit.reason)
    assert_sound(result, sentence)


def test_a_hint_that_the_model_followed_elsewhere_in_the_text_is_followed(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("parents", "residents", "hint"))
    rewriter = FakeRewriter({"The parents of it has fled.": "The residents of it have fled."})
    text = "The parents of it has fled. It is the parents that are here."
    result = corrector_with(rewriter, glossary)(text)
    assert result.text == "The residents of it have fled. It is the residents that are here."
    assert [edit.kind for edit in result.edits][-1] == "consistency"
    assert_sound(result, text)
    apart = corrector_with(rewriter, glossary).correct_many(text.split(". "))
    assert apart[1].text == "It is the parents that are here."


@pytest.mark.parametrize(
    "undoing",
    ["The strings of the case are found.", "The case is found."],
    ids=["the wrong wording is back", "the right one vanished"],
)
def test_a_repair_that_the_model_undoes_stands(make_glossary: GlossaryMaker, undoing: str) -> None:
    glossary = make_glossary(("string*", "lead*", "fix"))
    # No guard is asked: the repair is the glossary's own affair.
    settings = Settings(guards=(), margin=0.0)
    rewriter = FakeRewriter({"The leads of the case is found.": undoing})
    (segment,) = corrector_with(rewriter, glossary, settings)("The strings of the case is found.").segments
    assert "leads" in segment.text
    assert "strings" not in segment.text
    assert "fix" in segment.refused_by
    assert any(("fix", "a repair of the glossary is undone") in refused.complaints for refused in segment.refusals)


def test_what_does_not_touch_a_repair_is_taken_all_the_same(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix"))
    rewriter = FakeRewriter({"The leads of the old case is found.": "The strings of the old case are found."})
    result = corrector_with(rewriter, glossary)("The strings of the old case is found.")
    assert result.text == "The leads of the old case are found."


def test_refusals_name_the_changes_and_the_complaints() -> None:
    rewriter = FakeRewriter({"He met 12 of the men.": "He met 13 of the men."})
    (segment,) = corrector_with(rewriter)("He met 12 of the men.").segments
    (refused,) = segment.refusals
    assert refused.changes == (("12", "13"),)
    assert {guard for guard, _ in refused.complaints} == set(segment.refused_by)
    assert segment.to_dict()["refusals"][0]["changes"] == [{"original": "12", "replacement": "13"}]


@given(text=TEXTS)
def test_steps_lead_from_the_original_to_the_text(small_glossary: Glossary, text: str) -> None:
    for segment in corrector_with(FakeRewriter(garbling), small_glossary, Settings(guards=(), margin=-1.0))(
        text
    ).segments:
        stand = segment.original
        for step in segment.steps:
            stand = apply(stand, step.edits)
            assert stand == step.text
        assert stand == segment.text


def test_what_the_model_has_put_in_order_is_shown_to_the_glossary_again(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(
        ("lift* the session", "adjourn* the session", "fix"), ("funds", "boxes", "only-near", "count of")
    )
    sentence = "The council it lift session the, and the funds count."
    rewriter = FakeRewriter({sentence: "The council lifted the session, and the count of funds."})
    result = corrector_with(rewriter, glossary)(sentence)
    assert result.text == "The council adjourned the session, and the count of boxes."
    assert [step.by for step in result.segments[0].steps] == ["model", "glossary"]
    assert result.edits[-1].kind == "glossary"
    assert_sound(result, sentence)


def test_what_the_model_left_alone_is_not_shown_to_the_glossary_again(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("strings", "leads", "fix"), ("leads", "clues", "fix"))
    result = corrector_with(FakeRewriter({}), glossary)("The strings were found.")
    assert result.text == "The leads were found."


# --- reminders -------------------------------------------------------------------------------------------------------

FORGETFUL = "Said the minister the road is opened before the bridge."


def _forgets(request: Request) -> Rewrite:
    reminded = dict(request.hints)
    return Rewrite(
        "The minister said the road opened before the bridge."
        if "bridge" in reminded
        else "The minister said the road is open."
        if request.sentence == FORGETFUL
        else request.sentence,
        0.0,
    )


def test_a_rewrite_that_lost_a_word_is_asked_for_again_with_that_word() -> None:
    rewriter = FakeRewriter(_forgets, score=lambda text: float(text.startswith("The minister said the road opened")))
    result = corrector_with(rewriter, settings=Settings(margin=0.1))(FORGETFUL)
    assert result.text == "The minister said the road opened before the bridge."
    assert [request.hints for request in rewriter.asked] == [(), (("bridge", "bridge"),)]
    assert {edit.reason for edit in result.edits} == {"rewritten by the model, reminded of words it had lost"}
    assert_sound(result, FORGETFUL)


def test_a_model_that_knows_no_terms_is_not_reminded() -> None:
    rewriter = FakeRewriter(_forgets)
    rewriter.reads_terms = False
    corrector_with(rewriter)(FORGETFUL)
    assert [request.hints for request in rewriter.asked] == [()]


def test_a_rewrite_that_nobody_refused_is_not_asked_for_again() -> None:
    rewriter = FakeRewriter({"The road to it open.": "The road to it is open."})
    corrector_with(rewriter)("The road to it open.")
    assert len(rewriter.asked) == 1


# --- second chances --------------------------------------------------------------------------------------------------

ASKED = "He met 12 of the men is here."


def test_a_refused_rewrite_gets_a_second_chance_unless_none_is_wanted() -> None:
    others = [
        Rewrite("He met 13 of the men who is here.", -0.1),
        Rewrite("He met 12 of the men who are here.", -0.2),
        Rewrite("He met 12 of the men who", -0.1, complete=False),
        Rewrite("He met 12 of the men that are here.", -0.3),
    ]
    rewriter = FakeRewriter(
        {ASKED: "He met 13 of the men."},
        alternatives={ASKED: others},
        score=lambda text: {
            "He met 12 of the men who are here.": -0.5,
            "He met 12 of the men that are here.": -0.7,
        }.get(text, -1.0),
    )
    none = corrector_with(rewriter, settings=Settings(margin=1.0, second_chance=0))(ASKED)
    assert (none.text, none.segments[0].refused_by[-1]) == (ASKED, "margin")
    result = corrector_with(rewriter, settings=Settings(margin=1.0))(ASKED)
    assert result.text == "He met 12 of the men who are here."
    assert {edit.reason for edit in result.edits} == {"rewritten by the model at a second attempt"}
    assert "numbers" in result.segments[0].refused_by
    assert "margin" not in result.segments[0].refused_by
    assert_sound(result, ASKED)
    # Where something of the first rewrite could stand there is no other.
    first = corrector_with(rewriter, settings=Settings(margin=0.0))(ASKED)
    assert {edit.reason for edit in first.edits} == {"rewritten by the model"}


def test_what_was_not_refused_is_not_asked_about_again() -> None:
    rewriter = FakeRewriter(
        {"The road to it open.": "The road to it is open."},
        alternatives={"The road to it open.": [Rewrite("The road is open.", 0.0)]},
        score=lambda text: float(-len(text)),
    )
    settings = Settings(margin=-100.0, second_chance=2)
    assert corrector_with(rewriter, settings=settings)("The road to it open.").text == "The road to it is open."


def test_second_chances_are_in_the_signature() -> None:
    assert Corrector(Glossary(), None, Settings(second_chance=4)).signature.endswith("|second_chance:4")


def test_the_model_is_not_asked_about_what_is_clearly_fluent() -> None:
    rewriter = FakeRewriter({})
    rewriter.detector = suspicious_of("coffee")
    clean, garbled = "The minister said that the exports rose.", "The minister of coffee said that the exports rose."
    corrector_with(rewriter)(f"{clean} {garbled}")
    assert [request.sentence for request in rewriter.asked] == [garbled]
    rewriter.asked.clear()
    corrector = corrector_with(rewriter, settings=Settings(skip_fluent=False))
    corrector(f"{clean} {garbled}")
    assert [request.sentence for request in rewriter.asked] == [clean, garbled]
    assert corrector.signature.endswith("|every_sentence")
