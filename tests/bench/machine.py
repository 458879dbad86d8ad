"""What the figures were measured on, and with."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bench.options import ROOT
from controlplane.gomodule import required
from harness.flux import MODULE as FLUX
from leadsman import __version__

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane


def machine() -> list[tuple[str, str]]:
    """Say what machine this is, and how busy it is already: pairs of what and how."""
    load = os.getloadavg()
    return [
        ("Cores", f"{os.cpu_count()}, {_processor()}"),
        ("Memory", f"{_memory():.0f} GiB"),
        ("Linux", f"{platform.release()}, {platform.machine()}"),
        ("Load average before the run", ", ".join(f"{one:.1f}" for one in load)),
    ]


def versions(plane: ControlPlane) -> list[tuple[str, str]]:
    """Say what was run: pairs of what and its version."""
    etcd = _said(str(plane.tools["etcd"]), "--version").splitlines()[0]
    return [
        ("Leadsman", f"{__version__}, {_commit()}"),
        ("Python", platform.python_version()),
        ("Kubernetes, kubectl", str(plane.api.get("/version")["gitVersion"])),
        ("etcd", etcd.rpartition(" ")[2]),
        ("Flux's kustomize-controller", required(FLUX, "github.com/fluxcd/kustomize-controller")),
    ]


def _commit() -> str:
    return f"commit {_said('git', '-C', str(ROOT), 'describe', '--always', '--dirty')}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
