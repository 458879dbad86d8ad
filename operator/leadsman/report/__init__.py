"""What is said of a target: DriftReport, metrics, Events, text.

Everything here is derived from one value, ``TargetStatus``; only ``writer`` and ``EventRecorder``
talk to the API server.
"""
