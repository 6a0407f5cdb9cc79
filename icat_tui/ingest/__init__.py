"""What we tell ICAT: the messages, the way to the broker, and the journal of what was sent."""
