"""Caches that other programs have written."""

from pathlib import Path

LEGACY_CACHES = Path(__file__).parents[1] / "data" / "old_caches"


LEGACY_VERSIONS = ("pyicat_plus_0_5_0", "pyicat_plus_2_2_0")
