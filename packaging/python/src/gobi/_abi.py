"""The functions and structs of gobi.h as ctypes has them, and calls that raise. No classes of the public API.

scripts/test-wheel.sh holds the structs against those of a C compiler.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char_p, c_double, c_float, c_int, c_int32, c_size_t,
                    c_uint32, c_uint64, c_void_p)
from typing import Any

from .errors import Error, error_of

Handle = c_void_p


def _struct(name: str, *fields: tuple[str, Any]) -> Any:
    return type(name, (Structure,), {"_fields_": list(fields)})


def _options(name: str, *fields: tuple[str, Any]) -> Any:
    return _struct(name, ("struct_size", c_size_t), *fields)


def _named(kind: Any, names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names.split()]


PROGRESS = CFUNCTYPE(None, c_double, c_void_p)

RuntimeOptions = _options("gobi_runtime_options", ("isa", c_char_p), *_named(c_uint32, "threads reserved"))
ModelOptions = _options("gobi_model_options", ("budget", c_uint64), ("progress", PROGRESS),
                        ("progress_context", c_void_p), ("cancel", Handle), ("exact_activations", c_bool),
                        ("panel_cache", c_char_p))
ModelInfo = _options("gobi_model_info", *_named(c_uint64, "parameters weight_bytes fingerprint"),
                     *_named(c_uint32, "vocabulary context default_context width layers heads kv_heads head_dim"),
                     *_named(c_bool, "is_encoder has_tokenizer has_chat_template"))
EncodeOptions = _options("gobi_encode_options", *_named(c_int32, "add_bos add_eos"), ("parse_special", c_bool))
SessionOptions = _options("gobi_session_options", *_named(c_size_t, "context chunk"), ("kv_budget", c_uint64),
                          *_named(c_int32, "kv_format reserved"))
BatchEntry = _struct("gobi_batch_entry", ("sequence", c_uint64), ("tokens", POINTER(c_int32)), ("count", c_size_t),
                     *_named(c_int32, "output reserved"))
SamplerOptions = _options("gobi_sampler_options", ("bias_tokens", POINTER(c_int32)), ("bias_values", POINTER(c_float)),
                          ("bias_count", c_size_t), ("seed", c_uint64), *_named(c_uint32, "top_k top_count"),
                          ("penalty_window", c_int32),
                          *_named(c_float, "temperature top_p min_p repetition_penalty frequency_penalty "
                                           "presence_penalty"))
Choice = _struct("gobi_choice", ("token", c_int32), ("log_probability", c_float))
GrammarOptions = _options("gobi_grammar_options", *_named(c_size_t, "source_bytes states mask_bytes"),
                          ("compact", c_bool))
EngineOptions = _options("gobi_engine_options", *_named(c_size_t, "context chunk"),
                         *_named(c_uint64, "kv_budget cache_bytes swap_bytes"),
                         *_named(c_size_t, "max_sequences max_queue max_step_tokens"),
                         *_named(c_double, "time_per_output_token time_to_first_token aging"), ("kv_format", c_int32),
                         ("no_cache", c_bool))
RequestOptions = _options("gobi_request_options", ("prompt", POINTER(c_int32)), ("prompt_count", c_size_t),
                          ("sampling", POINTER(SamplerOptions)), *_named(Handle, "tokenizer grammar adapter"),
                          ("stop_tokens", POINTER(c_int32)), ("stop_token_count", c_size_t),
                          ("stop_strings", POINTER(c_char_p)), *_named(c_size_t, "stop_string_count max_tokens"),
                          ("deadline", c_double), ("cache_key", c_uint64), ("priority", c_int32),
                          ("adapter_scale", c_float),
                          *_named(c_bool, "no_cache ignore_eos render_special at_text_start"))
Event = _options("gobi_event", ("text", c_void_p), ("text_length", c_size_t), ("message", c_char_p),
                 ("top", POINTER(Choice)), *_named(c_size_t, "top_count cached_tokens"),
                 *_named(c_int32, "kind finish status token"), ("log_probability", c_float), ("is_last", c_bool))
Usage = _options("gobi_usage",
                 *_named(c_uint64, "prompt_tokens cached_tokens completion_tokens forced_tokens preemptions "
                                   "recomputed_tokens peak_kv_bytes"),
                 *_named(c_double, "queue_time time_to_first_token decode_time time_per_output_token"))
Counters = _options("gobi_counters",
                    *_named(c_uint64, "submitted refused finished cancelled failed waiting running paused steps "
                                      "stopped_steps prefill_tokens cached_tokens generated_tokens forced_tokens "
                                      "preemptions recomputed_tokens swapped_bytes kv_bytes cache_bytes kv_budget "
                                      "evicted_blocks queue_count first_token_count output_token_count"),
                    *_named(c_double, "queue_sum first_token_sum output_token_sum"))

AdapterOptions = _options("gobi_adapter_options", ("budget", c_uint64))
AdapterInfo = _options("gobi_adapter_info", *_named(c_uint64, "parameters bytes fingerprint"),
                       *_named(c_uint32, "rank modules"))
ChatOptions = _options("gobi_chat_options", *_named(c_char_p, "tools prompt"), ("prompt_length", c_size_t),
                       ("id_seed", c_uint64))
ChatEvent = _options("gobi_chat_event", ("text", c_void_p), ("text_length", c_size_t), *_named(c_char_p, "id name"),
                     ("index", c_size_t), ("kind", c_int32))
EmbedderOptions = _options("gobi_embedder_options", ("tokenizer", Handle),
                           *_named(c_size_t, "context chunk_tokens max_queue max_queued_tokens max_step_tokens "
                                             "max_step_chunks"),
                           *_named(c_double, "time_to_result aging"), *_named(c_int32, "pooling reserved"))
EmbedRequest = _options("gobi_embed_request", ("tokens", POINTER(c_int32)), ("token_count", c_size_t),
                        ("second", POINTER(c_int32)), *_named(c_size_t, "second_count overlap"),
                        ("deadline", c_double), *_named(c_int32, "excess pooling priority"),
                        *_named(c_bool, "labels unnormalised"))
RerankRequest = _options("gobi_rerank_request", ("query", POINTER(c_int32)), ("query_count", c_size_t),
                         ("documents", POINTER(POINTER(c_int32))), ("document_tokens", POINTER(c_size_t)),
                         ("document_count", c_size_t), ("deadline", c_double), *_named(c_int32, "excess priority"))

_OUT = POINTER(Handle)
_BYTES = [c_void_p, c_size_t, POINTER(c_size_t)]  # buffer, capacity, needed

# What a call takes before `gobi_error **error`.
_CALLS: dict[str, list[Any]] = {
    "gobi_cancel_create": [_OUT],
    "gobi_runtime_create": [POINTER(RuntimeOptions), _OUT],
    "gobi_runtime_isa": [Handle, *_BYTES],
    "gobi_inspect": [c_char_p, *_BYTES],
    "gobi_model_open": [c_char_p, Handle, POINTER(ModelOptions), _OUT],
    "gobi_model_describe": [Handle, POINTER(ModelInfo)],
    "gobi_model_architecture": [Handle, *_BYTES],
    "gobi_model_name": [Handle, *_BYTES],
    "gobi_tokenizer_create": [Handle, _OUT],
    "gobi_encode": [Handle, c_char_p, c_size_t, POINTER(EncodeOptions), *_BYTES],
    "gobi_decode": [Handle, POINTER(c_int32), c_size_t, c_bool, *_BYTES],
    "gobi_token_piece": [Handle, c_int32, c_bool, *_BYTES],
    "gobi_chat_render": [Handle, c_char_p, c_char_p, c_bool, *_BYTES],
    "gobi_session_create": [Handle, POINTER(SessionOptions), _OUT],
    "gobi_session_kv_bytes": [Handle, POINTER(c_uint64)],
    "gobi_sequence_create": [Handle, POINTER(c_uint64)],
    "gobi_sequence_remove": [Handle, c_uint64],
    "gobi_sequence_position": [Handle, c_uint64, POINTER(c_size_t)],
    "gobi_sequence_branch": [Handle, c_uint64, c_size_t, POINTER(c_uint64)],
    "gobi_sequence_trim": [Handle, c_uint64, c_size_t],
    "gobi_sequence_save": [Handle, c_uint64, *_BYTES],
    "gobi_sequence_restore": [Handle, c_char_p, c_size_t, POINTER(c_uint64)],
    "gobi_evaluate": [Handle, POINTER(BatchEntry), c_size_t, Handle],
    "gobi_logit_rows": [Handle, POINTER(c_size_t)],
    "gobi_logits": [Handle, c_size_t, POINTER(POINTER(c_float))],
    "gobi_embed": [Handle, POINTER(c_int32), POINTER(c_int32), c_size_t, c_int32, Handle, *_BYTES],
    "gobi_sampler_create": [POINTER(SamplerOptions), _OUT],
    "gobi_sample": [Handle, POINTER(c_float), c_size_t, POINTER(Choice), POINTER(Choice), c_size_t, POINTER(c_size_t)],
    "gobi_sample_masked": [Handle, POINTER(c_float), c_size_t, POINTER(c_uint64), c_size_t, POINTER(Choice),
                           POINTER(Choice), c_size_t, POINTER(c_size_t)],
    "gobi_sampler_accept": [Handle, c_int32],
    "gobi_grammar_create": [Handle, c_int32, c_char_p, c_size_t, POINTER(GrammarOptions), _OUT],
    "gobi_matcher_create": [Handle, _OUT],
    "gobi_matcher_clone": [Handle, _OUT],
    "gobi_matcher_state": [Handle, POINTER(c_int32)],
    "gobi_matcher_mask": [Handle, *_BYTES],
    "gobi_matcher_accept": [Handle, c_int32],
    "gobi_matcher_forced": [Handle, *_BYTES],
    "gobi_adapter_open": [c_char_p, Handle, POINTER(AdapterOptions), _OUT],
    "gobi_adapter_describe": [Handle, POINTER(AdapterInfo)],
    "gobi_sequence_set_adapter": [Handle, c_uint64, Handle, c_float],
    "gobi_chat_shows_special": [Handle, POINTER(c_bool)],
    "gobi_chat_parser_create": [Handle, POINTER(ChatOptions), _OUT],
    "gobi_chat_parser_append": [Handle, c_char_p, c_size_t],
    "gobi_chat_parser_finish": [Handle],
    "gobi_chat_parser_next": [Handle, POINTER(POINTER(ChatEvent))],
    "gobi_chat_force_call": [Handle, c_char_p, c_char_p, c_bool, _OUT, *_BYTES],
    "gobi_embedder_create": [Handle, POINTER(EmbedderOptions), _OUT],
    "gobi_embedder_drain": [Handle],
    "gobi_embedder_shut_down": [Handle],
    "gobi_embedder_wait": [Handle, c_double, POINTER(c_bool)],
    "gobi_embedder_prometheus": [Handle, c_char_p, *_BYTES],
    "gobi_embedder_submit": [Handle, POINTER(EmbedRequest), _OUT],
    "gobi_embedder_rerank": [Handle, POINTER(RerankRequest), _OUT],
    "gobi_embedding_wait": [Handle, c_double, POINTER(c_bool)],
    "gobi_embedding_values": [Handle, *_BYTES],
    "gobi_engine_create": [Handle, POINTER(EngineOptions), _OUT],
    "gobi_engine_drain": [Handle],
    "gobi_engine_shut_down": [Handle],
    "gobi_engine_wait": [Handle, c_double, POINTER(c_bool)],
    "gobi_engine_clear_cache": [Handle],
    "gobi_engine_submit": [Handle, POINTER(RequestOptions), _OUT],
    "gobi_generation_next": [Handle, c_double, POINTER(POINTER(Event))],
    "gobi_generation_descriptor": [Handle, POINTER(c_int)],
    "gobi_generation_usage": [Handle, POINTER(Usage)],
    "gobi_engine_counters": [Handle, POINTER(Counters)],
    "gobi_engine_prometheus": [Handle, c_char_p, *_BYTES],
}
# Functions that cannot fail, or give a status alone: result, arguments.
_PLAIN: dict[str, tuple[Any, list[Any]]] = {
    "gobi_version": (c_uint32, []),
    "gobi_status_name": (c_char_p, [c_int32]),
    "gobi_error_message": (c_char_p, [Handle]),
    "gobi_error_free": (None, [Handle]),
    "gobi_cancel_set": (c_int32, [Handle]),
    "gobi_cancel_reset": (c_int32, [Handle]),
    "gobi_generation_cancel": (c_int32, [Handle]),
    "gobi_embedding_cancel": (c_int32, [Handle]),
    "gobi_runtime_threads": (c_uint32, [Handle]),
    "gobi_engine_context": (c_size_t, [Handle]),
    "gobi_token_bos": (c_int32, [Handle]),
    "gobi_token_eos": (c_int32, [Handle]),
    "gobi_token_named": (c_int32, [Handle, c_char_p]),
    "gobi_token_is_special": (c_bool, [Handle, c_int32]),
    "gobi_token_ends_generation": (c_bool, [Handle, c_int32]),
    **{name: (None, [Handle]) for name in (
        "gobi_cancel_destroy", "gobi_runtime_destroy", "gobi_model_close", "gobi_tokenizer_destroy",
        "gobi_session_destroy", "gobi_sampler_destroy", "gobi_grammar_destroy", "gobi_matcher_destroy",
        "gobi_engine_destroy", "gobi_generation_destroy", "gobi_adapter_close", "gobi_chat_parser_destroy",
        "gobi_embedder_destroy", "gobi_embedding_destroy")},
}


def _load() -> ctypes.CDLL:
    beside = pathlib.Path(__file__).with_name("libgobi.so.1")
    name = os.environ.get("GOBI_LIBRARY") or (str(beside) if beside.exists() else "libgobi.so.1")
    loaded = ctypes.CDLL(name)  # releases the interpreter's lock during calls
    for function, arguments in _CALLS.items():
        getattr(loaded, function).argtypes = [*arguments, _OUT]
        getattr(loaded, function).restype = c_int32
    for function, (result, arguments) in _PLAIN.items():
        getattr(loaded, function).argtypes = arguments
        getattr(loaded, function).restype = result
    return loaded


library = _load()


def sized(struct: Any, **fields: Any) -> Any:
    """An options or result struct with its size, and the fields that are given and not None."""
    known = {name: value for name, value in fields.items() if value is not None}
    return struct(struct_size=ctypes.sizeof(struct), **known)


def call(function: str, *arguments: Any) -> None:
    """Calls a function that ends in an error pointer, and raises what it reports."""
    status, message = _try(function, *arguments)
    if status:
        raise error_of(status, message)


def _try(function: str, *arguments: Any) -> tuple[int, str]:
    error = Handle()
    status = getattr(library, function)(*arguments, byref(error))
    message = ""
    if status:
        message = library.gobi_error_message(error).decode()
        library.gobi_error_free(error)
    return status, message


def check(status: int) -> None:
    if status:
        raise error_of(status, library.gobi_status_name(status).decode())


_BUFFER_TOO_SMALL = 2


def filled(function: str, *arguments: Any, kind: Any = ctypes.c_char, guess: int = 256) -> Any:
    """The array that a function with buffer, capacity and needed gives."""
    needed, capacity = c_size_t(), guess
    while True:
        buffer = (kind * capacity)()
        status, message = _try(function, *arguments, buffer, capacity, byref(needed))
        if not status:
            return buffer[:needed.value] if kind is ctypes.c_char else (kind * needed.value).from_buffer(buffer)
        if status != _BUFFER_TOO_SMALL or needed.value <= capacity:
            raise error_of(status, message)
        capacity = needed.value


def filled_text(function: str, *arguments: Any) -> str:
    return filled(function, *arguments).decode("utf-8")


class Owned:
    """A handle that is given back by close(), by leaving a `with` block, or with the object."""

    _destroy = ""

    def __init__(self, function: str, *arguments: Any) -> None:
        self._raw: Handle | None = None
        raw = Handle()
        call(function, *arguments, byref(raw))
        self._raw = raw

    @property
    def raw(self) -> Handle:
        """The handle; raises once it was given back."""
        raw = getattr(self, "_raw", None)
        if raw is None:
            raise Error(1, f"{type(self).__name__}: it is closed")
        return raw

    def close(self) -> None:
        """Gives the handle back. No other thread may be in a call on it. Closing twice does nothing."""
        raw, self._raw = getattr(self, "_raw", None), None
        if raw is not None:
            getattr(library, self._destroy)(raw)

    def __enter__(self) -> Any:
        self.raw
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if library is not None:  # None while the interpreter ends
            self.close()
