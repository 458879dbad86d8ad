"""Does the verdict agree with the API server? On manifests that nobody here wrote.

``make truth`` renders real charts, kustomizations and manifests (``material``), delivers them to
real control planes in the ways that people do (``ways``), changes what lives through the API
(``mutations``), and asks Leadsman and its peers each time (``job``). What should be said is known
from what the API server stored before and after (``oracle``), not from Leadsman's own code.
"""
