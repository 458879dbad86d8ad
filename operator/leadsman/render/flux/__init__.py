"""What Flux makes of a build before it applies it."""
