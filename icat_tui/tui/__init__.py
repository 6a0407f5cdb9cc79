"""The terminal UI: shows what `sync` yields and does what `sync` offers; no rule lives here."""
