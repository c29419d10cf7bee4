"""The engine: many requests to one model by continuous batching."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
from collections.abc import Iterator, Sequence
from ctypes import POINTER, byref, c_bool, c_char_p, c_int
from typing import Any, Union

from . import _abi
from ._abi import Owned, call, check, filled_text, library, sized
from .errors import error_of
from .grammar import Grammar
from .model import Adapter, Model, kv_format_number, tokens_array
from .session import Choice, sampler_options

FOREVER = -1.0


class FinishReason(enum.IntEnum):
    STOP_TOKEN = 1
    STOP_STRING = 2
    GRAMMAR = 3
    LENGTH = 4
    CONTEXT = 5
    CANCELLED = 6


@dataclasses.dataclass(frozen=True)
class Started:
    """The request left the queue; so many of its prompt's tokens need not be computed."""

    cached_tokens: int
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Token:
    """A token, and the text that can be shown now."""

    token: int
    text: str
    log_probability: float
    top: list[Choice]


@dataclasses.dataclass(frozen=True)
class Finished:
    """The end, and what text was still held back."""

    reason: FinishReason
    text: str
    stop_token: int | None
    stop_string: str | None


Event = Union[Started, Token, Finished]


@dataclasses.dataclass(frozen=True)
class Usage:
    """gobi_usage: what a request took. Times in seconds, None where there is none yet."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    forced_tokens: int
    preemptions: int
    recomputed_tokens: int
    peak_kv_bytes: int
    queue_time: float | None
    time_to_first_token: float | None
    decode_time: float
    time_per_output_token: float | None


class Generation(Owned):
    """A request in an engine: an iterator of its events, which selectors can wait for. Cancelled when it is closed.

    Any thread may cancel it or ask for its usage; one at a time takes events.
    """

    _destroy = "gobi_generation_destroy"

    def __init__(self, engine: Engine, request: Any) -> None:
        super().__init__("gobi_engine_submit", engine.raw, byref(request))

    def next(self, timeout: float = FOREVER) -> Event | None:
        """The next event, at most after `timeout` seconds; None if none came, and after the last one.

        Raises what the request failed for.
        """
        lent = POINTER(_abi.Event)()
        call("gobi_generation_next", self.raw, timeout, byref(lent))
        if not lent:
            return None
        event = lent.contents
        text = ctypes.string_at(event.text, event.text_length).decode("utf-8")
        if event.kind == 0:
            return Started(event.cached_tokens)
        if event.kind == 1:
            top = [Choice(row.token, row.log_probability) for row in event.top[:event.top_count]]
            return Token(event.token, text, event.log_probability, top)
        if event.kind == 2:
            reason = FinishReason(event.finish)
            return Finished(reason, text, event.token if reason is FinishReason.STOP_TOKEN else None,
                            event.message.decode() if reason is FinishReason.STOP_STRING else None)
        raise error_of(event.status, event.message.decode())

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    def text(self) -> str:
        """Waits for the end, and returns all text that was not taken yet."""
        return "".join(event.text for event in self)

    def cancel(self) -> None:
        """Ends the request: its last event, Finished with CANCELLED, is there at once."""
        check(library.gobi_generation_cancel(self.raw))

    def fileno(self) -> int:
        """A descriptor that is readable while events wait. Neither read nor close it."""
        descriptor = c_int()
        call("gobi_generation_descriptor", self.raw, byref(descriptor))
        return descriptor.value

    @property
    def usage(self) -> Usage:
        usage = sized(_abi.Usage)
        call("gobi_generation_usage", self.raw, byref(usage))
        values = {field.name: getattr(usage, field.name) for field in dataclasses.fields(Usage)}
        return Usage(**{name: None if value == -1 else value for name, value in values.items()})


class Engine(Owned):
    """Serves requests to one model on a thread of its own. Any thread may use it. 0 is an option's default.

    context: positions of a prompt and its answer. kv_budget: the most bytes of keys and values.
    cache_bytes: of these, the most that the prefix cache keeps; None switches it off.
    time_per_output_token, time_to_first_token: aims, in seconds.
    """

    _destroy = "gobi_engine_destroy"

    def __init__(self, model: Model, *, context: int = 0, chunk: int = 0, kv_budget: int = 0,
                 cache_bytes: int | None = 0, swap_bytes: int = 0, max_sequences: int = 0, max_queue: int = 0,
                 max_step_tokens: int = 0, time_per_output_token: float = 0, time_to_first_token: float = 0,
                 aging: float = 0, kv_format: str | None = None) -> None:
        options = sized(_abi.EngineOptions, context=context, chunk=chunk, kv_budget=kv_budget,
                        cache_bytes=cache_bytes, no_cache=cache_bytes is None, swap_bytes=swap_bytes,
                        max_sequences=max_sequences, max_queue=max_queue, max_step_tokens=max_step_tokens,
                        time_per_output_token=time_per_output_token, time_to_first_token=time_to_first_token,
                        aging=aging, kv_format=kv_format_number(kv_format))
        super().__init__("gobi_engine_create", model.raw, byref(options))
        self._model = model

    def submit(self, prompt: str | Sequence[int], *, max_tokens: int = 0, stop: Sequence[str] = (),
               stop_tokens: Sequence[int] = (), grammar: Grammar | None = None,
               adapter: Adapter | None = None, adapter_scale: float = 1, text: bool = True,
               deadline: float = 0, priority: int = 0, use_cache: bool = True, cache_key: int = 0,
               ignore_eos: bool = False, render_special: bool = False, at_text_start: bool = False,
               **sampling: Any) -> Generation:
        """Hands a request in. A str is encoded as the model expects it.

        max_tokens: 0 for as many as there is room for. deadline: seconds from now; 0 for none.
        text: False for tokens alone, as models without a tokenizer need it.
        sampling: temperature, top_k, top_p, min_p, seed, repetition_penalty, frequency_penalty, presence_penalty,
        penalty_window, logit_bias, top_logprobs.
        """
        tokens = self._model.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
        strings = (c_char_p * len(stop))(*(string.encode() for string in stop))
        request = sized(
            _abi.RequestOptions, prompt=tokens_array(tokens), prompt_count=len(tokens),
            sampling=ctypes.pointer(sampler_options(**sampling)),
            tokenizer=self._model.tokenizer.raw if text else None,
            grammar=grammar.raw if grammar is not None else None,
            adapter=adapter.raw if adapter is not None and adapter_scale != 0 else None, adapter_scale=adapter_scale,
            stop_tokens=tokens_array(stop_tokens), stop_token_count=len(stop_tokens),
            stop_strings=strings, stop_string_count=len(stop), max_tokens=max_tokens, deadline=deadline,
            cache_key=cache_key, priority=priority, no_cache=not use_cache, ignore_eos=ignore_eos,
            render_special=render_special, at_text_start=at_text_start)
        return Generation(self, request)

    def generate(self, prompt: str | Sequence[int], **options: Any) -> str:
        """The text of one answer; options as submit takes them."""
        with self.submit(prompt, **options) as generation:
            return generation.text()

    @property
    def context(self) -> int:
        return library.gobi_engine_context(self.raw)

    def drain(self) -> None:
        """Takes no more requests, and ends when those that are there are finished."""
        call("gobi_engine_drain", self.raw)

    def shut_down(self) -> None:
        """Cancels every request and ends."""
        call("gobi_engine_shut_down", self.raw)

    def wait(self, timeout: float = FOREVER) -> bool:
        """Whether it has ended, at most after `timeout` seconds."""
        ended = c_bool()
        call("gobi_engine_wait", self.raw, timeout, byref(ended))
        return ended.value

    def clear_cache(self) -> None:
        call("gobi_engine_clear_cache", self.raw)

    @property
    def counters(self) -> dict[str, int | float]:
        """gobi_counters by name."""
        counters = sized(_abi.Counters)
        call("gobi_engine_counters", self.raw, byref(counters))
        return {name: getattr(counters, name) for name, _ in _abi.Counters._fields_[1:]}

    def prometheus(self, labels: str = "") -> str:
        return filled_text("gobi_engine_prometheus", self.raw, labels.encode())
