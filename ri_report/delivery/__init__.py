"""Putting what was made where it belongs."""
