"""Runtimes, models, tokenizers: what sessions and engines are made of."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, c_char, c_int32
from typing import Any

from . import _abi
from ._abi import Owned, call, check, filled, filled_text, library, sized

KV_FORMATS = {None: 0, "f32": 1, "f16": 2, "q8": 3, "bf16": 4}


def kv_format_number(name: str | None) -> int:
    if name not in KV_FORMATS:
        raise ValueError(f"kv_format: {name!r} is none of {', '.join(str(known) for known in KV_FORMATS)}")
    return KV_FORMATS[name]


def tokens_array(tokens: Sequence[int]) -> Any:
    return (c_int32 * len(tokens))(*tokens)


class Cancel(Owned):
    """Stops calls from another thread: they raise Cancelled within milliseconds."""

    _destroy = "gobi_cancel_destroy"

    def __init__(self) -> None:
        super().__init__("gobi_cancel_create")

    def set(self) -> None:
        check(library.gobi_cancel_set(self.raw))

    def reset(self) -> None:
        check(library.gobi_cancel_reset(self.raw))


class Runtime(Owned):
    """Chosen kernels and a pool of threads, shared by models.

    isa: such as "avx2"; None takes GOBI_ISA from the environment, else the best one here.
    threads: 0 takes the least of affinity mask, container quota and physical cores.
    """

    _destroy = "gobi_runtime_destroy"

    def __init__(self, isa: str | None = None, threads: int = 0) -> None:
        options = sized(_abi.RuntimeOptions, isa=isa.encode() if isa is not None else None, threads=threads)
        super().__init__("gobi_runtime_create", byref(options))

    @property
    def threads(self) -> int:
        return library.gobi_runtime_threads(self.raw)

    @property
    def isa(self) -> str:
        return filled_text("gobi_runtime_isa", self.raw)


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """gobi_model_info."""

    parameters: int
    weight_bytes: int
    fingerprint: int
    vocabulary: int
    context: int
    default_context: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    is_encoder: bool
    has_tokenizer: bool
    has_chat_template: bool


class Model(Owned):
    """A model, loaded for a runtime's kernels.

    path: a GGUF file, a safetensors file, or a folder with safetensors and config.json.
    budget: the most bytes of packed weights; 0 for no limit.
    progress: called with 0 to 1 by the threads that load.
    """

    _destroy = "gobi_model_close"

    def __init__(self, path: str | os.PathLike[str], runtime: Runtime | None = None, *, budget: int = 0,
                 exact_activations: bool = False, panel_cache: str | os.PathLike[str] | None = None,
                 progress: Callable[[float], None] | None = None, cancel: Cancel | None = None) -> None:
        runtime = Runtime() if runtime is None else runtime  # the library keeps it
        told = _abi.PROGRESS(lambda fraction, _: progress(fraction)) if progress is not None else None
        options = sized(_abi.ModelOptions, budget=budget, exact_activations=exact_activations, progress=told,
                        cancel=cancel.raw if cancel is not None else None,
                        panel_cache=os.fsencode(panel_cache) if panel_cache is not None else None)
        super().__init__("gobi_model_open", os.fsencode(path), runtime.raw, byref(options))
        self._tokenizer: Tokenizer | None = None

    @property
    def info(self) -> ModelInfo:
        info = sized(_abi.ModelInfo)
        call("gobi_model_describe", self.raw, byref(info))
        return ModelInfo(**{field.name: getattr(info, field.name) for field in dataclasses.fields(ModelInfo)})

    @property
    def architecture(self) -> str:
        return filled_text("gobi_model_architecture", self.raw)

    @property
    def name(self) -> str:
        return filled_text("gobi_model_name", self.raw)

    @property
    def tokenizer(self) -> Tokenizer:
        """Raises BadText, saying why, if the model has none that can be used."""
        if self._tokenizer is None:
            self._tokenizer = Tokenizer(self)
        return self._tokenizer

    def render_chat(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] | None = None, *,
                    add_generation_prompt: bool = True) -> str:
        """The prompt that the model's own template makes of a conversation; see Tokenizer.encode_chat."""
        described = json.dumps(tools).encode() if tools is not None else None
        return filled_text("gobi_chat_render", self.raw, json.dumps(list(messages)).encode(), described,
                           add_generation_prompt)

    def encode_chat(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] | None = None) -> list[int]:
        """Tokens of a conversation, up to where the answer begins."""
        return self.tokenizer.encode(self.render_chat(messages, tools), parse_special=True, add_bos=False)


class Adapter(Owned):
    """A LoRA adapter for one model: GGUF, a PEFT .safetensors with its adapter_config.json, or their folder."""

    _destroy = "gobi_adapter_close"

    def __init__(self, path: str | os.PathLike[str], model: Model, *, budget: int = 0) -> None:
        options = sized(_abi.AdapterOptions, budget=budget)
        super().__init__("gobi_adapter_open", os.fsencode(path), model.raw, byref(options))

    @property
    def info(self) -> dict[str, int]:
        """gobi_adapter_info by name."""
        info = sized(_abi.AdapterInfo)
        call("gobi_adapter_describe", self.raw, byref(info))
        return {name: getattr(info, name) for name, _ in _abi.AdapterInfo._fields_[1:]}


class Tokenizer(Owned):
    _destroy = "gobi_tokenizer_destroy"

    def __init__(self, model: Model) -> None:
        super().__init__("gobi_tokenizer_create", model.raw)

    def encode(self, text: str | bytes, *, add_bos: bool | None = None, add_eos: bool | None = None,
               parse_special: bool = False) -> list[int]:
        """Token ids. None adds the opening or closing token where the model expects it.

        parse_special: "<|im_end|>" becomes that token. Never set it for text that a user typed.
        """
        data = text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)
        modes = {None: 0, False: 1, True: 2}
        options = sized(_abi.EncodeOptions, add_bos=modes[add_bos], add_eos=modes[add_eos],
                        parse_special=parse_special)
        return list(filled("gobi_encode", self.raw, data, len(data), byref(options), kind=c_int32,
                           guess=len(data) + 2))

    def decode(self, tokens: Sequence[int], *, render_special: bool = False) -> str:
        """The text of tokens. Bytes that are no UTF-8 become U+FFFD."""
        return filled_text("gobi_decode", self.raw, tokens_array(tokens), len(tokens), render_special)

    def piece(self, token: int, *, render_special: bool = False) -> bytes:
        """The bytes that one token adds to a text: perhaps a part of a character."""
        return filled("gobi_token_piece", self.raw, token, render_special, kind=c_char)

    @property
    def bos(self) -> int | None:
        token = library.gobi_token_bos(self.raw)
        return token if token >= 0 else None

    @property
    def eos(self) -> int | None:
        token = library.gobi_token_eos(self.raw)
        return token if token >= 0 else None

    def token(self, piece: str) -> int | None:
        """The token whose text is exactly `piece`."""
        token = library.gobi_token_named(self.raw, piece.encode())
        return token if token >= 0 else None

    def is_special(self, token: int) -> bool:
        return library.gobi_token_is_special(self.raw, token)

    def ends_generation(self, token: int) -> bool:
        return library.gobi_token_ends_generation(self.raw, token)


def inspect(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What is at `path`, from headers alone: files, metadata, tensors, formats, sizes."""
    return json.loads(filled_text("gobi_inspect", os.fsencode(path)))


def version() -> tuple[int, int, int]:
    """The version of the library that runs."""
    number = library.gobi_version()
    return number // 1_000_000, number // 1_000 % 1_000, number % 1_000


