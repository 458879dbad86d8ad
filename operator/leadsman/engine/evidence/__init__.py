"""What delivery sent, and when: what tells admission's work and a scaler's from drift."""
