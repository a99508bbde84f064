"""A trained model as a stream of steps: what the tasks share. Needs NumPy, not torch."""
