"""State of the UI: known sessions, those in view, open places, filter, marks; without a widget."""
