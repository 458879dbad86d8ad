"""How a custom resource becomes a ``Target``: one module per kind, each a pure function.

``spec.py`` is what they share: it reads the fields of an object that nobody has validated, and
names the field in every error.
"""
