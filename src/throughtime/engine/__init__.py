"""Runs a recurrence over arrays: whole sequences forward and backward through time, and single steps.

NumPy arrays in, NumPy arrays out; no PyTorch. Letters: T steps, B rows, I input width, S_j width of state j, S width of
the state that is the output.
"""

from throughtime.engine.arrays import Array
from throughtime.engine.processor import instruction_set, multiply_adds
from throughtime.engine.program import Program, compile
from throughtime.engine.spec import Sources
from throughtime.engine.stepper import Stepper

__all__ = [
    "Array",
    "Program",
    "Sources",
    "Stepper",
    "compile",
    "instruction_set",
    "multiply_adds",
]
