"""A trained model as a stream of steps. Needs NumPy, not torch."""

from throughtime.runtime.load import load

__all__ = ["load"]
