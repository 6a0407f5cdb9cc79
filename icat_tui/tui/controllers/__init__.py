"""What keys set going: work in threads, dialogs, and what comes of them."""
