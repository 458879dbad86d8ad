"""What the API server would make of Git's objects, asked of it with a dry run."""
