"""Who set what, whether they are trusted to, and what shows what they sent."""
