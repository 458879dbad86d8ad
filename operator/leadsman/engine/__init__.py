"""What decides when: the queue, the reconcile of a target, the judging of live changes.

Everything below the engine takes values and returns values; only here is known in which order.
"""
