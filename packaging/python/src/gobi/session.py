"""Sessions and samplers: for programs that evaluate and sample themselves. Serving many requests is the engine's."""

from __future__ import annotations

import ctypes
import enum
from collections import abc
from collections.abc import Mapping
from ctypes import POINTER, byref, c_char, c_float, c_int32, c_size_t, c_uint64
from typing import Any, NamedTuple

from . import _abi
from ._abi import Owned, call, filled, sized
from .grammar import Grammar
from .model import Adapter, Cancel, Model, kv_format_number, tokens_array

_OUTPUTS = {"last": 0, "none": 1, "all": 2}
_SUMMARIES = {"mean": 0, "pooled": 1, "hidden": 2}


class Session(Owned):
    """Sequences of one model that are evaluated together. Used by one thread at a time: a second one gets Busy."""

    _destroy = "gobi_session_destroy"

    def __init__(self, model: Model, *, context: int = 0, chunk: int = 0, kv_budget: int = 0,
                 kv_format: str | None = None) -> None:
        options = sized(_abi.SessionOptions, context=context, chunk=chunk, kv_budget=kv_budget,
                        kv_format=kv_format_number(kv_format))
        super().__init__("gobi_session_create", model.raw, byref(options))
        self._vocabulary = model.info.vocabulary
        self._width = model.info.width

    @property
    def kv_bytes(self) -> int:
        """Bytes of keys and values in use."""
        count = c_uint64()
        call("gobi_session_kv_bytes", self.raw, byref(count))
        return count.value

    def sequence(self) -> Sequence:
        """An empty sequence."""
        number = c_uint64()
        call("gobi_sequence_create", self.raw, byref(number))
        return Sequence(self, number.value)

    def restore(self, saved: bytes) -> Sequence:
        """A sequence from what Sequence.save gave. Raises BadState if it is damaged or of another model."""
        number = c_uint64()
        call("gobi_sequence_restore", self.raw, bytes(saved), len(saved), byref(number))
        return Sequence(self, number.value)

    def evaluate(self, batch: Mapping[Sequence, abc.Sequence[int]], *, output: str = "last",
                 cancel: Cancel | None = None) -> list[Any]:
        """Every sequence grows by its tokens, or on failure none.

        Returns rows of logits (vocabulary), in order: arrays of c_float, which numpy.asarray takes without a copy.
        """
        entries = (_abi.BatchEntry * len(batch))()
        for entry, (sequence, tokens) in zip(entries, batch.items()):
            if sequence.session is not self:
                raise ValueError("the sequence is of another session")
            entry.sequence, entry.count, entry.output = sequence.number, len(tokens), _OUTPUTS[output]
            entry.tokens = tokens_array(tokens)
        call("gobi_evaluate", self.raw, entries, len(entries), cancel.raw if cancel is not None else None)
        rows = c_size_t()
        call("gobi_logit_rows", self.raw, byref(rows))
        return [self._logits(row) for row in range(rows.value)]

    def _logits(self, row: int) -> Any:
        lent = POINTER(c_float)()
        call("gobi_logits", self.raw, row, byref(lent))
        values = (c_float * self._vocabulary)()
        ctypes.memmove(values, lent, ctypes.sizeof(values))  # what the library lends ends with the next step
        return values

    def embed(self, tokens: abc.Sequence[int], *, what: str = "mean", types: abc.Sequence[int] | None = None,
              cancel: Cancel | None = None) -> Any:
        """Encodes one whole text with an encoder: "mean" (of length 1) and "pooled" are (width), "hidden" is
        (tokens, width). An array of c_float."""
        count = len(tokens) * self._width if what == "hidden" else self._width
        return filled("gobi_embed", self.raw, tokens_array(tokens), tokens_array(types) if types is not None else None,
                      len(tokens), _SUMMARIES[what], cancel.raw if cancel is not None else None, kind=c_float,
                      guess=count)


