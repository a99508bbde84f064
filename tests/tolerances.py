"""The one tolerance table. Loosening an entry needs a written reason next to it.

OUTPUT: the largest absolute difference between two forward passes over inputs and states of size about one.
GRADIENT: the same for gradients, relative to the largest entry of the gradient.
FLOOR: what is added to "twice PyTorch's own float32 error" of a gradient, relative to its largest entry. Where PyTorch
happens to be exact to the last bit, one rounding of the engine's must not fail: 4 roundings of float32.
"""

from __future__ import annotations

OUTPUT = {"float32": 1e-5, "float64": 1e-10}
GRADIENT = {"float32": 1e-4, "float64": 1e-10}
FLOOR = 4 * 2.0**-24
