"""What is in the cluster now: watches on the kinds that targets render, and single look-ups."""
