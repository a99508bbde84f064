"""Compositions of layers, written once over a few array operations that exist for NumPy and for torch."""
