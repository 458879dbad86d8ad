"""Confine this process, then become a renderer: the wrapper that each program is started through.

It runs as a process of its own, in an interpreter without site packages, because what it takes away
cannot be given back, and because nothing but async-signal-safe code may run between fork and exec
of a process with threads.

    jail --parent PID --landlock ABI [--seccomp] [--limit NAME=VALUE ...] [--nice N]
         [--execute PATH ...] [--read PATH ...] [--write PATH ...] -- PROGRAM [ARGUMENT ...]

It imports as little as it can (no enum, no dataclasses, no typing): that is half of its time.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

from leadsman.render import landlock, seccomp

FAILED = 125

_SIGKILL = 9
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def main(arguments: list[str]) -> int:
    """Run the wrapper; return only if it failed."""
    try:
        _become(arguments)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"leadsman-jail: {error}\n")
    return FAILED


def _become(arguments: list[str]) -> None:
    split = arguments.index("--")
    program = arguments[split + 1 :]
    paths: dict[str, list[str]] = {"--execute": [], "--read": [], "--write": []}
    version = 0
    filtered = False
    options = iter(arguments[:split])
    for option in options:
        if option == "--seccomp":
            filtered = True
            continue
        value = next(options)
        if option in paths:
            paths[option].append(value)
        elif option == "--limit":
            name, _, number = value.partition("=")
            _limit(getattr(resource, f"RLIMIT_{name}"), int(number))
        elif option == "--nice":
            os.nice(int(value))
        elif option == "--parent":
            _die_with(int(value))
        elif option == "--landlock":
            version = int(value)
        else:
            raise ValueError(f"unknown option {option}")
    _be_first_to_go()
    confine(
        version,
        execute=paths["--execute"],
        read=paths["--read"],
        write=paths["--write"],
        filtered=filtered,
    )
    os.execv(program[0], program)  # noqa: S606 - that is what it is for


def _limit(kind: int, value: int) -> None:
    """Lower a limit; one that is lower already cannot be raised."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the one that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        raise ValueError("the process that started it is gone")


def _be_first_to_go() -> None:
    """Where memory runs out in the kernel's eyes, have it end this process and not the operator."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - slow
            file.write("1000")
    except OSError:
        pass  # a favour, no protection


def confine(
    version: int, *, execute: list[str], read: list[str], write: list[str], filtered: bool
) -> None:
    """Take from this process what ``landlock`` (at ABI ``version``) and ``seccomp`` can take."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if version:
        landlock.restrict(version, execute=execute, read=read, write=write)
    if filtered:
        seccomp.restrict()


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl: {os.strerror(number)}")
