"""Threads: how many there are for us, and compiled code that runs on them and can be interrupted.

Helpers wait for work between two runs: to start a thread for each call would cost a small network
as much as its epoch. They are forgotten in a forked child, which has none.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import numpy as np

from glassnet.engines.fused.driver import STOP

Kernel = Callable[[int, int, int], None]
"""Compiled: the address of a job, which thread this is, of how many. Lets go of Python's lock."""

# ---- how many

NO_LIMIT = 2**20


def available() -> int:
    """Processors for one run: those that this process may use, shared with runs under way."""
    limits = [processors(), container(), blas()]
    for name in ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):  # joblib's workers are told by the first
        number = os.environ.get(name, "").partition(",")[0]
        limits += [int(number)] if number.isdecimal() and int(number) else []
    return max(1, min(limits) // (1 + len(_under_way)))


def processors() -> int:
    """Those that the scheduler gives us."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def container(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """How many processors' time the container gets, rounded up; NO_LIMIT where it has no limit.

    A group of processes is held to its own limit and to those of the groups around it.
    """
    try:
        lines = own.read_text("utf-8").splitlines()
    except OSError:
        return NO_LIMIT
    limits = [NO_LIMIT]
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") > 1):
        if controllers and "cpu" not in controllers.split(","):
            continue
        # version 2 has one tree; version 1 has one for the controllers of each line
        for base in {root / controllers, root / "cpu"} if controllers else {root}:
            place = base / path.strip("/")
            around = [folder for folder in (place, *place.parents) if folder.is_relative_to(base)]
            limits += [limit for folder in around for limit in quota(folder)]
    return min(limits)


def quota(folder: Path) -> list[int]:
    """The limit that a folder of the control groups states, if it does."""
    with contextlib.suppress(OSError, ValueError):
        if (folder / "cpu.max").exists():
            time, period = (folder / "cpu.max").read_text("utf-8").split()
        else:
            time = (folder / "cpu.cfs_quota_us").read_text("utf-8")
            period = (folder / "cpu.cfs_period_us").read_text("utf-8")
        if time != "max" and int(time) > 0:
            return [max(1, -(-int(time) // int(period)))]
    return []


def blas() -> int:
    """What BLAS and OpenMP are held to: `threadpoolctl.threadpool_limits` reaches us too."""
    return min((library.num_threads or NO_LIMIT for library in _libraries()), default=NO_LIMIT)


@cache
def _libraries() -> list[Any]:
    # to find the loaded libraries takes milliseconds, to ask them a microsecond
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return list(ThreadpoolController().lib_controllers)


# ---- how much in one call

SLICE = 0.05
"""Seconds that one call of compiled code may take: between calls Python hears Ctrl-C."""
MOST = 16384
"""Updates that one call may make: what they have to know of their steps lies in a table."""
SLOW = 1e9
"""Operations a second as long as nothing is known: less than any machine does."""


class Pace:
    """How long a piece of work takes, learnt from the calls before; `operations`: a first guess.

    It decides how much is done in one call, and no number that is computed.
    """

    def __init__(self, operations: float) -> None:
        self.seconds = operations / SLOW

    @property
    def pieces(self) -> int:
        """How many of them one call may do."""
        return max(1, int(min(SLICE / (self.seconds + 1e-12), MOST)))

    def learn(self, seconds: float, pieces: int) -> None:
        """A call that did so many took so long; one call says little about the next."""
        self.seconds = max(seconds / pieces, self.seconds / 8)


# ---- a run

_under_way: list[Any] = []


class Job(Protocol):
    """What is to be done, told in a table for compiled code."""

    @property
    def address(self) -> int:
        """Where the table lies."""

    @property
    def sync(self) -> np.ndarray:
        """Where the threads that do it meet."""


def execute(kernel: Kernel, job: Job, threads: int, seconds: float, keep: Any = None) -> None:
    """Run a job on so many threads; `keep` is what must stay in memory as long as they run.

    seconds : a guess. In a call that takes long, Python's main thread, the one that hears Ctrl-C,
        has nothing to do but wait.
    """
    aside = seconds > 2 * SLICE and threading.current_thread() is threading.main_thread()
    _under_way.append(job)
    try:
        if threads == 1 and not aside:
            kernel(job.address, 0, 1)
        else:
            Together(kernel, job, keep).run(threads, aside=aside)
    finally:
        _under_way.pop()


class Together:
    """A job that several threads do."""

    def __init__(self, kernel: Kernel, job: Job, keep: Any) -> None:
        self.kernel, self.job, self.sync, self.keep = kernel, job, job.sync, keep
        self.stopped = False
        self.elsewhere: frozenset[int] = frozenset()  # where helpers should run, if it is known
        self.came: list[int] = []
        self.gone: list[int] = []
        self.ends: SimpleQueue[BaseException | None] = SimpleQueue()

    def run(self, threads: int, *, aside: bool) -> None:
        """On so many threads. Whatever is raised meanwhile, a Ctrl-C too, none is left running."""
        helpers = borrow(threads - 1 + aside)
        here = not (aside and helpers)  # whether this thread takes part
        if here:
            self.elsewhere = processors_but_this()
        threads = len(helpers) + here  # the system may have given fewer
        try:
            for me, helper in enumerate(helpers, start=here):
                helper.box.put((self, me, threads))
            if here:
                self.kernel(self.job.address, 0, threads)
            errors = [self._wait() for _ in helpers]
        except BaseException:
            self.stop()
            raise
        for error in errors:
            if error is not None:
                raise error

    def _wait(self) -> BaseException | None:
        while True:
            try:
                # where waiting cannot be interrupted, look up now and then
                return self.ends.get(timeout=SLICE if os.name == "nt" else None)
            except Empty:
                pass

    def help(self, helper: Helper, me: int, threads: int) -> None:
        """What a helper does."""
        error = None
        self.came.append(me)
        try:
            helper.move(self.elsewhere)
            if not self.stopped:
                self.kernel(self.job.address, me, threads)
        except BaseException as raised:  # noqa: BLE001 - handed on to the one who waits
            error = raised
            self.sync[STOP] = 1  # nobody waits for one that is not coming
        self.gone.append(me)
        _idle.append(helper)  # before the end is told: the next call finds it
        self.ends.put(error)

    def stop(self) -> None:
        """Make all helpers come back and see them go, whatever keys are pressed meanwhile."""
        self.stopped = True  # for those who have not come yet
        self.sync[STOP] = 1
        end = time.monotonic() + 10
        while len(self.came) > len(self.gone) and time.monotonic() < end:
            with contextlib.suppress(KeyboardInterrupt):
                time.sleep(0.0005)


# ---- helpers


class Helper:
    """A thread that waits for its part of a job; None tells it to go."""

    def __init__(self) -> None:
        self.box: SimpleQueue[tuple[Together, int, int] | None] = SimpleQueue()
        self.processors: frozenset[int] = frozenset()
        self.thread = threading.Thread(target=self._serve, name="fused engine", daemon=True)
        self.thread.start()

    def move(self, processors: frozenset[int]) -> None:
        """Run on one of these from now on; called on the thread itself.

        Linux wakes a thread on the processor of the one that wakes it. There it would wait for
        milliseconds, which is as long as some runs take, while its own stood idle.
        """
        if processors and processors != self.processors:
            with contextlib.suppress(OSError):  # taken away from us meanwhile
                os.sched_setaffinity(0, processors)
                self.processors = processors

    def _serve(self) -> None:
        while given := self.box.get():
            job, me, threads = given
            job.help(self, me, threads)
            del job, given  # its memory is not kept while waiting


_idle: list[Helper] = []


def borrow(count: int) -> list[Helper]:
    """So many helpers, or as many as the system gives. Each goes back by itself after its part."""
    found: list[Helper] = []
    with contextlib.suppress(RuntimeError):  # no more threads to be had
        while len(found) < count:
            try:
                found.append(_idle.pop())
            except IndexError:
                found.append(Helper())
    return found


def dismiss() -> None:
    """Send all waiting helpers away: a process that forks had better be a single thread."""
    while _idle:
        with contextlib.suppress(IndexError):  # another one was faster
            helper = _idle.pop()
            helper.box.put(None)
            helper.thread.join(1.0)


def _begin_anew() -> None:
    # in a forked child: its parent's other threads, and what they were about, are not here
    _under_way.clear()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=dismiss, after_in_child=_begin_anew)


def processors_but_this() -> frozenset[int]:
    """Those that this thread may use, but the one that it is on; none where that is not known."""
    where = _where_am_i()
    if where is None:
        return frozenset()
    return frozenset(os.sched_getaffinity(0)) - {where()}


@cache
def _where_am_i() -> Callable[[], int] | None:
    try:
        found: Callable[[], int] = ctypes.CDLL(None).sched_getcpu
        return found if hasattr(os, "sched_setaffinity") and found() >= 0 else None
    except (OSError, AttributeError, TypeError):
        return None


@cache
def give_way() -> int:
    """The address of the system's function that gives the processor to another thread."""
    try:
        return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
    except (OSError, AttributeError, TypeError):
        return 0
