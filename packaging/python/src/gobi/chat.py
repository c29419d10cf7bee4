"""Content, reasoning and tool calls of answers."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import json
from collections.abc import Sequence
from ctypes import POINTER, byref, c_bool
from typing import Any

from . import _abi
from ._abi import Handle, Owned, call, filled_text, sized
from .grammar import Grammar
from .model import Model


class ChatKind(enum.IntEnum):
    CONTENT = 0
    REASONING = 1
    CALL_BEGAN = 2
    CALL_ARGUMENTS = 3
    CALL_ENDED = 4
    MALFORMED_CALL = 5


@dataclasses.dataclass(frozen=True)
class ChatEvent:
    """gobi_chat_event."""

    kind: ChatKind
    text: str
    id: str
    name: str
    index: int


def _tools(tools: Sequence[Any] | None) -> bytes | None:
    return json.dumps(list(tools)).encode() if tools is not None else None


def shows_special(model: Model) -> bool:
    """Whether answers for a ChatParser are to be asked for with render_special."""
    shows = c_bool()
    call("gobi_chat_shows_special", model.raw, byref(shows))
    return shows.value


class ChatParser(Owned):
    """Reads an answer as it comes, in the format of the model's family.

    tools: those given to Model.render_chat; None for none. prompt: as rendered; it may end inside reasoning.
    """

    _destroy = "gobi_chat_parser_destroy"

    def __init__(self, model: Model, *, tools: Sequence[Any] | None = None, prompt: str = "",
                 id_seed: int = 0) -> None:
        data = prompt.encode()
        options = sized(_abi.ChatOptions, tools=_tools(tools), prompt=data, prompt_length=len(data), id_seed=id_seed)
        super().__init__("gobi_chat_parser_create", model.raw, byref(options))

    def append(self, text: str) -> list[ChatEvent]:
        """Takes a piece of the answer, and returns what is certain now."""
        data = text.encode()
        call("gobi_chat_parser_append", self.raw, data, len(data))
        return self._taken()

    def finish(self) -> list[ChatEvent]:
        """Ends the answer, and returns what was held back."""
        call("gobi_chat_parser_finish", self.raw)
        return self._taken()

    def _taken(self) -> list[ChatEvent]:
        events = []
        lent = POINTER(_abi.ChatEvent)()
        while True:
            call("gobi_chat_parser_next", self.raw, byref(lent))
            if not lent:
                return events
            event = lent.contents
            text = ctypes.string_at(event.text, event.text_length).decode()
            events.append(ChatEvent(ChatKind(event.kind), text, event.id.decode(), event.name.decode(), event.index))


def force_call(model: Model, tools: Sequence[Any], name: str | None = None, *,
               in_reasoning: bool = False) -> tuple[str, Grammar]:
    """What makes an answer a call of one of `tools`, or of the one called `name`: the prompt goes on with the text,
    encoded with parse_special, the rest is held to the grammar, and a ChatParser is fed the text first."""
    raw = Handle()
    prefix = filled_text("gobi_chat_force_call", model.raw, _tools(tools), name.encode() if name is not None else None,
                         in_reasoning, byref(raw))
    return prefix, Grammar._adopt(raw)
