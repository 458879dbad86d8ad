"""Renders kept on disk, by what they were made from.

The key tells everything that a render depends on: Git's ids of what it read, the options, the
program's version. So an entry is never out of date, and a commit that touches nothing of a target
runs no program. What is kept is what the renderer yields, before the cluster's facts shape it.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import orjson

from leadsman.render.checkout import list_folder
from leadsman.render.documents import Documents
from leadsman.storage import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Part of every key: another number where the same inputs would be read in another way.
_FORMAT: Final = 4
_SUFFIX: Final = ".render"
# The share of its size that is left when some had to go, so that not each further one looks
# through the whole folder.
_LEFT: Final = 0.9


def cache_key(trees: Mapping[str, str], paths: Iterable[str], rest: object) -> str | None:
    """Return the key of a render that read ``paths``, and whatever ``rest`` says.

    A path that is not in ``trees`` counts as absent. None: without ids nothing can be kept.
    """
    if not trees:
        return None
    # Names need not be UTF-8, and may hold anything but a null.
    ids = "\0".join(f"{path}\0{trees.get(path, '')}" for path in sorted(paths))
    # Neither may those in the rest, which the standard library's encoder takes, by escapes.
    options = json.dumps([_FORMAT, rest], default=asdict)
    said = ids.encode("utf-8", "surrogateescape") + b"\0" + options.encode()
    return hashlib.sha256(said).hexdigest()


class RenderCache:
    """A folder of renders, bounded in bytes: the least recently used ones go first.

    It may vanish or be damaged at any time; then it is empty.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._size = size
        # Bytes in the folder, as far as this process knows; None before it has looked.
        self._held: int | None = None
        self._lock = threading.Lock()
        self._decoder = msgspec.json.Decoder(Documents)

    def get(self, key: str) -> Documents | None:
        """Return what was put under the key, None where there is nothing that can be read."""
        path = self._path(key)
        try:
            documents = self._decoder.decode(zlib.decompress(path.read_bytes()))
            os.utime(path)
        except (OSError, zlib.error, msgspec.DecodeError):
            return None
        return documents

    def put(self, key: str, documents: Documents) -> None:
        """Keep a render; that the disk is full or read-only only costs time later."""
        content = zlib.compress(orjson.dumps(documents), level=1)
        with suppress(OSError):
            write_whole(self._path(key), content)
            self._bound(len(content))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _bound(self, added: int) -> None:
        """Take note of what was added, and look through the folder where it may be too much."""
        with self._lock:
            if self._held is not None and self._held + added <= self._size:
                self._held += added
            else:
                self._held = self._trim()

    def _trim(self) -> int:
        """Remove what was not used for longest, if there is too much; return the bytes left."""
        entries = []
        for entry in list_folder(self._folder):
            with suppress(FileNotFoundError):
                found = entry.stat()
                entries.append((found.st_mtime_ns, found.st_size, entry.path))
        total = sum(size for _, size, _ in entries)
        if total > self._size:
            for _, size, path in sorted(entries):
                if total <= self._size * _LEFT:
                    break
                Path(path).unlink(missing_ok=True)
                total -= size
        return total
