"""The programs that render: where they are, and what they need of the file system."""

from __future__ import annotations

import os
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from leadsman.errors import RenderError

_ELF_HEADER = struct.Struct("<4s12xHHIQQQIHHHHHH")
_ELF_SEGMENT = struct.Struct("<IIQQQQQQ")
_SEGMENT_INTERPRETER = 3

# What the dynamic loader reads; the programs that are published need none of it.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_STORE = "/nix/store"


@dataclass(frozen=True, slots=True)
class Program:
    """A program's file and the files and folders that it may read and run, itself included."""

    name: str
    path: str
    execute: tuple[str, ...]


def find_program(name: str, setting: str) -> Program:
    """Find a program by its path, or by its name on PATH.

    ``setting`` names what a person would change. Raises RenderError.
    """
    found = shutil.which(name)
    if found is None:
        raise RenderError(
            "RendererNotFound",
            f"{name} is not there or cannot be run: install it on PATH, or name it by {setting}",
        )
    path = os.path.realpath(found)
    try:
        loader = _loader(path)
    except (OSError, struct.error) as error:
        raise RenderError("RendererNotFound", f"{name} cannot be read: {error}") from error
    if loader is None:
        raise RenderError(
            "RendererNotFound",
            f"{path} is no program but a script, which cannot be confined: "
            f"name the program itself by {setting}",
        )
    needs = [path]
    if loader:
        needs += [item for item in _LIBRARIES if Path(item).exists()]
        needs += [_STORE] if loader.startswith(_STORE) else [loader]
    return Program(Path(name).name, path, tuple(needs))


def _loader(path: str) -> str | None:
    """Return the dynamic loader an ELF file asks for, "" for a static one, None for no ELF file."""
    with Path(path).open("rb") as file:
        header = file.read(_ELF_HEADER.size)
        if not header.startswith(b"\x7fELF"):
            return None
        fields = _ELF_HEADER.unpack(header)
        offset, size, count = fields[5], fields[9], fields[10]
        for index in range(count):
            file.seek(offset + index * size)
            segment = _ELF_SEGMENT.unpack(file.read(_ELF_SEGMENT.size))
            if segment[0] == _SEGMENT_INTERPRETER:
                file.seek(segment[2])
                return os.path.realpath(file.read(segment[5]).rstrip(b"\0").decode())
    return ""
