"""From verdicts to reports, Events and metrics."""
