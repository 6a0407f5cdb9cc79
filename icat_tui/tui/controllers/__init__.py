"""Controllers: work in threads and dialogs as keys start them, and their results."""
