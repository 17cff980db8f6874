"""A filter of system calls for a process that has read all it needs: no files, no network, no other processes.

Best effort: Linux on x86-64 and ARM64; elsewhere nothing is installed and limits alone hold.

Source    Linux, Documentation/userspace-api/seccomp_filter.rst; include/uapi/linux/{seccomp,filter,audit}.h;
          arch/x86/entry/syscalls/syscall_64.tbl; include/uapi/asm-generic/unistd.h (ARM64).
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

import msgspec


class _Machine(msgspec.Struct, frozen=True):
    """How an architecture names itself to the kernel, and the numbers of the calls that are refused."""

    audit: int
    refused: tuple[int, ...]
    threads: tuple[int, ...]
    """Starting a process or thread, where a library falls back on something else if it does not exist."""


_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        refused=(
            *(2, 85, 257, 437, 304),  # open, creat, openat, openat2, open_by_handle_at
            *(41, 42, 43, 44, 46, 49, 50, 53, 288),  # socket, connect, accept, sendto, sendmsg, bind, listen, …pair, …4
            *(56, 57, 58, 59, 322),  # clone, fork, vfork, execve, execveat
            *(62, 200, 234, 424),  # kill, tkill, tgkill, pidfd_send_signal
            *(101, 310, 311, 438),  # ptrace, process_vm_readv, process_vm_writev, pidfd_getfd
            *(82, 84, 87, 88, 86, 90, 91, 92, 263, 264, 316),  # rename, rmdir, unlink, symlink, link, ch*, …at
            *(165, 272, 308, 321, 425, 248, 250, 426),  # mount, unshare, setns, bpf, io_uring_*, add_key, keyctl
        ),
        threads=(435,),
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        refused=(
            *(56, 437, 265),
            *(198, 199, 200, 201, 202, 203, 206, 211, 242),
            *(220, 221, 281),
            *(129, 130, 131, 424),
            *(117, 270, 271, 438),
            *(35, 36, 37, 38, 52, 53, 54, 55, 276),
            *(40, 97, 268, 280, 425, 426, 217, 219),
        ),
        threads=(435,),
    ),
}

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_X32 = 0x40000000
"""From this number on, calls of the x32 kind: the same ones under other numbers."""
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2


def refuse_system_calls() -> bool:
    """Install the filter in this process, for good; False where the system has none to offer."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    program = _program(machine)
    code = ctypes.create_string_buffer(b"".join(program), 8 * len(program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
    if prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    held = ctypes.create_string_buffer(header, len(header))
    return bool(prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(held), 0, 0) == 0)


def _program(machine: _Machine) -> list[bytes]:
    """Instructions of 8 bytes each: foreign architectures end the process, refused calls fail, all else passes."""
    calls = [(number, _ERRNO | _EPERM) for number in machine.refused]
    calls += [(number, _ERRNO | _ENOSYS) for number in machine.threads]
    out = [
        _instruction(_LOAD, 4),  # seccomp_data.arch
        _instruction(_IF_EQUAL, machine.audit, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, 0),  # seccomp_data.nr
        _instruction(_IF_AT_LEAST, _X32, 0, 1),
        _instruction(_RETURN, _ERRNO | _EPERM),
    ]
    for number, answer in calls:
        out += [_instruction(_IF_EQUAL, number, 0, 1), _instruction(_RETURN, answer)]
    return [*out, _instruction(_RETURN, _ALLOW)]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
