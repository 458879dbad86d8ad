"""What decides when: queue, reconcile, judging live changes, asking the API server.

Everything below the engine takes values and returns values; only here is known in which order.
"""
