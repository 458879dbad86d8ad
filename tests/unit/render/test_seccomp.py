"""The filter, for every architecture, by what a kernel would make of it."""

from __future__ import annotations

import struct

import pytest

from leadsman.render import seccomp

ALLOW = 0x7FFF0000
KILL = 0x80000000
EPERM = 0x00050001
ENOSYS = 0x00050026
OWN = 4711
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# pthread_create's flags, and what else there may be.
THREAD = 0x003D0F00
FORK = 17
NEW_USER = 0x10000000


def verdict(machine: str, number: int, argument: int = 0, audit: int | None = None) -> int:
    """Run the filter like the kernel: classic BPF over struct seccomp_data."""
    arch = AUDIT[machine] if audit is None else audit
    data = struct.pack("=iIQQQQQQQ", number, arch, 0, argument, 0, 0, 0, 0, 0)
    program = list(struct.iter_unpack("=HBBI", seccomp._program(machine, OWN)))
    accumulator = at = 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        match code:
            case 0x20:
                accumulator = struct.unpack_from("=I", data, k)[0]
            case 0x15:
                at += yes if accumulator == k else no
            case 0x35:
                at += yes if accumulator >= k else no
            case 0x45:
                at += yes if accumulator & k else no
            case 0x06:
                return int(k)
            case _:
                raise AssertionError(code)


NUMBERS = {
    "x86_64": {
        "read": 0,
        "mmap": 9,
        "futex": 202,
        "openat": 257,
        "execve": 59,
        "exit_group": 231,
        "socket": 41,
        "socketpair": 53,
        "fork": 57,
        "kill": 62,
        "ptrace": 101,
        "memfd_create": 319,
        "clone": 56,
        "tgkill": 234,
    },
    "aarch64": {
        "read": 63,
        "mmap": 222,
        "futex": 98,
        "openat": 56,
        "execve": 221,
        "exit_group": 94,
        "socket": 198,
        "socketpair": 199,
        "kill": 129,
        "ptrace": 117,
        "memfd_create": 279,
        "clone": 220,
        "tgkill": 131,
    },
}
machines = pytest.mark.parametrize("machine", list(NUMBERS))


@machines
def test_what_a_renderer_needs_is_allowed(machine: str) -> None:
    for name in ("read", "mmap", "futex", "openat", "execve", "exit_group"):
        assert verdict(machine, NUMBERS[machine][name]) == ALLOW, name


@machines
def test_what_no_renderer_needs_is_refused(machine: str) -> None:
    for name in ("socket", "socketpair", "fork", "kill", "ptrace", "memfd_create"):
        if name in NUMBERS[machine]:
            assert verdict(machine, NUMBERS[machine][name]) == EPERM, name
    for number in (424, 425, 426, 427, 428, 434, 438):
        assert verdict(machine, number) == EPERM, number


@machines
def test_threads_are_made_and_processes_are_not(machine: str) -> None:
    clone = NUMBERS[machine]["clone"]
    assert verdict(machine, clone, THREAD) == ALLOW
    assert verdict(machine, clone, FORK) == EPERM
    assert verdict(machine, clone, THREAD | NEW_USER) == EPERM
    assert verdict(machine, 435) == ENOSYS


@machines
def test_only_its_own_threads_get_signals(machine: str) -> None:
    assert verdict(machine, NUMBERS[machine]["tgkill"], OWN) == ALLOW
    assert verdict(machine, NUMBERS[machine]["tgkill"], OWN + 1) == EPERM


@machines
def test_other_calling_conventions_are_none(machine: str) -> None:
    assert verdict(machine, 0, audit=0x40000003) == KILL
    assert verdict(machine, 0x40000000 + 41) == EPERM


def test_this_machine_has_a_filter() -> None:
    assert seccomp.supported()
