"""A thin asynchronous client of the Kubernetes API: auth, discovery, lists, watches, dry-runs.

What is measured decides: one session, two-step decoding, nothing kept that can be asked for.
"""
