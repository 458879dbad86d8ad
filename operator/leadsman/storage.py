"""Files of Leadsman's own that are there whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in the place of what is there, in a folder that is made if need be.

    Raises:
        OSError: it could not be written; what was there still is.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)  # noqa: PTH105 - the same, from a name
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
