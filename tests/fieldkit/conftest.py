"""The fixtures of the kit, for its own tests."""

from tests.fieldkit.facility import facility, make_facility

__all__ = ["facility", "make_facility"]
