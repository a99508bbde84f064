"""Write a checkpoint over another one and kill the writer at each of its system calls; run by test_kill.py.

    python -m tests.training.at_every_syscall FOLDER

Prints one JSON object: `calls`, the number of moments tried (before and after each call), and `found`, what the file
held after each kill: "old", "new", or what was wrong. Linux only; exit status 77 where the system forbids tracing.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

import torch

from throughtime.errors import UserError
from throughtime.storage.folder import remove_temporaries
from throughtime.training import checkpoint

TRACEME, SYSCALL, SETOPTIONS = 0, 24, 0x4200
SYSGOOD, EXITKILL = 1, 0x100000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def killed_at(stop: int, path: Path) -> bool:
    """Write the new checkpoint in a child and kill it at its stop number `stop`; False where it ended before."""
    child = os.fork()
    if not child:
        if _libc.ptrace(TRACEME, 0, None, None):
            os._exit(77)
        os.kill(os.getpid(), signal.SIGSTOP)
        save(path, 2.0)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        sys.exit(77)
    _libc.ptrace(SETOPTIONS, child, None, SYSGOOD | EXITKILL)
    seen = 0
    while True:
        _libc.ptrace(SYSCALL, child, None, None)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return False
        if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80:
            seen += 1
            if seen == stop:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return True


def save(path: Path, value: float) -> None:
    checkpoint.save(path, {"w": torch.full((5000,), value)}, {"value": value})


def state(path: Path) -> str:
    """What a run that goes on would find."""
    remove_temporaries(path.parent)
    try:
        tensors, numbers = checkpoint.load(path)
    except UserError as error:
        return str(error)
    if set(os.listdir(path.parent)) != {path.name}:
        return f"left behind: {os.listdir(path.parent)}"
    whole = tensors["w"].shape == (5000,) and bool((tensors["w"] == numbers["value"]).all())
    return {1.0: "old", 2.0: "new"}[numbers["value"]] if whole else "mixed"


def main() -> None:
    path = Path(sys.argv[1]) / "last.safetensors"
    found = []
    while True:
        save(path, 1.0)
        alive = killed_at(len(found) + 1, path)
        found.append(state(path))
        if not alive:
            break
    print(json.dumps({"calls": len(found) - 1, "found": found}))


if __name__ == "__main__":
    main()
