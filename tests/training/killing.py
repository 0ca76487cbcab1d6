"""Killing what is tested at a moment of one's choice."""

from __future__ import annotations

from typing import Any

import pytest


class Killed(BaseException):
    """Stops everything, as a signal would: nobody catches it."""


def kill_at_call(patched: pytest.MonkeyPatch, owner: Any, name: str, call: int) -> None:
    """The function ``name`` of ``owner`` does what it does until it is called the ``call``th time; then all is over."""
    calls, real = 0, getattr(owner, name)

    def killed(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*arguments, **more)

    patched.setattr(owner, name, killed)
