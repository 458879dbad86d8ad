"""Make `.venv` from the locked requirements, unless what is there was made from the same.

Run by make with any Python >= 3.11; nothing but the standard library is there yet.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".venv"
LOCK = ROOT / "tests" / "requirements.txt"
STAMP = VENV / "made-from"
PIP_INSTALL = ("install", "--disable-pip-version-check", "--quiet")


def fingerprint() -> str:
    """A hash of what decides what is in the environment, and of where it is."""
    digest = hashlib.sha256()
    for file in (LOCK, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(file.read_bytes())
    digest.update(f"{sys.version_info[:3]} {sys.base_prefix} {ROOT}".encode())
    return digest.hexdigest()


def pip() -> list[str | Path]:
    """Make an empty environment; return the command that installs into it.

    Debian leaves out ensurepip, and with it pip in new environments, until python3-venv is there;
    then the pip of the outer Python brings one in.
    """
    shutil.rmtree(VENV, ignore_errors=True)
    python = VENV / "bin" / "python"
    if importlib.util.find_spec("ensurepip"):
        run(sys.executable, "-m", "venv", VENV)
        return [python, "-m", "pip"]
    if importlib.util.find_spec("pip"):
        run(sys.executable, "-m", "venv", "--without-pip", VENV)
        run(sys.executable, "-m", "pip", "--python", python, *PIP_INSTALL, "pip")
        return [python, "-m", "pip"]
    raise SystemExit(
        f"{sys.executable} has neither ensurepip nor pip, so it cannot install anything.\n"
        "On Debian and Ubuntu: apt-get install python3-venv\n"
        "Or name another one: make PYTHON=/path/to/python3"
    )


def run(*command: str | Path) -> None:
    """Run a command that prints its own errors."""
    if code := subprocess.run(command, check=False).returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed with {code}")


def main() -> None:
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    python = sys.version.split()[0]
    sys.stdout.write(f"Making {VENV} with Python {python}: about half a minute\n")
    sys.stdout.flush()
    install = [*pip(), *PIP_INSTALL]
    run(*install, "--require-hashes", "--requirement", LOCK)
    # With the build backend from the lock: nothing is fetched that has no hash.
    run(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    STAMP.write_text(wanted)


if __name__ == "__main__":
    main()
