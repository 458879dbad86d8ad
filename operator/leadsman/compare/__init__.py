"""How live stands against Git: pure functions from two documents and a schema to a finding.

Nothing here does I/O or reads a clock. The way of one comparison, which ``judge`` ties together:

* ``rewrites`` writes down what the API server would have made of Git's object, and takes away what
  is not Git's to say (``normalize``); where the cluster no longer serves the version that Git has,
  it knows which one says the same (``lineage``) and writes the object in it.
* ``walk`` finds every place where the meaning differs: ``kinds`` is what is known of each place,
  from the cluster's own OpenAPI and from Go's types, and when two values mean the same;
  ``pairing`` says which elements of two lists belong together.
* ``owners`` reads from managedFields who did it, and whether they are trusted to: of what Git
  specifies (``attribution``) and of what it does not (``additions``); and tells by evidence what
  admission changed, and what delivery once sent. Each difference is then a ``candidate``.
* Where the API server was asked, ``dryrun`` has its answer decide instead, and ``refusal`` reads
  what it says if it gives none.
* ``policy`` is what the target wants: ``ignore``, with ``selectors``, takes out what a rule names.
  ``mask`` hides what nobody may see, and ``verdict`` builds the finding.

What Git has dropped is judged by ``orphan``. ``paths`` names a place, ``access`` looks into
documents whose shape nobody has checked.
"""
