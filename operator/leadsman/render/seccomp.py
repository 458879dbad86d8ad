"""A seccomp filter that takes from a process the system calls that no renderer needs.

Above all sockets of every kind, which Landlock leaves in part (UDP, raw, Unix), new processes, and
signals to others. A filter needs ``no_new_privs`` and no capability. What is refused fails with
EPERM, so that the program can say what it wanted.

Source: Linux ``Documentation/userspace-api/seccomp_filter.rst``; numbers from the kernel's tables.
"""

from __future__ import annotations

import ctypes
import os
import struct

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

_EPERM = 1
_ENOSYS = 38
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_SET = 0x45
_RETURN = 0x06

# Offsets in struct seccomp_data; both architectures are little-endian.
_NUMBER = 0
_ARCHITECTURE = 4
_FIRST_ARGUMENT = 16

_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020000


# From here on: calls in the x32 convention of x86_64.
_NUMBERS_END = 0x40000000

# The same number everywhere: pidfd_send_signal, io_uring_*, open_tree, move_mount, fs*, pidfd_open,
# pidfd_getfd, process_madvise, mount_setattr, quotactl_fd, process_mrelease.
_EVERYWHERE = (424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 438, 440, 442, 443, 448)
_CLONE3 = 435

_DENIED = {
    "x86_64": (
        # socket connect accept sendto sendmsg bind listen socketpair accept4 sendmmsg
        *(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),
        # fork vfork execveat kill tkill rt_sigqueueinfo rt_tgsigqueueinfo
        *(57, 58, 322, 62, 200, 129, 297),
        # ptrace process_vm_readv process_vm_writev kcmp
        *(101, 310, 311, 312),
        # mount umount2 pivot_root chroot unshare setns
        *(165, 166, 155, 161, 272, 308),
        # add_key request_key keyctl bpf perf_event_open userfaultfd fanotify_init
        *(248, 249, 250, 321, 298, 323, 300),
        # memfd_create shmget semget msgget mq_open
        *(319, 29, 64, 68, 240),
        # kexec_load kexec_file_load init_module finit_module delete_module
        *(246, 320, 175, 313, 176),
        # name_to_handle_at open_by_handle_at swapon swapoff reboot acct quotactl syslog
        *(303, 304, 167, 168, 169, 163, 179, 103),
        # settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname
        *(164, 227, 159, 305, 170, 171),
        # iopl ioperm personality vhangup modify_ldt
        *(172, 173, 135, 153, 154),
    ),
    # The same calls in the same order; it has no fork, vfork, iopl, ioperm, modify_ldt.
    "aarch64": (
        *(198, 203, 202, 206, 211, 200, 201, 199, 242, 269),
        *(281, 129, 130, 138, 240),
        *(117, 270, 271, 272),
        *(40, 39, 41, 51, 97, 268),
        *(217, 218, 219, 280, 241, 282, 262),
        *(279, 194, 190, 186, 180),
        *(104, 294, 105, 273, 106),
        *(264, 265, 224, 225, 142, 89, 60, 116),
        *(170, 112, 171, 266, 161, 162),
        *(92, 58),
    ),
}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_TGKILL = {"x86_64": 234, "aarch64": 131}


def supported() -> bool:
    """Say whether there is a filter for this machine's architecture."""
    return os.uname().machine in _DENIED and struct.calcsize("P") == 8  # noqa: PLR2004 - bytes


def restrict() -> None:
    """Load the filter for the calling process, for good. Raises OSError."""
    program = _program(os.uname().machine, os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, and where they are.
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def _program(machine: str, process: int) -> bytes:
    """Assemble the filter; each jump's first offset is for yes, its second for no."""
    refuse = (_RETURN, 0, 0, _ERRNO | _EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    steps = [
        (_LOAD_WORD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD_WORD, 0, 0, _NUMBER),
        (_JUMP_GREATER_EQUAL, 0, 1, _NUMBERS_END),
        refuse,
        # A C library falls back to clone, whose flags a filter can read.
        (_JUMP_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]
    for number in (*_DENIED[machine], *_EVERYWHERE):
        steps += [(_JUMP_EQUAL, 0, 1, number), refuse]
    steps += [
        # Threads are made, processes and namespaces are not.
        (_JUMP_EQUAL, 0, 5, _CLONE[machine]),
        (_LOAD_WORD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_SET, 2, 0, _CLONE_NAMESPACES),
        (_JUMP_SET, 0, 1, _CLONE_THREAD),
        allow,
        refuse,
        # Go's runtime signals its own threads.
        (_JUMP_EQUAL, 0, 3, _TGKILL[machine]),
        (_LOAD_WORD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 1, 0, process),
        refuse,
        allow,
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
