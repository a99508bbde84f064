"""What every task promises, as tests: a task's own test module makes a Case and a class for pytest to find.

    class TestContract(CheckTask):
        case = Case("text", ...)

Nothing here knows a task's name.
"""

from __future__ import annotations

from tests.tasks.case import Case as Case
from tests.tasks.case import Followed as Followed
from tests.tasks.check_folder import CheckFolder
from tests.tasks.check_learning import CheckLearning
from tests.tasks.check_shell import CheckShell
from tests.tasks.check_stream import CheckStream


class CheckTask(CheckLearning, CheckFolder, CheckStream, CheckShell):
    """All of them; a subclass says of what."""
