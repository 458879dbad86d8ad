"""What of a sandbox holds on this kernel: found out by trying, once, and said in the log."""

from __future__ import annotations

import functools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PACKAGE_ROOT: Final = str(Path(__file__).resolve().parents[2])
_PROBE: Final = "from leadsman.render import probe; sys.exit(probe.main())"


@dataclass(frozen=True, slots=True)
class Protections:
    """What confining a process takes from it on this kernel; ``landlock`` is the ABI or 0."""

    landlock: int = 0
    files: bool = False
    tcp: bool = False
    sockets: bool = False
    signals: bool = False

    @property
    def offline(self) -> bool:
        """Whether a program is kept off the network."""
        return self.tcp or self.sockets

    def describe(self) -> list[str]:
        """Say for the log what holds and what does not, one sentence each."""
        landlock = f"Landlock ABI {self.landlock}"
        return [
            f"files: only the checkout and a scratch folder ({landlock})"
            if self.files
            else "files: NOT confined by the kernel (no Landlock), references are checked before",
            "network: no sockets of any kind (seccomp)"
            if self.sockets
            else f"network: no TCP ({landlock}), but UDP and Unix sockets (no seccomp)"
            if self.tcp
            else "network: NOT confined by the kernel (neither seccomp nor Landlock ABI 4)",
            "processes: no new ones (seccomp)"
            if self.sockets
            else "processes: new ones are possible (no seccomp)",
            "signals: to none but itself"
            if self.signals or self.sockets
            else "signals: possible to processes of the same user",
        ]


def protections() -> list[str]:
    """Say what holds on this kernel, for the log."""
    return probe().describe()


@functools.cache
def probe() -> Protections:
    """Find out what holds on this kernel, once; takes the start of a process."""
    if sys.platform != "linux":
        return Protections()
    ran = subprocess.run(  # noqa: S603 - this interpreter and code of ours
        python_command(_PROBE), capture_output=True, text=True, check=False, env={}, timeout=30
    )
    words = ran.stdout.split()
    if ran.returncode != 0 or not words:
        return Protections()
    return Protections(int(words[0]), **dict.fromkeys(words[1:], True))


def python_command(code: str) -> list[str]:
    """Return the command for an interpreter without site packages that finds this package."""
    return [
        *(sys.executable, "-I", "-S", "-c"),
        f"import sys; sys.path.append({_PACKAGE_ROOT!r}); {code}",
    ]
