"""What ICAT knows, asked over REST."""
