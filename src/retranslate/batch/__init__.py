"""Long runs over tables and folders: a journal that outlasts every kill, bounded memory, one process or many."""

from __future__ import annotations

from retranslate.batch.job import Job, Summary
from retranslate.batch.repairing import Engine, InProcess
from retranslate.batch.rows import Outcome, Row, Shard
from retranslate.batch.sources import Source, open_source
from retranslate.batch.workers import Workers

__all__ = ["Engine", "InProcess", "Job", "Outcome", "Row", "Shard", "Source", "Summary", "Workers", "open_source"]
