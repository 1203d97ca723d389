"""coffea's executors, with a sink that takes outputs as they come: whatever ends a run, it keeps what was done.

A chunk that ends its worker again and again is one failed chunk. coffea's own executors give everything at the end,
or, after one such chunk, nothing.
"""

import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from coffea.processor import DaskExecutor, FuturesExecutor, IterativeExecutor

from hepcol.errors import UnfitWorker
from hepcol.execution.collector import INTERRUPTED, Sink
from hepcol.execution.elsewhere import Elsewhere
from hepcol.execution.interrupts import interrupts
from hepcol.execution.merging import merged

POLL_S = 0.2
MAX_DEATHS = 3  # of workers, until a chunk is held to be the reason
LOST_AFTER_S = 300.0  # of a cluster without workers
_FETCH_S = 30.0  # for outputs to come from workers once the run has to end, and for news of an error
_FEW = 4  # outputs that are fetched one by one to be shown
_LOOK_S = 1.0  # between two looks at the cluster, or at whether the client is there
# chunks that the cluster has at a time: enough for an adaptive one to see that there is work for many workers, and so
# few that the scheduler stays small whatever the number of chunks
WINDOW = 1000
_LIVES = 3  # lifetimes of a worker within which some chunk has to end; one that began late in the first has whole ones
_PER_THREAD = 4  # of them at least, whatever the size of the cluster
_LOST = "the Dask scheduler was lost"


@dataclass
class LedgerIterativeExecutor(IterativeExecutor):
    """Works in this process."""

    sink: Any = None

    def __call__(self, items: Sequence[Any], function: Callable[[Any], Any], _accumulator: Any) -> tuple[Any, int]:
        """Work on items, one after the other, until the sink stops it."""
        sink: Sink = self.sink
        for item in items:
            if sink.stopped:
                break
            try:
                with interrupts.breaking():
                    output = function(item)
            except KeyboardInterrupt:
                sink.stop(INTERRUPTED)
                break
            sink.take(output)
            sink.keep_up()
        return sink.result(), 0


@dataclass
class LedgerFuturesExecutor(FuturesExecutor):
    """Works in local processes, which may die."""

    sink: Any = None
    pools: Any = None  # a Pools

    def __call__(self, items: Sequence[Any], function: Callable[[Any], Any], _accumulator: Any) -> tuple[Any, int]:
        """Work on items until the sink stops it."""
        work = _PoolWork(self.pools, self.workers, function, self.sink)
        work.run(deque(items))
        return self.sink.result(), 0


class Pools:
    """A pool of processes, and a new one where it has broken.

    Parameters
    ----------
    make : function
        Makes a pool.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._pool: Any = None

    @property
    def current(self) -> Executor:
        """The pool that works."""
        if self._pool is None:
            self._pool = self._make()
        return self._pool

    def replace(self) -> None:
        """Drop a pool that is broken."""
        self._pool.shutdown(wait=False)
        self._pool = None

    def close(self, kill: bool) -> None:
        """End the processes; waiting for chunks that nobody wants any more would make Ctrl-C hang."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=kill)
            self._pool = None


