"""What is found out on kernels, and in containers, that offer less: made by a seccomp filter."""

from __future__ import annotations

import platform
import struct
import subprocess
import sys

import pytest

from leadsman.render.protections import _PROBE, python_command

PRCTL = {"x86_64": 157, "aarch64": 167}[platform.machine()]
ALLOW, EPERM, ENOSYS, EOPNOTSUPP = 0x7FFF0000, 0x50001, 0x50026, 0x5005F


def without_landlock(answer: int) -> list[tuple[int, int, int, int]]:
    return [
        (0x20, 0, 0, 0),
        (0x15, 2, 0, 444),
        (0x15, 1, 0, 445),
        (0x06, 0, 0, ALLOW),
        (0x06, 0, 0, answer),
    ]


def without_seccomp() -> list[tuple[int, int, int, int]]:
    """As where prctl(PR_SET_SECCOMP) is refused."""
    return [
        (0x20, 0, 0, 0),
        (0x15, 0, 2, PRCTL),
        (0x20, 0, 0, 16),
        (0x15, 1, 0, 22),
        (0x06, 0, 0, ALLOW),
        (0x06, 0, 0, EPERM),
    ]


RESTRICTED = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
# As in a Pod under the restricted profile: no capability, and none to be had.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
if int(status["CapEff"], 16):
    assert libc.prctl(28, 3, 0, 0, 0) == 0
    for capability in range(64):
        libc.prctl(24, capability, 0, 0, 0)
    assert libc.capset(struct.pack("Ii", 0x20080522, 0), bytes(24)) == 0
assert libc.prctl(38, 1, 0, 0, 0) == 0
for text in sys.argv[1].split():
    program = ctypes.create_string_buffer(bytes.fromhex(text))
    header = struct.pack("@HP", (len(program) - 1) // 8, ctypes.addressof(program))
    assert libc.prctl(22, 2, header, 0, 0) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""


def probed(*filters: list[tuple[int, int, int, int]]) -> list[str]:
    texts = [b"".join(struct.pack("=HBBI", *step) for step in steps).hex() for steps in filters]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RESTRICTED, " ".join(texts), *python_command(_PROBE)],
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split()


def test_all_holds_without_any_capability() -> None:
    abi, *held = probed()
    assert int(abi) >= 4
    assert {"files", "tcp", "sockets"} <= set(held)


@pytest.mark.parametrize("answer", [EPERM, ENOSYS, EOPNOTSUPP])
def test_without_landlock_there_is_seccomp(answer: int) -> None:
    assert probed(without_landlock(answer)) == ["0", "sockets"]


def test_without_seccomp_there_is_landlock() -> None:
    abi, *held = probed(without_seccomp())
    assert int(abi) >= 4
    assert "sockets" not in held
    assert {"files", "tcp"} <= set(held)


def test_without_both_nothing_is_claimed() -> None:
    assert probed(without_landlock(ENOSYS), without_seccomp()) == ["0"]
