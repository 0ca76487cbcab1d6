"""What pip-audit found, as lines to read: its JSON report comes by standard input. Never fails: see SECURITY.md."""

from __future__ import annotations

import json
import sys


def told(report: str) -> list[str]:
    """The lines for ``report``, which is empty where pip-audit could not do its work."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return ["pip-audit could not be installed or could not reach its data: nothing was audited."]
    known = [package for package in packages if "vulns" in package]
    if not known:
        return [f"pip-audit could not find any of {len(packages)} packages in its data: nothing was audited."]
    found = [
        f"  {package['name']} {package['version']}: {weakness['id']}, repaired in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for package in known
        for weakness in package["vulns"]
    ]
    return [f"{len(known)} of {len(packages)} packages were audited, {len(found)} known weaknesses:", *found]


if __name__ == "__main__":
    print("\n".join(told(sys.stdin.read())))