def serve(parent: int) -> None:
    """Prepare a process of a pool: Ctrl-C, which a terminal sends to all, is for its parent, which it ends with.

    loky's would wait for work for ever after their parent was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _PoolWork:
    """The work on items in a pool of processes, and in a new one when a process has died.

    All that were in the pool then are suspects, and tried alone, until one of them has ended it again and again.
    """

    def __init__(self, pools: "Pools", workers: int, function: Callable[[Any], Any], sink: Sink) -> None:
        self._pools = pools
        self._workers = workers
        self._function = function
        self._sink = sink
        self._deaths: dict[int, int] = {}
        self._suspects: deque[Any] = deque()

    def run(self, todo: deque[Any]) -> None:
        running: dict[Future[Any], Any] = {}
        while (todo or self._suspects or running) and not self._sink.stopped:
            self._submit(todo, running)
            done, _ = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED)
            for future in done:
                self._finish(future, running.pop(future))
            if any(isinstance(future.exception(), BrokenProcessPool) for future in done):
                self._suspects.extend(running.values())
                running.clear()
                self._pools.replace()
            self._sink.keep_up()
        if self._sink.stopped:
            self._pools.close(kill=True)

    def _submit(self, todo: deque[Any], running: dict[Future[Any], Any]) -> None:
        """Keep the pool busy; with suspects about, with one of them alone."""
        if self._suspects:
            if not running:
                suspect = self._suspects.popleft()
                running[self._start(suspect)] = suspect
            return
        while todo and len(running) < 2 * self._workers:
            item = todo.popleft()
            running[self._start(item)] = item

    def _start(self, item: Any) -> Future[Any]:
        """Hand an item to the pool; one that broke a moment ago says so here, and not of what it worked on."""
        try:
            return self._pools.current.submit(self._function, item)
        except BrokenProcessPool as error:
            broken: Future[Any] = Future()
            broken.set_exception(error)
            return broken

    def _finish(self, future: Future[Any], item: Any) -> None:
        """Take the output of an item, or see what its worker died of."""
        error = future.exception()
        if error is None:
            self._sink.take(future.result())
        elif not isinstance(error, BrokenProcessPool):
            self._sink.fail(item, error)
        else:
            deaths = self._deaths[id(item)] = self._deaths.get(id(item), 0) + 1
            if deaths >= MAX_DEATHS:
                reason = WorkerDied(
                    f"it ended its worker process {deaths} times: a crash in compiled code, or no memory"
                )
                self._sink.fail(item, reason, attempts=deaths)
            else:
                self._suspects.append(item)


class WorkerDied(RuntimeError):  # noqa: N818  (what became of a worker)
    """A chunk ended the process that worked on it."""


@dataclass
class LedgerDaskExecutor(DaskExecutor):
    """Works on Dask: takes outputs as they complete, merged on the workers by a bounded tree.

    Parameters
    ----------
    sink : Sink
        Takes the outputs.
    lost_after_s : float
        How long the cluster may be without any worker before the run ends.
    lifetime_s : float, optional
        After which each worker has ended by itself, whatever it was doing.
    warnings : list of str
        Takes what is to be told of workers.
    """

    sink: Any = None
    lost_after_s: float = LOST_AFTER_S
    lifetime_s: float | None = None
    warnings: list[str] = field(default_factory=list)

    def __call__(self, items: Sequence[Any], function: Callable[[Any], Any], _accumulator: Any) -> tuple[Any, int]:
        """Work on items until the sink or the end of the cluster stops it."""
        work = _DaskWork(self, function)
        try:
            work.run(items)
        finally:
            work.release()
        return self.sink.result(), 0


class _Fetch:
    """An output on its way into this process, however long that takes, while others look at what else happens."""

    def __init__(self, future: Any) -> None:
        self.arrived = threading.Event()
        self.error: BaseException | None = None
        self.output: Any = None
        self._future = future
        # a daemon, so that one which never comes does not keep the process from its end
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        try:
            self.output = self._future.result()
        except BaseException as error:  # noqa: BLE001  (cancelled futures raise no Exception in some versions)
            self.error = error
        self.arrived.set()


@dataclass(eq=False)
class _Node:
    """A task on the cluster: a chunk, or the merged outputs of other nodes."""

    future: Any
    items: list[Any]
    inputs: list["_Node"] = field(default_factory=list)
    alone: bool = False
    fetch: _Fetch | None = None
    only: frozenset[str] = frozenset()  # workers that may have it, if not all
    avoided: frozenset[str] = frozenset()  # workers that have refused it


class _DaskWork:
    """The work on items on a Dask cluster.

    An output is in ``_ready`` from when it was made to when it is in this process or part of another one. Until then
    its worker may take it away: Dask makes it anew.
    """

    def __init__(self, executor: LedgerDaskExecutor, function: Callable[[Any], Any]) -> None:
        self._client: Any = executor.client
        self._executor = executor
        self._function = function
        self._sink: Sink = executor.sink
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._todo: deque[Any] = deque()
        self._chunks = 0  # of the pending nodes
        self._threads = 0
        self._pending: dict[str, _Node] = {}
        self._ready: list[_Node] = []
        self._suspects: list[Any] = []
        self._elsewhere = Elsewhere(executor.client, executor.warnings)
        self._shared: Any = None
        self._looked = time.monotonic()
        self._alone_since: float | None = None
        self._progress = time.monotonic()
        self._heard = 0

    def run(self, items: Sequence[Any]) -> None:
        try:
            self._share()
            self._todo.extend(items)
            while (self._todo or self._pending or self._suspects or self._ready) and not self._sink.stopped:
                self._step()
        except Exception:
            if self._client.status == "running":
                raise
            self._sink.stop(_LOST)  # which Dask may tell by an error of any call
        if self._sink.stopped:
            self._rescue()

    def _share(self) -> None:
        """Hand what all items need to the cluster."""
        heavy = self._executor.heavy_input
        # not by scatter, which does not survive the worker that has it (coffea #465)
        self._shared = None if heavy is None else self._client.submit(_same, heavy, pure=False)

    def _submit(self) -> None:
        """Hand the next items to the cluster, if it has come through half of those that it may have at a time."""
        window = max(WINDOW, _PER_THREAD * self._threads)
        if not self._todo or self._chunks > window // 2:
            return
        items = [self._todo.popleft() for _ in range(min(len(self._todo), window - self._chunks))]
        futures = self._client.map(
            self._function, [self._input(item) for item in items], pure=False, priority=self._executor.priority
        )
        for future, item in zip(futures, items, strict=True):
            self._follow(_Node(future, [item]))

    def _input(self, item: Any) -> Any:
        """Join an item with what all of them need, which is sent once."""
        return item if self._shared is None else (item, self._shared)

    def _step(self) -> None:
        """Wait for tasks; once there are none, try suspects, and then merge and fetch what is ready."""
        self._submit()
        if self._pending:
            self._advance()
        elif self._suspects:
            self._fetch_ready()  # a suspect takes with it what is on its worker
            if self._ready:
                self._advance()
            else:
                self._try_alone(self._suspects.pop())
        elif len(self._ready) > 1:
            self._merge(self._executor.treereduction)
        else:
            self._fetch_ready()
            if self._ready:  # it was lost, and is being made anew
                self._advance()

    def _try_alone(self, item: Any) -> None:
        """Give an item the whole cluster: if a worker dies now, it is the reason."""
        self._follow(_Node(self._client.submit(self._function, self._input(item), pure=False), [item], alone=True))

    def _follow(self, node: _Node) -> None:
        self._pending[node.future.key] = node
        self._chunks += not node.inputs
        node.future.add_done_callback(self._events.put)

    def _advance(self) -> None:
        """Wait for a task to end, and do what is due."""
        try:
            self._finish(self._events.get(timeout=POLL_S))
            while True:
                self._finish(self._events.get_nowait())
        except queue.Empty:
            pass
        if self._sink.stopped:
            return
        self._fetch_all([node for node in self._ready if len(node.items) >= self._executor.treereduction**2])
        while len(self._ready) >= self._executor.treereduction:
            self._merge(self._executor.treereduction)
        self._sink.keep_up(self._fetch_ready, self._fetch_some)
        self._look()

    def _finish(self, future: Any) -> None:
        """Take note of a task that has ended."""
        node = self._pending.pop(future.key, None)
        if node is None:
            return
        self._chunks -= not node.inputs
        status = future.status
        if status in ("finished", "error"):
            self._progress = time.monotonic()
        if status == "finished":
            node.inputs.clear()  # with them their futures, and the outputs on the workers
            node.alone = False  # if it is lost, it is made anew beside others
            self._ready.append(node)
        elif status == "cancelled":
            self._give_up()
        elif status != "error":  # lost again with its worker, before we came to it
            self._follow(node)
        elif node.inputs:  # a merge: take its inputs one by one, where one that does not merge is found out
            self._ready += [part for part in node.inputs if not self._fetch(part)]
        else:
            self._fail(node, future.exception(timeout=_FETCH_S))

    def _fail(self, node: _Node, error: BaseException) -> None:
        """Take note that the items of a node gave nothing, or have to be tried alone."""
        if type(error).__name__ != "KilledWorker":
            for item in node.items:
                if not self._give_to_another(item, error, node.avoided):
                    self._sink.fail(item, error)
        elif node.alone:
            deaths = int(error.allowed_failures) + 1  # type: ignore[attr-defined]  # of distributed's KilledWorker
            reason = WorkerDied(
                f"it ended its worker {deaths} times: a crash in compiled code, or more memory than a worker may have"
            )
            self._sink.fail(node.items[0], reason, deaths)
        else:  # all that a dying worker had before it are suspects to Dask
            self._suspects += node.items

    def _give_to_another(self, item: Any, error: BaseException, avoided: frozenset[str]) -> bool:
        """Give an item to workers that are like the client, if it failed where one is not; False if there are none.

        Whatever a processor raises comes as a record. An error of the task itself is that of a worker which refuses
        it, or cannot even read it.
        """
        refused_by = getattr(error, "address", "")
        if isinstance(error, UnfitWorker):
            self._elsewhere.warn(refused_by, str(error))
        fit = self._elsewhere.workers(avoided | {refused_by})
        now_avoided = avoided | {refused_by or "some worker"}
        if not fit or now_avoided == avoided or not self._elsewhere.found:
            return False
        self._submit_to(item, fit, now_avoided)
        return True

    def _submit_to(self, item: Any, only: frozenset[str], avoided: frozenset[str]) -> None:
        future = self._client.submit(
            self._function, self._input(item), pure=False, workers=sorted(only), priority=self._executor.priority
        )
        self._follow(_Node(future, [item], only=only, avoided=avoided))

    def _move(self, workers: Iterable[str]) -> None:
        """Let items go on that wait for workers which are gone."""
        for key, node in list(self._pending.items()):
            if node.only and not node.only.intersection(workers):
                del self._pending[key]
                self._chunks -= 1
                node.future.cancel()
                self._submit_to(node.items[0], self._elsewhere.workers(node.avoided), node.avoided)

    def _give_up(self) -> None:
        """Stop after Dask has cancelled our tasks: with them it forgets all outputs that are not here."""
        running = self._client.status == "running"
        self._sink.stop("the Dask cluster has dropped the work, as in a restart" if running else _LOST)

    def _merge(self, number: int) -> None:
        """Merge up to so many ready outputs on a worker."""
        nodes, self._ready = self._ready[:number], self._ready[number:]
        future = self._client.submit(
            merged, [node.future for node in nodes], pure=False, priority=self._executor.priority + 1
        )
        self._follow(_Node(future, [item for node in nodes for item in node.items], nodes))

    def _begin_fetch(self, node: _Node) -> _Fetch | None:
        """Let an output come, unless it was lost and is being made anew."""
        if node.fetch is None and node.future.status not in ("lost", "pending"):
            node.fetch = _Fetch(node.future)
        return node.fetch

    def _fetch(self, node: _Node) -> bool:
        """Bring an output into this process, where nothing can take it away; False if it has to be tried again.

        A slow link takes its time; the end of the run, and of the cluster, are looked out for meanwhile.
        """
        fetched = self._begin_fetch(node)
        if fetched is None:
            return False
        while not fetched.arrived.wait(POLL_S):
            self._look()
            if self._sink.stopped:
                return False
        node.fetch = None
        self._progress = time.monotonic()
        if fetched.error is None:
            self._sink.take(fetched.output)
        elif node.future.status == "cancelled":
            self._give_up()
        else:  # it died with its worker, or does not travel
            self._fail(node, fetched.error)
        return True

    def _fetch_ready(self) -> None:
        """Fetch what is ready; by the bounded tree that is little."""
        self._fetch_all(self._ready)

    def _fetch_some(self) -> None:
        """Fetch what is ready as far as that is quick: of many outputs those that are merged, and the others next time.

        Each costs an answer of a worker that is at work, whatever its size.
        """
        if len(self._ready) <= _FEW:
            self._fetch_ready()
        elif merged_before := [node for node in self._ready if len(node.items) > 1]:
            self._fetch_all(merged_before)
        else:
            self._merge(len(self._ready))

    def _fetch_all(self, nodes: list[_Node]) -> None:
        self._ready = [node for node in self._ready if node not in nodes]
        for node in nodes:  # all at once: each waits until its worker, which is at work, answers
            self._begin_fetch(node)
        self._ready += [node for node in nodes if not self._fetch(node)]

    def _rescue(self) -> None:
        """Fetch what is done, as far as the cluster still gives it; the rest stays without a record."""
        nodes = [*self._ready, *self._pending.values()]
        self._pending.clear()
        self._ready.clear()
        if self._client.status == "running":
            self._client.cancel([node.future for node in nodes if node.future.status == "pending"])
        # of a merge that has not come back, its inputs
        done = [part for node in nodes for part in node.inputs or [node] if part.future.status == "finished"]
        deadline = time.monotonic() + _FETCH_S
        for node in done:
            left = deadline - time.monotonic()
            if left <= 0 or self._client.status != "running":
                break
            fetch = node.fetch or _Fetch(node.future)
            if fetch.arrived.wait(left) and fetch.error is None:  # else it is gone with its worker
                self._sink.take(fetch.output)

    def _look(self) -> None:
        """Stop when the scheduler is gone, or has had no worker for too long."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        if self._client.status in ("closing", "closed", "failed"):
            self._sink.stop(_LOST)
            return
        try:
            threads = self._client.nthreads()  # a number for each worker, where scheduler_info sends all of it
        except Exception:  # noqa: BLE001  (whatever the connection raises: it may come back)
            threads = {}
        workers, self._threads = len(threads), sum(threads.values())
        self._sink.workers = workers
        if workers:
            self._move(threads)
            if self._alone_since is not None:
                self._progress += now - self._alone_since  # which was nobody's lifetime
                self._alone_since = None
            self._look_at_lifetimes(now)
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > self._executor.lost_after_s:
            self._sink.stop(f"the Dask cluster had no workers for {self._executor.lost_after_s:.0f} s")

    def _look_at_lifetimes(self, now: float) -> None:
        """Stop when all chunks that are left take longer than workers live: Dask would repeat them for ever.

        A worker that leaves gives what it was doing to another one, and Dask counts no death.
        """
        lives_s = self._executor.lifetime_s
        if lives_s is None:
            return
        if self._sink.heard != self._heard or not self._events.empty():
            self._heard, self._progress = self._sink.heard, now
        if now - self._progress > _LIVES * lives_s:
            self._sink.stop(
                f"no chunk ended in {_LIVES} lifetimes of a worker ({lives_s:.0f} s each), after which it is "
                "repeated from its start: smaller chunks, or a longer lifetime"
            )

    def release(self) -> None:
        """Let the cluster forget what is left."""
        self._todo.clear()
        self._pending.clear()
        self._ready.clear()


def _same(value: Any) -> Any:
    """Return what is given: a task that holds a value."""
    return value
