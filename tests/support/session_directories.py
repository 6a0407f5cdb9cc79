"""Directories of sessions without any dataset."""

from pathlib import Path


def make_raw_directories(root: Path, *places: str) -> None:
    for place in places:
        (root / place / "RAW_DATA").mkdir(parents=True)
