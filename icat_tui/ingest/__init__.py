"""What ICAT is told: the bodies of messages, and the way to the broker."""
