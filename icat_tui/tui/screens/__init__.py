"""What covers the tree for a moment: each is given values, shows them, and is dismissed with a value."""
