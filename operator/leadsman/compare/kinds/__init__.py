"""What is known of a kind: from OpenAPI, and from Go's types what that does not tell."""
