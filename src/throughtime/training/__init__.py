"""The training loop of every task: budgets, schedules, clipping, checkpoints, history, progress. Imports no task."""
