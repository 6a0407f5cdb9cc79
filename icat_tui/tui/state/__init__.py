"""What the UI knows and what is in view: values and what changes them, without a widget."""
