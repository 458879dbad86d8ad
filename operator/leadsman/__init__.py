"""Leadsman tells how far live clusters have drifted from Git, and never changes them."""

__version__ = "0.1.0"
