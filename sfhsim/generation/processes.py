"""Worker processes on this machine: each opens the simulator once, with one thread, and makes whole shards.

A worker has a pipe to the parent: tasks come in, messages go out (``ready``, ``made``, ``idle``, ``done``, ``failed``).
It gets its next shard when it has simulated one, while that one may still be on its way to the disk (``done``). It is
killed when it is no longer needed, and ends at once when the parent dies. It never sees Ctrl-C: the parent does.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait

from sfhsim import errors
from sfhsim.errors import DatasetError
from sfhsim.generation.job import Job, ShardTask

_THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class _Worker:
    """A process, the pipe to it, and what it was given."""

    def __init__(self, context, job: Job):
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, job), daemon=True)
        self.process.start()
        theirs.close()
        self.tasks: deque[ShardTask] = deque()  # given and not yet done
        self.ready = self.idle = False

    def give(self, task: ShardTask) -> None:
        """Let it make a shard."""
        self.tasks.append(task)
        self.idle = False
        with contextlib.suppress(BrokenPipeError):  # a worker that died is noticed when it is listened to
            self.connection.send(task)

    def listen(self) -> tuple:
        """The next message; DatasetError when the worker died."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            raise DatasetError(self._obituary()) from None

    def _obituary(self) -> str:
        code = self.process.exitcode
        how = (
            f"was killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with status {code}"
        )
        doing = f"while making {self.tasks[0].shard.file}" if self.tasks else "before it made anything"
        hint = "; the system may have run out of memory: use fewer workers" if code == -signal.SIGKILL else ""
        if not self.ready and code > 0:
            hint = '; a script that asks for workers needs the guard `if __name__ == "__main__":`'
        return f"worker process {self.process.pid} {how} {doing}{hint}. Whole shards are kept, the same command goes on"


class Processes:
    """The engine of worker processes; a context manager that ends them.

    Parameters
    ----------
    job : what they open.
    workers : how many, each with one thread.
    """

    def __init__(self, job: Job, workers: int):
        self._job, self._count = job, workers
        self._workers: list[_Worker] = []

    def __enter__(self) -> Processes:
        context = multiprocessing.get_context("spawn")
        with _environment(dict.fromkeys(_THREAD_VARIABLES, "1")), _without_interrupts():
            for _ in range(self._count):
                self._workers.append(_Worker(context, self._job))
        return self

    def __exit__(self, *_) -> None:
        for worker in self._workers:  # what they reported is on the disk; what they did not is lost by design
            worker.process.kill()
            worker.process.join()
            worker.connection.close()

    def prepare(self) -> None:
        """See `Engine`: until the first worker has opened its simulator."""
        while not any(worker.ready for worker in self._workers):
            for worker, message in self._messages():
                self._understand(worker, message)

    def run(self, tasks: Iterable[ShardTask], advance: Callable[[int], None]) -> Iterator[dict]:
        """See `Engine`."""
        tasks, following = iter(tasks), None  # one task is known ahead, however many there are
        while (following := following or next(tasks, None)) or any(worker.tasks for worker in self._workers):
            for worker in self._workers:
                if worker.idle and (following := following or next(tasks, None)):
                    worker.give(following)
                    following = None
            for worker, (kind, content) in self._messages():
                if kind == "made":
                    advance(content)
                elif kind == "done":
                    worker.tasks.popleft()
                    yield content
                else:
                    self._understand(worker, (kind, content))

    def _messages(self) -> Iterator[tuple[_Worker, tuple]]:
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection)):
            yield by_connection[connection], by_connection[connection].listen()

    def _understand(self, worker: _Worker, message: tuple) -> None:
        kind, content = message
        if kind == "failed":
            raise _revived(worker, *content)
        worker.ready = worker.idle = True


def _revived(worker: _Worker, name: str, text: str, trace: str, file: str | None) -> Exception:
    """The error that a worker met: sfhsim's own as they are, others with the shard and the traceback."""
    kind = getattr(errors, name, None)
    if kind is not None:
        return kind(text)
    where = f"making {file}" if file else "opening the compiled recipe"
    return DatasetError(f"worker process {worker.process.pid} failed while {where}: {name}: {text}\n{trace}")


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables that processes started in the block have."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started in the block never see Ctrl-C; this one does, after the block."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


# -- in the worker ---------------------------------------------------------------------------------------------------


def _serve(connection: Connection, job: Job) -> None:
    """Open the simulator, then make the shards that come down the pipe."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sending = threading.Lock()

    def send(kind: str, content) -> None:
        with sending:
            connection.send((kind, content))

    current: list[str | None] = [None]
    try:
        _make_shards(connection, job, send, current)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nobody is there to listen
    except BaseException as error:
        with contextlib.suppress(OSError):
            send("failed", (type(error).__name__, str(error), traceback.format_exc(), current[0]))


def _make_shards(connection: Connection, job: Job, send: Callable, current: list) -> None:
    from sfhsim.generation.shards import ShardMaker

    simulator = job.open()
    send("ready", None)
    failures: list[BaseException] = []

    def report(future) -> None:
        """Runs where shards are finished, so that a receipt goes out as soon as its shard is on the disk."""
        error = future.exception()
        with contextlib.suppress(OSError):  # the parent has gone, and this process goes too
            if error is None:
                send("done", future.result())
            else:
                send("failed", (type(error).__name__, str(error), "", None))
                failures.append(error)

    with ShardMaker(simulator, lambda count: send("made", count)) as maker:
        while not failures:
            task = connection.recv()
            current[0] = task.shard.file
            maker.start(task).add_done_callback(report)
            send("idle", None)


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
    os._exit(1)
