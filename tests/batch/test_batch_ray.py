"""Ray: the rows of one process, also when a worker is killed. Needs the extra [ray]; the cluster is on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batch_runs import COMMAND, GARBLED, NO_MODEL, make_corrector, run, write_json_lines

from retranslate.batch.rows import SHARD_ROWS, Row, Shard
from retranslate.errors import InputError, RetranslateError

pytest.importorskip("ray.data")

from retranslate.batch.ray_engine import OnRay, RepairShards, _rows, _table, _told

# A busy machine starts a cluster slowly.
PATIENCE = dict.fromkeys(
    (
        "RAY_raylet_start_wait_time_s", "RAY_gcs_rpc_server_reconnect_timeout_s", "RAY_gcs_server_request_timeout_seconds",
        "RAY_worker_register_timeout_seconds", "RAY_gcs_rpc_server_connect_timeout_s",
    ),
    "600",
)  # fmt: skip


def processes_named(title: str) -> list[int]:
    """The processes with ``title`` in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if title.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="the workers are found in /proc")
def test_a_worker_killed_in_the_middle_costs_no_row_and_no_byte(tmp_path: Path) -> None:
    texts = [{"id": n, "text": f"{GARBLED} {n}" if n % 7 else n} for n in range(SHARD_ROWS * 40)]
    source = write_json_lines(tmp_path / "in.jsonl", texts)
    run(source, tmp_path / "local.jsonl")
    command = [*COMMAND, *NO_MODEL, "--glossary", "own.tsv", "in.jsonl", "ray.jsonl", "--engine", "ray", "-O", "2"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | PATIENCE, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    shards = tmp_path / "ray.jsonl.batch" / "shards"
    killed: set[int] = set()
    while process.poll() is None and len(killed) < 2:
        done = len(list(shards.glob("*.gz"))) if shards.is_dir() else 0
        if done > 3 * len(killed):
            for worker in set(processes_named("ray::MapWorker")) - killed:
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
                break
        time.sleep(0.01)
    out, err = process.communicate(timeout=1200)
    assert process.returncode == 0, err
    assert len(killed) == 2
    assert f"{len(texts):,} rows: " in out
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "local.jsonl").read_bytes()


def test_shards_cross_over_whole(tmp_path: Path) -> None:
    rows = (Row("1", GARBLED), Row("caf\udce9", None, "why"), Row("3", "It is over.\u2028"))
    table = _table(Shard(7, rows))
    assert _rows(table["rows"][0].as_py()) == list(rows)
    make = make_corrector(tmp_path)
    outcomes = RepairShards(make, make().signature)(table)
    assert outcomes["number"].to_pylist() == [7]


def test_a_worker_with_another_glossary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not that of the run"):
        RepairShards(make_corrector(tmp_path), "another")


def test_what_was_raised_on_the_other_side_is_told() -> None:
    class Wrapped(Exception):
        cause = InputError("no such model")

    assert isinstance(_told(Wrapped()), InputError)
    other = _told(ValueError("one\ntwo"))
    assert type(other) is RetranslateError
    assert "Ray has given up: two; what was done so far is kept" in str(other)


def test_without_ray_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray.data", None)
    make: Any = make_corrector(tmp_path)
    with pytest.raises(
        InputError, match=r"--engine ray needs ray.data; install the extra: pip install 'retranslate\[ray\]'"
    ):
        OnRay(make, 1)
