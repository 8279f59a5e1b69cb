"""The parts of *no loss*: those who write, kill, read along, and look afterwards."""
