"""AWS's rules as pure functions from frames to frames: no clock, file, network or environment."""
