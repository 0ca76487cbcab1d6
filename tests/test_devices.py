"""What torch computes on: the best there is, or one line about one that is not there."""

from __future__ import annotations

import pytest
import torch

from retranslate.devices import default_device, usable
from retranslate.errors import InputError


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_is_the_default(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert default_device() == expected


def test_a_device_that_is_there_is_usable() -> None:
    assert usable("cpu") == "cpu"


@pytest.mark.parametrize("device", ["abacus", "cpu:x", "cuda:99", ""])
def test_one_that_is_not_is_told_in_one_line(device: str) -> None:
    with pytest.raises(InputError, match=f"--device {device}: cannot be used here: ") as caught:
        usable(device)
    assert "\n" not in str(caught.value)
