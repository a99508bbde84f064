"""A task from outside: tests/toy/test_reverse.py puts its folder beside the others and its row into the registry."""
