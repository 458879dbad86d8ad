"""The demo: real drift, made by hand in a real cluster, and found while one watches.

``python -m demo`` is what ``make demo`` runs. It reads from the environment

* ``KEEP=1``: leave everything running at the end, until Ctrl-C;
* ``CONTEXT=name``: use the cluster of that kubeconfig context, in namespaces of the demo's own;
* ``PAUSE=seconds``: time to read after each scene, 1.5 unless set;
* ``NO_COLOR``: no colour.

Every command that it shows is run exactly as shown. A step that does not come true in time ends it
with exit code 1.
"""
