"""Errors that the user can put right."""

from __future__ import annotations


class UserError(ValueError):
    """What was wrong, where, what was expected and what to do, in one line.

    The commands print it without a traceback and leave with exit status 2.
    """
