"""What is kept between runs: the last verdict on each session, and an index of them all."""
