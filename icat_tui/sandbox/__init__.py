"""A facility in a box: for the demo and for the tests."""
