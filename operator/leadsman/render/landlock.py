"""Landlock: take from a process, without privileges, what it does not need of files and TCP.

Called between fork and exec of a renderer; what is restricted stays so for the program. It needs
``no_new_privs`` and no capability, so it holds in a Pod under the restricted profile.

Source: Linux ``Documentation/userspace-api/landlock.rst``, ``include/uapi/linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct

# The same numbers on every architecture (since Linux 5.13).
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_VERSION_QUERY = 1
_RULE_PATH_BENEATH = 1

_EXECUTE = 1 << 0
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_FILE_RIGHTS = _EXECUTE | 1 << 1 | _READ_FILE | 1 << 14 | 1 << 15
_READ = _READ_FILE | _READ_DIR
_IOCTL_DEV = 1 << 15

# ABI -> how many file system rights it knows.
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
ABI_TCP = 4
ABI_SCOPES = 6
_TCP_BIND_CONNECT = 0b11
_SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL = 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """Return the version of Landlock that this kernel offers, 0 for none."""
    version: int = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_QUERY)
    return max(0, version)


def restrict(version: int, *, execute: list[str], read: list[str], write: list[str]) -> None:
    """Leave the calling process nothing but what is named, as far as ``version`` goes.

    ``execute`` may be read and run, ``read`` read, ``write`` read and written; all are files or
    folders that exist. From ABI 4 on TCP is gone, from ABI 6 on so are signals to others and
    abstract Unix sockets. Raises OSError.
    """
    everything = (1 << _FS_RIGHTS[min(version, max(_FS_RIGHTS))]) - 1
    attributes = struct.pack(
        "=QQQ",
        everything,
        _TCP_BIND_CONNECT if version >= ABI_TCP else 0,
        _SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL if version >= ABI_SCOPES else 0,
    )
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        for paths, rights in (
            (execute, _READ | _EXECUTE),
            (read, _READ),
            (write, everything & ~_EXECUTE & ~_IOCTL_DEV),
        ):
            for path in paths:
                _allow(ruleset, path, rights)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, handle)
        _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(handle)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc.syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return result
