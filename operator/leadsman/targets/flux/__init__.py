"""Flux's custom resources become targets."""
