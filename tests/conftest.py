"""Work memory of the engine is filled with NaN in every test: what is read before it is written shows. Ctrl-C works."""

from __future__ import annotations

import os
import signal

os.environ.setdefault("THROUGHTIME_POISON", "1")  # before throughtime is imported; subprocesses inherit it

# A shell that puts its commands in the background lets them ignore SIGINT, and what they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
