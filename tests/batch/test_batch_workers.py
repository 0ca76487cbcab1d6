"""Many processes: the rows and the bytes of one, also when workers die."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from batch_runs import GARBLED, REPAIRED, make_corrector, run, write_json_lines
from faulty_workers import Deadly, Odd, dying, refusing

from retranslate.batch import Job, Workers, open_source
from retranslate.batch.repairing import Work
from retranslate.batch.rows import SHARD_ROWS, Outcome
from retranslate.batch.workers import _threads
from retranslate.errors import InputError, RetranslateError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    texts = [{"text": f"{GARBLED} {n}"} for n in range(SHARD_ROWS * 5 + 7)]
    return write_json_lines(tmp_path / "in.jsonl", texts)


def outcomes_of(engine: Workers, source: Path) -> list[Outcome]:
    with engine:
        shards = dict(engine.run(Work(open_source(source))))
    return [outcome for number in sorted(shards) for outcome in shards[number]]


def test_same_bytes_as_one_process(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "one.jsonl")
    with Workers(make_corrector(tmp_path), 3) as engine:
        Job(open_source(source), tmp_path / "three.jsonl").run(engine)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "three.jsonl").read_bytes()


def test_a_worker_that_dies_is_replaced_and_no_row_lost(source: Path, tmp_path: Path) -> None:
    engine = Workers(make_corrector(tmp_path), 2)
    with engine:
        killed = 0
        shards = {}
        for number, outcomes in engine.run(Work(open_source(source))):
            shards[number] = outcomes
            if killed < 3:
                os.kill(engine._workers[killed % 2].child, signal.SIGKILL)
                killed += 1
    statuses = [outcome.status for number in sorted(shards) for outcome in shards[number]]
    assert killed == 3
    assert statuses == ["changed"] * (SHARD_ROWS * 5 + 7)


def test_a_row_that_kills_every_worker_is_kept_with_its_error(tmp_path: Path) -> None:
    texts = [{"text": "deadly" if n == 3 else GARBLED} for n in range(6)]
    source = write_json_lines(tmp_path / "in.jsonl", texts)
    outcomes = outcomes_of(Workers(Deadly(make_corrector(tmp_path)), 1), source)
    statuses = [outcome.status for outcome in outcomes]
    assert statuses[3].startswith("error: the process that worked on it died")
    assert statuses[:3] + statuses[4:] == ["changed"] * 5


def test_a_row_that_killed_one_worker_is_done_by_the_next(tmp_path: Path) -> None:
    source = write_json_lines(tmp_path / "in.jsonl", [{"text": "deadly"}, {"text": GARBLED}])
    outcomes = outcomes_of(Workers(Deadly(make_corrector(tmp_path), tmp_path / "once"), 2), source)
    assert [outcome.status for outcome in outcomes] == ["unchanged", "changed"]


def test_what_stops_a_worker_from_loading_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model"), Workers(refusing, 2):
        pass
    with pytest.raises(RetranslateError, match="a worker died while it loaded"), Workers(dying, 2):
        pass


def test_workers_that_do_not_agree_are_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was changed while the run went on"):
        outcomes_of(Workers(Odd(make_corrector(tmp_path)), 2), source)


def test_workers_are_gone_with_the_engine(source: Path, tmp_path: Path) -> None:
    with Workers(make_corrector(tmp_path), 2) as engine:
        assert engine.signature == make_corrector(tmp_path)().signature
        children = [worker.child for worker in engine._workers]
        next(engine.run(Work(open_source(source))))
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_a_nursery_that_dies_is_replaced_with_its_workers(source: Path, tmp_path: Path) -> None:
    engine = Workers(make_corrector(tmp_path), 2)
    with engine:
        shards = {}
        for number, outcomes in engine.run(Work(open_source(source))):
            shards[number] = outcomes
            if len(shards) == 1:
                engine._nursery._process.kill()
    assert sum(len(outcomes) for outcomes in shards.values()) == SHARD_ROWS * 5 + 7


def test_threads_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [_threads(count) for count in (1, 3, 100)] == [8, 2, 1]
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert _threads(2) == 2


def test_repairs_are_those_of_the_glossary(tmp_path: Path) -> None:
    source = write_json_lines(tmp_path / "in.jsonl", [{"text": GARBLED}])
    (outcome,) = outcomes_of(Workers(make_corrector(tmp_path), 1), source)
    assert outcome.edits[0].replacement in REPAIRED
