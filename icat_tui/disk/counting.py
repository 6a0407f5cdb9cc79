"""How many files a directory holds: what a person compares with the number that ICAT has."""

import os


def count_files(path: str) -> int | None:
    """Return how many files lie in a directory, at any depth; None where not all of it could be looked at."""
    refused: list[OSError] = []
    number = sum(len(files) for _, _, files in os.walk(path, onerror=refused.append))
    return None if refused else number
