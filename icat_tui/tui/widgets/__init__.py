"""What the screen is made of; each of them shows values that it is given and posts facts in the past tense."""
