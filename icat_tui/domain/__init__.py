"""Values of the field and the rules that compare them: pure, without I/O, and with the time given as an argument."""
