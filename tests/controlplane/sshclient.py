"""OpenSSH's client, which git runs for ``ssh://``: the one program that git does not always bring.

``python -m controlplane.sshclient`` sees to it ahead of the tests. Where it is missing it is
installed if that can be done without asking (Debian's packages, as root, as in a container);
anybody else is told what to install.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from .progress import Progress

# ssh-keygen makes the encrypted keys of the tests.
PROGRAMS = ("ssh", "ssh-keygen")
PACKAGE = "openssh-client"
APT = ("apt-get", "-q", "-o", "Dpkg::Use-Pty=0")


def missing() -> list[str]:
    """The programs that are not on PATH."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def install() -> str:
    """Install Debian's package; return what went wrong, "" for nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (("update",), ("install", "-y", "--no-install-recommends", PACKAGE))
    with Progress(f"Installing {PACKAGE}, which git needs for ssh://"):
        ran = [
            subprocess.run(
                [*APT, *step], env=environment, capture_output=True, text=True, check=False
            )
            for step in steps
        ]
    return ran[-1].stderr if ran[-1].returncode else ""


def main() -> int:
    """Have the programs, or say what is to be done."""
    if not missing():
        return 0
    problem = ""
    if os.geteuid() == 0 and shutil.which(APT[0]):
        problem = install()
    if not (lacking := missing()):
        return 0
    sys.stderr.write(
        f"{problem}git needs OpenSSH's client for ssh:// URLs, and {' and '.join(lacking)} "
        f"cannot be found: install it (Debian, Ubuntu: apt-get install {PACKAGE}; "
        "Fedora: dnf install openssh-clients; Alpine: apk add openssh-client)\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
