"""The tokenizer of a model of this project's own, without the modules of transformers, by whose names it is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers

from retranslate.errors import InputError, first_line


@dataclass(frozen=True)
class _Encoded:
    input_ids: list[int]


class PlainTokenizer:
    """A tokenizer whose begin and end marks have the ids ``begin`` and ``end``; ``size`` is its number of tokens."""

    def __init__(self, tokenizer: tokenizers.Tokenizer, begin: int, end: int) -> None:
        self._tokenizer = tokenizer
        self.bos_token_id = begin
        self.eos_token_id = end
        self.size = tokenizer.get_vocab_size()

    @classmethod
    def load(cls, folder: Path) -> PlainTokenizer:
        """That of ``folder``. Raises InputError when it is broken or has no begin or end mark."""
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
            settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
            marks = [_content(settings.get(name)) for name in ("bos_token", "eos_token")]
        except Exception as error:  # tokenizers raises nothing more special
            raise InputError(f"{folder}: the model cannot be loaded: {first_line(error)}") from error
        begin, end = (None if mark is None else tokenizer.token_to_id(mark) for mark in marks)
        if begin is None or end is None:
            raise InputError(
                f"{folder}: the tokenizer has no begin or end mark; export the model again with its own tokenizer."
            )
        # What stands in the file about batches does not hold here, as it does not in transformers.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer, begin, end)

    def refuse_beyond(self, vocabulary: int, weights: Path) -> None:
        """Raises InputError where a model with ``vocabulary`` tokens, in the file ``weights``, does not know all of this tokenizer's."""
        if vocabulary < self.size:
            raise InputError(
                f"{weights}: the model cannot be loaded: its vocabulary has {vocabulary} entries, that of tokenizer.json "
                f"{self.size}; export the model again."
            )

    def __call__(
        self, text: str | None = None, *, text_target: str | None = None, add_special_tokens: bool = False
    ) -> _Encoded:
        """The ids of ``text`` or ``text_target``; both sides have one vocabulary."""
        wanted = text if text is not None else text_target or ""
        return _Encoded(self._tokenizer.encode(wanted, add_special_tokens=add_special_tokens).ids)

    def decode(
        self, ids: Sequence[int], *, skip_special_tokens: bool = True, clean_up_tokenization_spaces: bool = False
    ) -> str:
        """The text that the ids stand for."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)


def _content(mark: Any) -> str | None:
    """What a special token in tokenizer_config.json reads; it may be written at length."""
    found = mark.get("content") if isinstance(mark, dict) else mark
    return found if isinstance(found, str) else None
