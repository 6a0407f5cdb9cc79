"""How long a scan takes, and how much memory: ours and the programs before us. Not part of the test run."""
