"""The open places of the tree: as a person opened and closed them, or as a filter opens matches.

What must stay true: what a person opened without a filter is as it was once the filter is gone, and a filter opens no
more rows by itself than one can look through.
"""

from icat_tui.tui.state.nodes import Level, Place, turned

OPENED_AT_MOST = 1000
"""How many rows a filter opens by itself."""


class OpenPlaces:
    """Set of the open places of a tree, one without a filter and one under it."""

    def __init__(self, *, groups_open: bool) -> None:
        """Begin with everything closed; with `groups_open` proposals and beamlines are open."""
        self._groups_open = groups_open
        self._filtered = False
        self._toggled: set[Place] = set()
        """What was opened or closed by hand, without a filter."""
        self._matching: set[Place] = set()
        """What is open under the filter."""
        self._room = OPENED_AT_MOST
        """How many more rows the filter may open by itself."""

    def __contains__(self, place: Place) -> bool:
        """Return whether what lies below a place is visible, once the place itself is."""
        if self._filtered:
            return place in self._matching
        return (place in self._toggled) != (self._groups_open and len(place) <= Level.INNER)

    @property
    def has_room(self) -> bool:
        """Whether the filter may open more by itself."""
        return self._room > 0

    def set(self, place: Place, *, opened: bool) -> None:
        """Open or close a place by hand."""
        if (place in self) != opened:
            (self._matching if self._filtered else self._toggled).symmetric_difference_update({place})

    def narrow(self, *, filtered: bool) -> None:
        """Begin anew under a filter, or go back to what was open without one."""
        self._filtered, self._matching, self._room = filtered, set(), OPENED_AT_MOST

    def open_match(self, place: Place, rows: int) -> None:
        """Open a place for the filter if its rows still fit; what would never fit stays closed, the rest in order."""
        if rows <= self._room:
            self._matching.add(place)
            self._room -= rows
        elif rows <= OPENED_AT_MOST:
            self._room = 0

    def open_group(self, place: Place) -> None:
        """Open a group for the filter, as a session has appeared in it that matches."""
        self._matching.add(place)

    def turn(self) -> None:
        """Keep the same open where proposals and beamlines change their order."""
        self._toggled, self._matching = (
            {turned(each) for each in places} for places in (self._toggled, self._matching)
        )
