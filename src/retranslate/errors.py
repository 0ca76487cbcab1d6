"""The two ways in which retranslate gives up, each with a message meant for the person who reads it."""

from __future__ import annotations


class RetranslateError(Exception):
    """Something failed although the input was fine (a full disk, no memory, a defect): exit code 3."""


class InputError(RetranslateError):
    """What was given cannot be used: a file, an option, a model folder. Says what, where and what to do: exit code 2."""


def first_line(error: BaseException) -> str:
    """What another package's exception says, as a part of a message: its first line, or its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
