"""What the engine makes of this machine's processor."""

from __future__ import annotations

import throughtime.engine._engine as _engine


def instruction_set() -> str:
    """The instruction set in use: base, avx2 or avx512. THROUGHTIME_ISA chooses a lower one at start."""
    return str(_engine.instruction_set())


def multiply_adds(rounds: int, threads: int = 1) -> float:
    """Do float32 multiply-adds on registers alone, `rounds` rounds on every thread; returns how many they were.

    Timed, it is the most that any product can reach on this processor: 2 operations each.
    """
    return float(_engine.multiply_adds(rounds, threads))
