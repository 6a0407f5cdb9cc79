"""Compare disk and catalogue, plan what is missing, send it, and verify that ICAT lists it."""
