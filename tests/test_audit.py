"""What the checks say of pip-audit's report, also where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "audit.py"
CLEAN = {"name": "clean", "version": "1.0", "vulns": []}
WEAK = {"name": "weak", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"]}, {"id": "PYSEC-2", "fix_versions": []}]}  # fmt: skip
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.mark.skipif(not SCRIPT.exists(), reason="the checks are not part of the source distribution")
@pytest.mark.parametrize(
    ("report", "lines"),
    [
        ("", ["pip-audit could not be installed or could not reach its data: nothing was audited."]),
        ("Traceback", ["pip-audit could not be installed or could not reach its data: nothing was audited."]),
        ({"dependencies": [UNKNOWN]}, ["pip-audit could not find any of 1 packages in its data: nothing was audited."]),
        ({"dependencies": [CLEAN, UNKNOWN]}, ["1 of 2 packages were audited, 0 known weaknesses:"]),
        (
            {"dependencies": [CLEAN, WEAK]},
            [
                "2 of 2 packages were audited, 2 known weaknesses:",
                "  weak 2.0: PYSEC-1, repaired in 2.1, 3.0",
                "  weak 2.0: PYSEC-2, repaired in no version yet",
            ],
        ),
    ],
)
def test_a_report_is_told_and_never_fails(report: Any, lines: list[str]) -> None:
    given = report if isinstance(report, str) else json.dumps(report)
    done = subprocess.run(
        [sys.executable, SCRIPT], input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == lines
