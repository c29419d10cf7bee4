"""What a call of the library raises."""

from __future__ import annotations


class Error(Exception):
    """A call that failed: `status` is gobi_status, the text its sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class InvalidArgument(Error, ValueError):
    pass


class Busy(Error):
    """Another thread is in a call on the object."""


class OutOfMemory(Error, MemoryError):
    """The system has no room, or a budget would be exceeded."""


class Cancelled(Error):
    pass


class BadFile(Error):
    """A file is missing, malformed, or lacks what is needed."""


class Unsupported(Error):
    pass


class ContextExceeded(Error, ValueError):
    pass


class BadState(Error, ValueError):
    """A saved sequence is damaged or of another model."""


class BadText(Error, ValueError):
    """A tokenizer, a template, a grammar or a JSON text is wrong."""


class QueueFull(Error):
    """As many requests wait as may: try again later."""


class DeadlineExceeded(Error):
    pass


class ShuttingDown(Error):
    """The engine takes no more requests."""


_BY_STATUS = {1: InvalidArgument, 3: Busy, 4: OutOfMemory, 5: Cancelled, 6: BadFile, 7: Unsupported,
              8: ContextExceeded, 9: BadState, 10: BadText, 12: QueueFull, 13: DeadlineExceeded, 14: ShuttingDown}


def error_of(status: int, message: str) -> Error:
    return _BY_STATUS.get(status, Error)(status, message)
