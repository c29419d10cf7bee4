"""Vectors of texts, and scores of documents."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import POINTER, byref, c_bool, c_float, c_int32, c_size_t
from typing import Any

from . import _abi
from ._abi import Owned, call, check, filled, filled_text, library, sized
from .engine import FOREVER
from .model import Model, tokens_array

_POOLINGS = {None: 0, "mean": 1, "first": 2, "last": 3}
_EXCESSES = {"chunk": 0, "refuse": 1, "truncate": 2}


class Embedding(Owned):
    """A request in an embedder. Cancelled when it is closed. Any thread may use it."""

    _destroy = "gobi_embedding_destroy"

    def wait(self, timeout: float = FOREVER) -> bool:
        """Whether the result is there, at most after `timeout` seconds. Raises what the request failed for."""
        done = c_bool()
        call("gobi_embedding_wait", self.raw, timeout, byref(done))
        return done.value

    def values(self) -> Any:
        """Waits for the vector or the scores: an array of c_float, which numpy.asarray takes without a copy."""
        self.wait()
        return filled("gobi_embedding_values", self.raw, kind=c_float)

    def cancel(self) -> None:
        check(library.gobi_embedding_cancel(self.raw))


class Embedder(Owned):
    """Serves vectors and scores on a thread of its own. Any thread may use it. 0 is an option's default.

    chunk_tokens: a longer text is cut into chunks of so many. pooling: mean, first, last, or None for the default.
    """

    _destroy = "gobi_embedder_destroy"

    def __init__(self, model: Model, *, context: int = 0, chunk_tokens: int = 0, pooling: str | None = None,
                 max_queue: int = 0, max_step_tokens: int = 0, time_to_result: float = 0, aging: float = 0) -> None:
        self._model = model
        tokenizer = model.tokenizer.raw if model.info.has_tokenizer else None
        options = sized(_abi.EmbedderOptions, tokenizer=tokenizer, context=context, chunk_tokens=chunk_tokens,
                        pooling=_POOLINGS[pooling], max_queue=max_queue, max_step_tokens=max_step_tokens,
                        time_to_result=time_to_result, aging=aging)
        super().__init__("gobi_embedder_create", model.raw, byref(options))

    def _tokens(self, text: str | Sequence[int]) -> Any:
        if isinstance(text, str):
            return tokens_array(self._model.tokenizer.encode(text, add_bos=False, add_eos=False))
        return tokens_array(text)

    def submit(self, text: str | Sequence[int], second: str | Sequence[int] | None = None, *, excess: str = "chunk",
               overlap: int = 0, pooling: str | None = None, labels: bool = False, normalised: bool = True,
               deadline: float = 0, priority: int = 0) -> Embedding:
        """Hands a text in, or a pair that an encoder looks at together.

        excess: what becomes of a text that is longer than a chunk: chunk, refuse or truncate.
        labels: scores of the model's classification head in place of a vector.
        """
        tokens = self._tokens(text)
        others = self._tokens(second) if second is not None else None
        request = sized(_abi.EmbedRequest, tokens=tokens, token_count=len(tokens), second=others,
                        second_count=len(others) if others is not None else 0, overlap=overlap, deadline=deadline,
                        excess=_EXCESSES[excess], pooling=_POOLINGS[pooling], priority=priority, labels=labels,
                        unnormalised=not normalised)
        return Embedding("gobi_embedder_submit", self.raw, byref(request))

    def embed(self, texts: Sequence[str | Sequence[int]], **options: Any) -> list[Any]:
        """A vector a text, evaluated together."""
        pending = [self.submit(text, **options) for text in texts]
        return [embedding.values() for embedding in pending]

    def rerank(self, query: str | Sequence[int], documents: Sequence[str | Sequence[int]], *, excess: str = "chunk",
               deadline: float = 0, priority: int = 0) -> Embedding:
        """How well documents answer a query: a score each, greater is better."""
        asked = self._tokens(query)
        texts = [self._tokens(document) for document in documents]
        pointers = (POINTER(c_int32) * len(texts))(*texts)
        counts = (c_size_t * len(texts))(*(len(text) for text in texts))
        request = sized(_abi.RerankRequest, query=asked, query_count=len(asked), documents=pointers,
                        document_tokens=counts, document_count=len(texts), deadline=deadline,
                        excess=_EXCESSES[excess], priority=priority)
        return Embedding("gobi_embedder_rerank", self.raw, byref(request))

    def drain(self) -> None:
        """Takes no more requests, and ends when those that are there are finished."""
        call("gobi_embedder_drain", self.raw)

    def shut_down(self) -> None:
        """Cancels every request and ends."""
        call("gobi_embedder_shut_down", self.raw)

    def wait(self, timeout: float = FOREVER) -> bool:
        """Whether it has ended, at most after `timeout` seconds."""
        ended = c_bool()
        call("gobi_embedder_wait", self.raw, timeout, byref(ended))
        return ended.value

    def prometheus(self, labels: str = "") -> str:
        return filled_text("gobi_embedder_prometheus", self.raw, labels.encode())
