"""What was seen, and what could not be seen."""
