"""Find out what confining a process really takes from it on this kernel, by trying.

Run as a process of its own, like ``jail.py``. Prints Landlock's ABI and then the words of what
holds: ``files``, ``tcp``, ``signals``, ``sockets``. A container's own seccomp profile may refuse
what the kernel has, so that asking for versions would not do.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from leadsman.render import jail, landlock, seccomp

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Confine this process, try what must fail, print what did."""
    version = landlock.abi()
    try:
        jail.confine(version, execute=[], read=[], write=[], filtered=False)
    except OSError:
        version = 0
    held = [str(version)]
    if _refused(lambda: os.close(os.open(os.sep, os.O_RDONLY))):
        held.append("files")
    with socket.socket() as tcp:
        if _refused(lambda: tcp.bind(("127.0.0.1", 0))):
            held.append("tcp")
    if version >= landlock.ABI_SCOPES:
        held.append("signals")
    try:
        if seccomp.supported():
            seccomp.restrict()
    except OSError:
        pass  # then the next line tells
    if _refused(lambda: socket.socket().close()):
        held.append("sockets")
    sys.stdout.write(" ".join(held))
    return 0


def _refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


if __name__ == "__main__":
    sys.exit(main())
