"""What the API server, or another version, makes of what is written."""
