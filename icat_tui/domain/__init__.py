"""The words of the trade and the rules that decide: pure, without I/O and without a clock of its own."""
