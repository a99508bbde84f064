"""Processes that take the steps of members side by side: no lock of Python's is between them.

They are copies of the process that trains (fork), so that whatever a job reads is there, and nothing is pickled but
batches. Parameters, averages and what optimizers remember lie in memory that all of them write. A copy has none of the
other threads: it is made only where none of them computes, and its own threads are new ones (libgomp's are of the
thread that started them). Whoever trains may end in any way: where its end of the pipe is closed, the copy ends, too.
"""

from __future__ import annotations

import gc
import mmap
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NoReturn

import torch

from throughtime.errors import UserError

_ALIGNED = 64
"""Bytes to which torch aligns a tensor."""

_LOOKS = 0.05
"""Seconds after which it is looked whether somebody asks to stop."""

_TRIES = 20
"""Milliseconds for which other threads may still be at something."""

_IGNORED = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that reach all processes of a terminal, and are for the one that trains."""

Work = Callable[[int, Sequence[Any], Callable[[], bool]], list[Any]]
"""Takes steps of a member: its number, the orders, and what says whether to go on; what came of each."""


def possible() -> bool:
    """Whether this process can be copied: where fork is, in the main thread, no other thread of Python's is at work,
    which might hold a lock that nobody opens in the copy, and torch has no device whose driver a copy may not use."""
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return False
    if torch.accelerator.is_available():
        return False
    for _ in range(_TRIES):
        if not _others_at_work():
            return True
        time.sleep(1e-3)
    return False


def _others_at_work() -> bool:
    for thread in threading.enumerate():
        if thread is threading.current_thread() or thread.native_id is None:
            continue
        try:
            state = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            continue  # it has ended
        if state != "S":
            return True
    return False


@torch.no_grad()
def share(tensors: Sequence[torch.Tensor]) -> None:
    """Move tensors of the processor to memory that later copies of this process write, too."""
    starts, size = [], 0
    for one in tensors:
        starts.append(size)
        size += -(-one.numel() * one.element_size() // _ALIGNED) * _ALIGNED
    memory = mmap.mmap(-1, max(1, size))
    for start, one in zip(starts, tensors, strict=True):
        if one.numel():
            view = torch.frombuffer(memory, dtype=one.dtype, count=one.numel(), offset=start).view(one.shape)
            view.copy_(one)
            one.data = view


class Processes:
    """Some copies of this process. threads: of each. work: what they do. take: takes over what `tell` tells. Raises
    OSError where the system has no more processes, or too little memory for them."""

    def __init__(self, count: int, threads: int, work: Work, take: Callable[[Any], None]) -> None:
        self._pids: list[int] = []
        self._ends: list[Connection[Any, Any]] = []
        self._limit = torch.zeros(1, dtype=torch.int64)
        share([self._limit])
        try:
            for _ in range(count):
                self._start(threads, work, take)
        except BaseException:
            self.close()
            raise

    def _start(self, threads: int, work: Work, take: Callable[[Any], None]) -> None:
        here, there = Pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads: see `possible`
                pid = os.fork()
            if pid == 0:
                _serve(there, threads, self._limit, work, take)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            there.close()
        self._pids.append(pid)
        self._ends.append(here)

    def tell(self, news: Any) -> None:
        """What has changed in the job since."""
        for end in self._ends:
            self._send(end, (None, 0, news))

    def run(self, orders: Sequence[Sequence[Any]], pressed: Callable[[], bool]) -> list[list[Any]]:
        """Take steps, all members as many. orders: of each member. Returns what came of each. See Team.run."""
        done: list[list[Any]] = [[] for _ in orders]
        busy: dict[Connection[Any, Any], int] = {}
        most = self._limit[0] = max((len(own) for own in orders), default=0)
        stopping = False
        while True:
            if not stopping and pressed():
                stopping, self._limit[0] = True, 0
            if stopping and not busy:  # who is behind follows
                most, stopping, pressed = min(most, max(len(own) for own in done)), False, lambda: False
                self._limit[0] = most
            for end in self._ends if not stopping else ():
                left = {m: most - len(own) for m, own in enumerate(done) if m not in busy.values()}
                number = max(left, key=lambda m: left[m], default=None)
                if end in busy or number is None or left[number] <= 0:
                    continue
                all_left = sum(most - len(own) for own in done)
                first, count = len(done[number]), min(left[number], max(1, all_left // (2 * len(self._ends))))
                self._send(end, (number, first, orders[number][first : first + count]))
                busy[end] = number
            if not busy:
                return done
            ready = wait(list(busy), _LOOKS)
            for end in [one for one in busy if one in ready]:
                own = done[busy.pop(end)]
                own += self._received(end)
                if own and not own[-1].finite and len(own) < most:
                    most = len(own)
                    self._limit[0] = min(most, int(self._limit[0]))

    def close(self) -> None:
        """End the processes; nothing of what they are at is needed any more."""
        for end in self._ends:
            end.close()
        for pid in self._pids:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._ends, self._pids = [], []

    def _send(self, end: Connection[Any, Any], message: Any) -> None:
        try:
            end.send(message)
        except OSError:
            self._lost(end)

    def _received(self, end: Connection[Any, Any]) -> list[Any]:
        try:
            steps, error = end.recv()
        except (EOFError, OSError):
            self._lost(end)
        if error is not None:
            raise error
        return steps  # type: ignore[no-any-return]

    def _lost(self, end: Connection[Any, Any]) -> NoReturn:
        """UserError: a process has ended that nobody asked to."""
        place, how = self._ends.index(end), "without a word"
        with suppress(ChildProcessError):
            status = os.waitpid(self._pids[place], 0)[1]
            if os.WIFSIGNALED(status):
                how = f"by signal {os.WTERMSIG(status)}"
        del self._pids[place]
        raise UserError(
            f"training: a process in which members learn side by side was ended {how}; where memory is short, "
            "--threads 1 lets them learn one after the other"
        ) from None


def _serve(
    end: Connection[Any, Any],
    threads: int,
    limit: torch.Tensor,
    work: Work,
    take: Callable[[Any], None],
) -> NoReturn:
    """What a copy does: this thread waits for orders, or for the end of who gives them, another one computes."""
    try:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        gc.freeze()  # nothing that was there is looked at again, which would copy its pages
        _close_all_but(end.fileno())
        orders: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=_labour, args=(end, threads, limit, work, take, orders), daemon=True).start()
        while True:
            orders.put(end.recv())
    except BaseException:
        os._exit(0)


def _close_all_but(kept: int) -> None:
    """Files of the process that trains are its own: a lock on a folder, a terminal, the pipe to another copy."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        if (number := int(name)) > 2 and number not in (kept, nothing):
            with suppress(OSError):
                os.close(number)
    for number in range(3):
        os.dup2(nothing, number)


def _labour(
    end: Connection[Any, Any],
    threads: int,
    limit: torch.Tensor,
    work: Work,
    take: Callable[[Any], None],
    orders: SimpleQueue[Any],
) -> None:
    """Do what is asked, in a thread whose threads are its own."""
    try:
        torch.set_num_threads(threads)
        while True:
            number, first, what = orders.get()
            if number is None:
                take(what)
            else:
                end.send((work(number, what, _before(limit, first)), None))
    except BaseException as error:
        with suppress(BaseException):
            end.send(([], _carried(error)))
        os._exit(1)


def _before(limit: torch.Tensor, first: int) -> Callable[[], bool]:
    """Whether the next step, from `first` on, is one that is wanted."""
    steps = iter(range(first, sys.maxsize))
    return lambda: next(steps) < int(limit[0])


def _carried(error: BaseException) -> BaseException:
    """The error as it can be told to another process."""
    if not isinstance(error, UserError | MemoryError):
        error.add_note("in a process that learned side by side:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
