"""The part of a machine for coroutines: mutations, evaluations and the end can be awaited."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from am_core.engine.runners import ThreadRunner
from am_core.engine.submit import Args
from am_core.errors import AmError, EvalTimeout, MachineDisposed
from am_core.facets.working import WorkingMachine
from am_core.handling.handlers import UNSET, Event
from am_core.resolution.mutation import CANCELED, Result
from am_core.schemas.model import StateNames

if TYPE_CHECKING:
    from am_core.machine import Machine

T = TypeVar("T")


class AsyncMachine(WorkingMachine):
    """What can be awaited besides waiters. For tasks of any loop, and several loops at the same time.

    With ``runner="thread"`` mutations are executed by the loop's default executor, so that no handler blocks the loop.
    With other runners nothing needs that, and they are executed at once where that is possible.
    """

    __slots__ = ()

    async def aadd(
        self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any
    ) -> Result:
        """Activate states, and wait until that is decided: the result is Executed or Canceled.

        Also while the machine is busy, when ``add`` would only say Queued. Canceling the waiting task does not take the
        mutation back. Arguments and errors are those of ``add``.
        """
        return await self._decided(partial(self._sync.add, states, args, event=event, **kwargs))

    async def aremove(
        self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any
    ) -> Result:
        """Deactivate states, and wait until that is decided; see :meth:`aadd`."""
        return await self._decided(partial(self._sync.remove, states, args, event=event, **kwargs))

    async def aset(
        self, states: StateNames, /, args: Args = None, *, event: Event | None = UNSET, **kwargs: Any
    ) -> Result:
        """Activate states and deactivate all others, and wait until that is decided; see :meth:`aadd`."""
        return await self._decided(partial(self._sync.set, states, args, event=event, **kwargs))

    async def aeval(self, fn: Callable[[], T], source: str | None = None, *, timeout: float | None = None) -> T:
        """Run a function while no transition runs, before everything queued; returns what it returns.

        It runs on the thread that executes the queue, which is hardly the caller's. ``source`` says who asks (default:
        the function's name), ``timeout`` is in seconds (default: ``eval_timeout``). Raises what the function raises,
        :class:`EvalTimeout` and :class:`MachineDisposed`.
        """
        from asyncio import to_thread

        if iscoroutinefunction(fn):
            raise AmError(
                f"aeval calls a plain function between transitions, {fn.__qualname__} is a coroutine function"
            )
        name = getattr(fn, "__qualname__", repr(fn)) if source is None else source
        values: list[T] = []
        if not await to_thread(self._sync.eval, lambda: values.append(fn()), name, timeout=timeout):
            if self._disposing:
                raise MachineDisposed(f"machine disposed: {self.id}, eval:{name} did not run")
            raise EvalTimeout(f"eval timeout: eval:{name} did not run in time on {self.id}")
        return values[0]

    async def aclose(self) -> None:
        """Dispose the machine, and wait for its end."""
        self._sync.dispose()
        await self.when_disposed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def _sync(self) -> Machine:
        return cast("Machine", self)

    async def _decided(self, mutate: Callable[[], Result]) -> Result:
        """The final result of a mutation that may have to wait in the queue."""
        with self._lock:
            subs = self._subscriptions()
        with subs:
            if isinstance(self._runner, ThreadRunner):
                from asyncio import to_thread

                result = await to_thread(mutate)
            else:
                result = mutate()
            if not result.tick:
                return result
            waiter = self.when_queue(result)
            decided = subs.result_of(result.tick)
        if decided is not None:
            waiter.cancel()
            return decided
        with waiter:
            await waiter
        if waiter.result is not None:
            return waiter.result
        return CANCELED if waiter.reason == "disposed" else result
