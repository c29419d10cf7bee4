"""Language model inference on CPUs, through libgobi.

    import gobi

    with gobi.Model("model.gguf") as model, gobi.Engine(model) as engine:
        for event in engine.submit("Once upon a time", max_tokens=32):
            print(event.text, end="", flush=True)

Objects with a handle of the library are context managers; what is made of them keeps what it needs of them alive.
Calls release the interpreter's lock, so that threads work while others wait.
"""

from .chat import ChatEvent, ChatKind, ChatParser, force_call, shows_special
from .embedder import Embedder, Embedding
from .engine import FOREVER, Engine, Event, Finished, FinishReason, Generation, Started, Token, Usage
from .errors import (BadFile, BadState, BadText, Busy, Cancelled, ContextExceeded, DeadlineExceeded, Error,
                     InvalidArgument, OutOfMemory, QueueFull, ShuttingDown, Unsupported)
from .grammar import Grammar
from .model import Adapter, Cancel, Model, ModelInfo, Runtime, Tokenizer, inspect, version
from .session import Choice, Matcher, MatcherState, Sampler, Sequence, Session

__version__ = "%d.%d.%d" % version()
__all__ = [
    "Adapter", "BadFile", "BadState", "BadText", "Busy", "Cancel", "Cancelled", "ChatEvent", "ChatKind",
    "ChatParser", "Choice", "ContextExceeded", "DeadlineExceeded", "Embedder", "Embedding", "Engine", "Error",
    "Event", "FOREVER", "FinishReason", "Finished", "Generation", "Grammar", "InvalidArgument", "Matcher",
    "MatcherState", "Model", "ModelInfo", "OutOfMemory", "QueueFull", "Runtime", "Sampler", "Sequence", "Session",
    "ShuttingDown", "Started", "Token", "Tokenizer", "Unsupported", "Usage", "force_call", "inspect",
    "shows_special", "version",
]
