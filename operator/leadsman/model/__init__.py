"""The values that flow through Leadsman: frozen, slotted, shared by all layers.

Nothing here does I/O, reads a clock or imports another part of the package.
"""
