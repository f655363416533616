"""Passing closed folders as an unprivileged user.

Root's PostgreSQL runs as another user, which cannot enter a folder of mode 0700, such as
`/root` or what `mktemp -d` makes.  Rather than open somebody's folders, the kernel is asked to
let this one process tree pass: a capability kept over the change of user (capabilities(7),
"ambient"), CAP_DAC_READ_SEARCH, or CAP_DAC_OVERRIDE in containers that drop the former.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
_PR_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 1 << 2
_PR_CAP_AMBIENT, _AMBIENT_RAISE = 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def capability() -> int | None:
    """The least capability we hold that lets one pass closed folders; None where there is none."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    held = next((line.split()[1] for line in status.splitlines() if "CapPrm" in line), "0")
    for wanted in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if int(held, 16) & (1 << wanted):
            return wanted
    return None


def become(uid: int, gid: int, kept: int) -> None:
    """In a child before exec: become another user, keeping one capability.  Raises OSError."""
    # Else access(2), which initdb asks about its sibling, would leave the capability out.
    _check(_libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    sets = (_Sets * 2)()
    sets[0] = _Sets(1 << kept, 1 << kept, 1 << kept)
    header = _Header(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(ctypes.byref(header), sets))
    _check(_libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, kept, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "cannot keep a capability")
