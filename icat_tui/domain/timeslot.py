"""Which investigation a session belongs to, and how its datasets lie to the time slot (icat-facts.md §4).

The rules are those of the programs before, so that the same session finds the same investigation; but the time zone is
the facility's, never the machine's, and how well the investigation fits is said.
"""
