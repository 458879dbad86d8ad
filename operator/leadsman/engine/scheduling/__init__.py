"""When a target has its turn, and whose it is."""
