"""Frames of a broker, cut out of the bytes that arrive (icat.md, "Connections and receipts").

stomp.py loses a frame that two heart-beats come before, takes a line end of two characters for something else, and
keeps an endless frame. So it is given whole frames in the one form that it reads rightly. What must stay true: however
the bytes are split over reads, the same frames come out; no more than one frame of `LARGEST_FRAME` is kept.
"""

import re

LARGEST_FRAME = 1 << 20
"""Bytes of a frame, at most; those that answer a message have a few hundred."""

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*([0-9]{1,9})[ \t]*\r?$", re.MULTILINE)
_LENGTH_LINE = re.compile(r"^content-length:[^\n]*\n?", re.MULTILINE)


class FrameError(ValueError):
    """Fault of a broker: a frame that is too large, or longer than it says."""


class FrameReader:
    """Reader of the frames of one connection."""

    def __init__(self) -> None:
        """Begin between two frames."""
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that `data` completes, each with NUL at its end, without heart-beats and empty frames.

        Raises FrameError; then nothing more can be read.
        """
        self._kept += data
        frames = []
        while (frame := self._next()) is not None:
            if frame:
                frames.append(_normalised(frame))
        return frames

    @property
    def between(self) -> bool:
        """Whether no part of a frame waits for the rest."""
        return not self._kept

    def _next(self) -> bytes | None:
        kept = self._kept
        if kept.startswith((b"\n", b"\r")):
            del kept[: len(kept) - len(kept.lstrip(b"\r\n"))]
        end = self._end()
        if max(end, len(kept) if end < 0 else 0) > LARGEST_FRAME:
            raise FrameError(f"it sent a frame of more than {LARGEST_FRAME:,} bytes")
        if end < 0 or end >= len(kept):
            return None
        if kept[end]:
            raise FrameError("it sent a frame that is longer than it says")
        frame = bytes(kept[:end])
        del kept[: end + 1]
        return frame

    def _end(self) -> int:
        """Return the place of the NUL after the first frame, as far as it is known; -1 where it is not."""
        nul = self._kept.find(b"\0")
        head = _HEAD_END.search(self._kept, 0, nul if nul >= 0 else len(self._kept))
        length = _LENGTH.search(self._kept, 0, head.start()) if head else None
        return head.end() + int(length[1]) if head and length else nul


def _normalised(frame: bytes) -> bytes:
    """Return a frame with lines ended by a line feed, as UTF-8, without a length and without NUL in its body."""
    head = _HEAD_END.search(frame)
    lines = frame[: head.start() if head else len(frame)].replace(b"\r\n", b"\n").decode(errors="replace")
    body = frame[head.end() :].decode(errors="replace").replace("\0", "\ufffd") if head else ""
    return f"{_LENGTH_LINE.sub('', lines).rstrip(chr(10))}\n\n{body}\0".encode()
