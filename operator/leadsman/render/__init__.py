"""From a checkout to the objects that Git asks for.

This file stays without imports: the wrapper that confines each program (``jail.py``) is started
once per render through it.
"""
