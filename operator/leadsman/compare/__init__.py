"""How live stands against Git: pure functions from two documents and a schema to a finding.

Nothing here does I/O or reads a clock. Where the cluster no longer serves the version that Git has,
``lineage`` knows which one says the same, and ``conversions`` and ``autoscaling`` write the object
in it, by means of ``edits``. The way of one comparison, which ``judge`` ties together:

``normalize`` takes away what is not Git's to say (identity, server-owned metadata, status), and
``implied`` adds the defaults of a version that has gone.
``walk`` finds every place where the meaning differs: ``nodes`` is what is known of each place, made
by ``schema`` and ``openapi`` from the cluster's own OpenAPI, and by ``builtin`` and ``gotypes``
from Go's types; ``pairing`` says which elements of two lists belong together, ``values`` and
``quantity`` when two scalars mean the same.
``ownership`` and ``fieldset`` read from managedFields who did it, ``attribution`` (of what Git
specifies) and ``additions`` (of what it does not) whether they are trusted to, by ``managers``;
each difference is then a ``candidate``.
``evidence`` tells what admission changed, as long as ``typed`` says that managedFields are kept;
where the API server was asked, ``dryrun`` has its answer decide instead, and ``refusal`` reads what
it says if it gives none.
``policy`` is what the target wants: ``ignore``, with ``selectors``, takes out what a rule names.
``mask`` hides what nobody may see, and ``verdict`` builds the finding.

What Git has dropped is judged by ``orphan``. ``paths`` names a place, ``access`` looks into
documents whose shape nobody has checked.
"""
