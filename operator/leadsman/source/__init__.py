"""Where desired state comes from: Git repositories, mirrored and checked out, or a local folder.

``mirrors`` is what the engine calls for repositories, ``local`` for folders.
"""

import os

# GitPython raises on import where it finds no git; ours is an error of the target that needs it.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
