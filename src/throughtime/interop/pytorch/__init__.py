"""Models as state_dicts of PyTorch, in and out."""
