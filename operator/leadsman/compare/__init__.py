"""How live stands against Git: pure functions from two documents and a schema to a finding.

Nothing here does I/O or reads a clock. The way of one comparison:

``normalize`` takes away what is not Git's to say (identity, server-owned metadata, status),
``walk`` finds every place where the meaning differs, helped by what ``schema`` knows of the kind,
``additions`` and ``ownership`` say who did it and whether they are trusted to (``managers``),
``ignore`` takes out what a rule names, ``mask`` what nobody may see, ``judge`` ties it together.
"""
