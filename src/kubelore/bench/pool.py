"""Does the same to many things, in this process or in several."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def unordered(do: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[tuple[int, Result]]:
    """(place in `items`, result) of each, as they are done; `do` must be picklable when several jobs run."""
    if jobs <= 1:
        yield from enumerate(map(do, items))
        return
    ignored = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; only this process answers
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=signal.signal, initargs=ignored
    ) as pool:
        futures = {pool.submit(do, item): index for index, item in enumerate(items)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise
