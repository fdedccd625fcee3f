"""Timing that survives a busy machine: contestants take turns, and medians of rounds are compared."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping


def take_turns(contestants: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each contestant over ``rounds`` rounds, after one round for warming up.

    In every round all contestants run one after the other, so a disturbance hits them alike. Garbage collection is off
    while one runs.
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            gc.collect()
            gc.disable()
            began = time.process_time()
            run()
            spent = time.process_time() - began
            gc.enable()
            if turn:
                times[name].append(spent)
    return {name: statistics.median(spent) for name, spent in times.items()}


def allocated(make: Callable[[], object]) -> int:
    """Bytes that are in use for what a function returns, and were not before."""
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del made
    return used


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
