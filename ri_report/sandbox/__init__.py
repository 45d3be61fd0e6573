"""An embedded AWS endpoint on loopback with a demo organization behind it."""
