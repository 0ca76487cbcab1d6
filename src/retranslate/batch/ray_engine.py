"""The engine of a Ray cluster: Ray Data reads the shards where the run was begun and repairs them wherever there is room.

Needs Ray: the extra ``[ray]``. The journal is that of every engine, so a cluster that is gone costs no more than the
shards that were on their way.
"""

from __future__ import annotations

import json
import logging
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from retranslate.batch.repairing import MakeCorrector, Work, repaired
from retranslate.batch.rows import SHARD_CHARACTERS, Outcome, Row, Shard
from retranslate.errors import InputError, RetranslateError


class OnRay:
    """The engine of the cluster that ``RAY_ADDRESS`` names, or of one that is started here for the run.

    ``workers`` actors load the Corrector, each with one processor, and one GPU where ``gpu`` says so. The files of a
    glossary or model must be at the same place on every machine; the input is read on this one only.
    """

    def __init__(self, make: MakeCorrector, workers: int, *, gpu: bool = False) -> None:
        try:
            import ray.data  # noqa: F401
        except ModuleNotFoundError as error:
            raise InputError(
                f"--engine ray needs {error.name}; install the extra: pip install 'retranslate[ray]'."
            ) from error
        self._make = make
        self._workers = workers
        self._resources = {"num_cpus": 1, "num_gpus": int(gpu)}

    def __enter__(self) -> Self:
        import ray

        self._started = not ray.is_initialized()
        if self._started:
            # A cluster of one machine has no business outside of it; the worker processes and one that reads.
            alone = {"num_cpus": self._workers + 1, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
            ray.init(log_to_driver=False, logging_level="ERROR", **({} if "RAY_ADDRESS" in os.environ else alone))
        speak = ray.remote(**self._resources)(_signature)
        try:
            self._signature: str = ray.get(speak.remote(self._make))
        except ray.exceptions.RayTaskError as error:
            self._leave()
            raise _told(error) from error
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        import ray

        if self._started:
            ray.shutdown()

    @property
    def signature(self) -> str:
        """The signature of the Corrector that repairs."""
        return self._signature

    def run(self, work: Work) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each shard with its number, as they come. What a dead actor or machine had is done again."""
        import ray
        from ray.data import ActorPoolStrategy, DataContext

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = DataContext.get_current()
        context.enable_progress_bars = False
        # About a shard a block: what is held, moved and done again at a time.
        context.target_max_block_size = SHARD_CHARACTERS
        here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
        repairs = ray.data.read_datasource(_source(work), override_num_blocks=1, label_selector=here).map_batches(
            RepairShards,
            fn_constructor_args=(self._make, self._signature),
            batch_size=1,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=self._workers),
            **self._resources,
        )
        try:
            for row in repairs.iter_rows():
                yield row["number"], [Outcome.from_dict(values) for values in json.loads(row["outcomes"])]
        except ray.exceptions.RayError as error:
            raise _told(error) from error


class RepairShards:
    """Repairs tables of shards, in a Ray actor: the Corrector is made once."""

    def __init__(self, make: MakeCorrector, signature: str) -> None:
        self._corrector = make()
        if self._corrector.signature != signature:
            raise InputError(
                f"the model or glossary on {platform.node()} is not that of the run: {self._corrector.signature}."
            )

    def __call__(self, shards: Any) -> Any:
        import pyarrow as pa

        outcomes = [repaired(self._corrector, _rows(text)) for text in shards["rows"].to_pylist()]
        spelt = [json.dumps([outcome.to_dict() for outcome in shard]) for shard in outcomes]
        return pa.table({"number": shards["number"], "outcomes": pa.array(spelt, pa.large_string())})


def _signature(make: MakeCorrector) -> str:
    return make().signature


def _table(shard: Shard) -> Any:
    import pyarrow as pa

    # All ASCII: names of files and texts hold what no Arrow string can.
    spelt = json.dumps([asdict(row) for row in shard.rows])
    return pa.table({"number": [shard.number], "rows": pa.array([spelt], pa.large_string())})


def _rows(spelt: str) -> list[Row]:
    return [Row(**values) for values in json.loads(spelt)]


def _source(work: Work) -> Any:
    """A Ray Data source that reads the work's shards as they are wanted, one table each."""
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    class Shards(Datasource):  # type: ignore[misc]
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, parallelism: int, *limits: Any, **more: Any) -> list[Any]:
            metadata = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
            return [ReadTask(lambda: map(_table, work.shards()), metadata)]

    return Shards()


def _told(error: Exception) -> RetranslateError:
    """What was raised on the other side, if that was meant for a person, or that Ray has given up."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None) or cause.__cause__
        if isinstance(cause, RetranslateError):
            return RetranslateError(str(cause)) if not isinstance(cause, InputError) else InputError(str(cause))
        cause = inner if inner is not cause else None
    line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return RetranslateError(
        f"Ray has given up: {line[:300]}; what was done so far is kept: give the same command again."
    )
