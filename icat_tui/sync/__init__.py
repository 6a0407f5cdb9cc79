"""Compare disk and catalogue, plan what is missing, send it, and look whether ICAT has understood."""
