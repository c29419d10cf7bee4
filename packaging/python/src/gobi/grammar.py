"""Grammars: texts that may be generated, compiled for one tokenizer."""

from __future__ import annotations

import json
from ctypes import byref
from typing import Any

from . import _abi
from ._abi import Handle, Owned, sized
from .model import Tokenizer

_KINDS = {"json_schema": 0, "gbnf": 1, "regex": 2}


class Grammar(Owned):
    """Raises BadText if the source is wrong, Unsupported if it asks for what cannot be enforced."""

    _destroy = "gobi_grammar_destroy"

    def __init__(self, tokenizer: Tokenizer, kind: str, source: str, *, compact: bool = False) -> None:
        """kind: json_schema, gbnf or regex. compact: JSON without white space."""
        if kind not in _KINDS:
            raise ValueError(f"kind: {kind!r} is none of {', '.join(_KINDS)}")
        data = source.encode()
        options = sized(_abi.GrammarOptions, compact=compact)
        super().__init__("gobi_grammar_create", tokenizer.raw, _KINDS[kind], data, len(data), byref(options))

    @classmethod
    def _adopt(cls, raw: Handle) -> Grammar:
        grammar = cls.__new__(cls)
        grammar._raw = raw
        return grammar

    @classmethod
    def json_schema(cls, tokenizer: Tokenizer, schema: Any, *, compact: bool = False) -> Grammar:
        """JSON that is valid against a schema: a str, or what json.dumps takes; True is any JSON."""
        source = schema if isinstance(schema, str) else json.dumps(schema)
        return cls(tokenizer, "json_schema", source, compact=compact)

    @classmethod
    def gbnf(cls, tokenizer: Tokenizer, rules: str) -> Grammar:
        """The texts of rule `root`."""
        return cls(tokenizer, "gbnf", rules)

    @classmethod
    def regex(cls, tokenizer: Tokenizer, pattern: str) -> Grammar:
        """Texts that match an ECMA-262 pattern as a whole."""
        return cls(tokenizer, "regex", pattern)
