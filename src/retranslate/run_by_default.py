"""Groups of commands of which one is meant when none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class RunByDefault(TyperGroup):
    """``eval set.jsonl`` means ``eval run set.jsonl``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the command in that was left out."""
        if not args or args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)
