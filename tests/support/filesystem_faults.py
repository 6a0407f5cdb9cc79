"""Calls to the file system that are noted, one of which fails."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self


class Call(NamedTuple):
    """The n-th call of one kind for one path."""

    name: str
    path: str
    number: int


class Faults:
    """Notes every call for a path below a root, and lets one of them fail."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.failing: Call | None = None
        self.error = errno.EIO
        self.calls: list[Call] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def begin(self, failing: Call | None, error: int = errno.EIO) -> None:
        self.failing, self.error = failing, error
        self.calls.clear()
        self.counts.clear()

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(path: Any, *arguments: Any, **options: Any) -> Any:
            text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
            if text.startswith(self.root):
                self.note(name, text)
            found = call(path, *arguments, **options)
            return Listing(found, text, self) if name == "scandir" and text.startswith(self.root) else found

        return wrapped

    def note(self, name: str, path: str) -> None:
        self.counts[name, path] += 1
        made = Call(name, path, self.counts[name, path])
        self.calls.append(made)
        if made == self.failing:
            raise OSError(self.error, os.strerror(self.error), path)


class Listing:
    """A listing that may break off."""

    def __init__(self, entries: Any, path: str, faults: Faults) -> None:
        self.entries, self.path, self.faults = entries, path, faults

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.entries.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.faults.note("readdir", self.path)
        return next(self.entries)