class Sequence:
    """A sequence of one session."""

    def __init__(self, session: Session, number: int) -> None:
        self.session = session
        self.number = number

    def __len__(self) -> int:
        """Positions that it holds."""
        position = c_size_t()
        call("gobi_sequence_position", self.session.raw, self.number, byref(position))
        return position.value

    def evaluate(self, tokens: abc.Sequence[int], *, cancel: Cancel | None = None) -> Any:
        """Appends tokens. Returns the logits after the last one."""
        return self.session.evaluate({self: tokens}, cancel=cancel)[0]

    def set_adapter(self, adapter: Adapter | None, scale: float = 1) -> None:
        """Of an empty sequence."""
        call("gobi_sequence_set_adapter", self.session.raw, self.number, adapter.raw if adapter is not None else None,
             scale)

    def branch(self, position: int | None = None) -> Sequence:
        """A new sequence with the same beginning. Memory is shared until one of them writes."""
        number = c_uint64()
        place = ctypes.c_size_t(-1).value if position is None else position
        call("gobi_sequence_branch", self.session.raw, self.number, place, byref(number))
        return Sequence(self.session, number.value)

    def trim(self, position: int) -> None:
        """Drops all positions from `position` on."""
        call("gobi_sequence_trim", self.session.raw, self.number, position)

    def save(self) -> bytes:
        return filled("gobi_sequence_save", self.session.raw, self.number, kind=c_char)

    def remove(self) -> None:
        call("gobi_sequence_remove", self.session.raw, self.number)


class Choice(NamedTuple):
    """A token with its natural log-probability in the model's own distribution."""

    token: int
    log_probability: float


def sampler_options(*, temperature: float = 0, top_k: int = 0, top_p: float = 0, min_p: float = 0, seed: int = 0,
                    repetition_penalty: float = 0, frequency_penalty: float = 0, presence_penalty: float = 0,
                    penalty_window: int = 0, logit_bias: Mapping[int, float] | None = None,
                    top_logprobs: int = 0) -> Any:
    """gobi_sampler_options. All 0 is greedy."""
    bias = logit_bias or {}
    return sized(_abi.SamplerOptions, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed,
                 repetition_penalty=repetition_penalty, frequency_penalty=frequency_penalty,
                 presence_penalty=presence_penalty, penalty_window=penalty_window, top_count=top_logprobs,
                 bias_count=len(bias), bias_tokens=tokens_array(list(bias)),
                 bias_values=(c_float * len(bias))(*bias.values()))


class Sampler(Owned):
    """Draws tokens and remembers what it drew: one for each sequence. Options as sampler_options takes them."""

    _destroy = "gobi_sampler_destroy"

    def __init__(self, **options: Any) -> None:
        super().__init__("gobi_sampler_create", byref(sampler_options(**options)))

    def sample(self, logits: Any, mask: Any = None) -> Choice:
        """Chooses from `logits`, any buffer of float32, from the tokens that `mask` (Matcher.mask) has a bit for."""
        values = _array(logits, c_float)
        choice = _abi.Choice()
        arguments = [byref(choice), None, 0, None]
        if mask is None:
            call("gobi_sample", self.raw, values, len(values), *arguments)
        else:
            words = _array(mask, c_uint64)
            call("gobi_sample_masked", self.raw, values, len(values), words, len(words), *arguments)
        return Choice(choice.token, choice.log_probability)

    def accept(self, token: int) -> None:
        """Counts a token as seen, for the penalties."""
        call("gobi_sampler_accept", self.raw, token)


def _array(values: Any, kind: Any) -> Any:
    if isinstance(values, ctypes.Array) and values._type_ is kind:
        return values
    view = memoryview(values)
    if view.itemsize != ctypes.sizeof(kind) or not view.c_contiguous:
        raise TypeError(f"expected a contiguous buffer of {kind.__name__}, found format {view.format!r}")
    return (kind * (view.nbytes // view.itemsize)).from_buffer_copy(view.cast("B"))


class MatcherState(enum.IntEnum):
    OPEN = 0
    COMPLETE = 1
    EXHAUSTED = 2
    FINISHED = 3


class Matcher(Owned):
    """One text as a grammar reads it, token by token, for use with a session."""

    _destroy = "gobi_matcher_destroy"

    def __init__(self, grammar: Grammar) -> None:
        super().__init__("gobi_matcher_create", grammar.raw)

    def clone(self) -> Matcher:
        copy = Matcher.__new__(Matcher)
        Owned.__init__(copy, "gobi_matcher_clone", self.raw)
        return copy

    @property
    def state(self) -> MatcherState:
        state = c_int32()
        call("gobi_matcher_state", self.raw, byref(state))
        return MatcherState(state.value)

    def mask(self) -> Any:
        """Bit t % 64 of word t / 64 says whether token t may come next."""
        return filled("gobi_matcher_mask", self.raw, kind=c_uint64)

    def accept(self, token: int) -> None:
        """Raises InvalidArgument, and changes nothing, if the mask has no bit for the token."""
        call("gobi_matcher_accept", self.raw, token)

    def forced(self) -> list[int]:
        """Tokens that must come next whatever the model prefers."""
        return list(filled("gobi_matcher_forced", self.raw, kind=c_int32))
