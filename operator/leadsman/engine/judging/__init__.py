"""From pending objects to verdicts: bring them, judge them, remember it."""
