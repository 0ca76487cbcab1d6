"""What is told of other packages' exceptions."""

from __future__ import annotations

from retranslate.errors import first_line


def test_the_first_line_stands_for_an_exception_and_its_class_for_one_without_words() -> None:
    assert first_line(ValueError("  too long\nand more of it")) == "too long"
    assert first_line(KeyError()) == "KeyError"
    assert len(first_line(OSError("x" * 1000))) == 300
