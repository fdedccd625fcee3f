"""One machine of another engine, told in the terms of states, ticks and transitions.

Runs on the program's threads. An engine's adapter says when an attempt to change the machine begins and ends, and what
it has seen in between; which states are active is asked from the machine itself. The ticks are counted as in
``am_core``: one when a state becomes active, one when it becomes inactive, two when it is left and entered again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from am_telemetry.adapters.attempt import Attempt, Cause, now
from am_telemetry.adapters.moves import DECISIONS, EXCEPTION_INDEX, failure, move_of
from am_telemetry.adapters.shape import Move
from am_telemetry.adapters.subject import UNKNOWN
from am_telemetry.adapters.watched import Watched
from am_telemetry.sending.arguments import cut
from am_telemetry.sending.happenings import Reshaped
from am_telemetry.sending.ring import FULL

DIRECTLY: Final = "set directly"
"""Event of a change that no event has made: the program assigned the state."""
ADD: Final = 0
SET: Final = 2
MAX_MOVES: Final = 4_096


class Watch(Watched):
    """What the adapters tell of a machine becomes transitions in the ring. Thread-safe."""

    # -- what the adapters tell -------------------------------------------------------------------------------------

    def begin(
        self,
        event: str,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
        cause: Cause | None = None,
    ) -> Attempt:
        """An event is about to be processed.

        Args:
            event: its name.
            args: positional arguments the program passed with it.
            kwargs: named ones.
            cause: the transition that it was sent from.
        """
        attempt = Attempt(self, event, cause)
        if self.values or args or kwargs:
            attempt.arguments = self._arguments(event, args, kwargs or {})
        if self.open or self._states.version != self._version or self._read() is not self.value:
            self._begin_with_care(attempt)
        else:
            self.open.append(attempt)
        return attempt

    def before_change(self, attempt: Attempt | None) -> None:
        """The machine's state is about to be written, so what another attempt has done must be told first.

        Only needed where several attempts may be under way side by side.
        """
        value = self._look()
        try:
            if self.pending is not None and self.pending is not attempt:
                self._account(value)
        finally:
            self.lock.release()

    def after_change(self, attempt: Attempt | None) -> None:
        """The machine's state has been written by an attempt, or, for None, by the program itself."""
        value = self._look()
        try:
            if attempt is not None and not attempt.ended:
                self.pending = attempt
            elif value != self.value:
                self._direct(value)
        finally:
            self.lock.release()

    def begin_plainly(self, event: str, outer: Attempt | None) -> Attempt | None:
        """The same for an event without arguments, if there is nothing to take care of; else None.

        Args:
            event: its name.
            outer: the attempt that it was sent from.
        """
        if self.open or self.values or self._states.version != self._version or self._read() is not self.value:
            return None
        attempt = Attempt(self, event, None if outer is None else outer.link())
        self.open.append(attempt)
        return attempt

    def end_plainly(self, attempt: Attempt, destination: str) -> bool:
        """An event has led to a state, as it has before, and nothing else is to be told; False when that is not so.

        The whole way in one piece, because it is by far the most frequent one.
        """
        if attempt.arguments is not None or attempt.prepended or attempt.again or attempt.refused or attempt.entered:
            return False
        number = self.number
        value = self._read()
        lock = self.lock
        lock.acquire()
        try:
            try:
                move = self._shape.plain.get((attempt.event, destination, self.value, value))
            except TypeError:  # the value of a machine with several states
                return False
            open_ = self.open
            if move is None or self.number != number or self.pending is not None or self._in_error:
                return False
            if not open_ or open_[-1] is not attempt:
                return False
            open_.pop()
            attempt.ended = True
            attempt.number = self.number = number = number + 1
            self.value = value
            before = after = self.clock
            if move.ticks:
                ticks = self._ticks
                for state, gained in move.ticks:
                    ticks[state] += gained
                after = self.clock = tuple(ticks)
                self._active = move.active
            record = (
                self, number, FULL, attempt.started_ns, now(), ADD, move.called, True, False, False, False, "",
                before, after, attempt.queue_len, number, move.steps, attempt.handlers, None, move.log, attempt.cause,
                None,
            )  # fmt: skip
            if len(self._items) < self.ring.room:
                self._items.extend(record)
            else:
                self.ring.overflow(record)
            attempt.handlers = None
            self.last = attempt
            return True
        finally:
            lock.release()

    def end(self, attempt: Attempt, accepted: bool) -> None:
        """An event has been processed.

        Args:
            attempt: what :meth:`begin` returned.
            accepted: whether a transition was made.
        """
        seen = self.number
        value = self._read()
        lock = self.lock
        lock.acquire()
        try:
            if value is UNKNOWN or self.number != seen:
                value = self._look_again()
            attempt.ended = True
            if self.open and self.open[-1] is attempt and self.pending is None:
                self.open.pop()
            else:
                self._untangle(attempt, value)
            move = None
            if accepted and attempt.error is None and not (attempt.again or attempt.entered or self._in_error):
                try:
                    move = self._shape.smooth.get((attempt.event, attempt.called, self.value, value))
                except TypeError:  # the value of a machine with several states
                    move = None
            if move is not None and not attempt.refused:
                # By far the most frequent case, therefore the shortest way.
                self.value = value
                self._write(attempt, move, True, False, "", move.log)
            elif attempt.error is None and not attempt.again:
                if not accepted and (attempt.entered or value != self.value):
                    accepted = True
                self._note(attempt, value, accepted, False, "" if accepted else attempt.canceled_by)
            else:
                self._end_with_care(attempt, value, accepted)
            self.last = attempt
            # It may be kept as the cause of what comes later, but must not keep the program's objects alive.
            attempt.arguments = None
        finally:
            lock.release()

    def forget(self, attempt: Attempt) -> None:
        """An attempt turned out to be none, or cannot be told."""
        with self.lock:
            attempt.ended = True
            self._close(attempt)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _look(self) -> object:
        """The machine's value; the lock is held afterwards, not before, as reading may run the program's code."""
        seen = self.number
        value = self._read()
        self.lock.acquire()
        return self._look_again() if value is UNKNOWN or self.number != seen else value

    def _look_again(self) -> object:
        """The same, with the lock held already, after another thread was quicker.

        The value is old then, unless threads compete for the machine without a lock of their own.
        """
        self.lock.release()
        value = self._read()
        self.lock.acquire()
        return self.value if value is UNKNOWN else value

    def _begin_with_care(self, attempt: Attempt) -> None:
        value = self._look()
        try:
            if self._states.version != self._version:
                self._reshape()
            if value is not self.value and value != self.value:
                self._account(value)
            attempt.before = self.clock
            if self.open:
                attempt.prepended = True
                cause = attempt.cause
                if cause is not None and cause.machine_id == self.id and cause.transition_number > self.number:
                    # The other attempt will be told after this one, so it cannot be linked to.
                    attempt.cause = None
            self.open.append(attempt)
        finally:
            self.lock.release()

    def _untangle(self, attempt: Attempt, value: object) -> None:
        """Close an attempt that ends while others are under way."""
        pending = self.pending
        self._close(attempt)
        if pending is not None and pending is not attempt:
            self.pending = None
            self._flush(pending, value)

    def _end_with_care(self, attempt: Attempt, value: object, accepted: bool) -> None:
        """Note the end of an attempt that failed, or of which a part was noted already."""
        error, broken = attempt.error, attempt.error is not None
        news = error if error is not self._told else None
        changed = value is not self.value and value != self.value
        if not attempt.again or changed or news is not None:
            # What was entered before the failure stays entered.
            accepted = accepted or changed or bool(attempt.entered)
            canceled_by = "" if accepted else attempt.canceled_by
            if broken and not accepted and not canceled_by and attempt.handlers:
                canceled_by = attempt.handlers[-1]
            self._note(attempt, value, accepted, broken, canceled_by)
            if news is not None:
                self._raise(news, attempt)
        self._told = error if self.open else None
        attempt.error = None

    def _close(self, attempt: Attempt) -> None:
        if attempt in self.open:
            self.open.remove(attempt)
        if self.pending is attempt:
            self.pending = None

    def _account(self, value: object) -> None:
        """The machine has changed since it was looked at last, and something else begins."""
        owner, self.pending = self.pending or (self.open[-1] if self.open else None), None
        if owner is not None:
            self._flush(owner, value)
        else:
            self._direct(value)

    def _direct(self, value: object) -> None:
        """The program has assigned the state."""
        self._note(Attempt(self, DIRECTLY, None), value, True, False, "")

    def _flush(self, attempt: Attempt, value: object) -> None:
        """Note what an attempt has done so far."""
        self._note(attempt, value, True, False, "")
        attempt.again = True

    def _raise(self, error: BaseException, source: Attempt) -> None:
        """User code has failed: the state for exceptions becomes active, or is entered again."""
        self._told = error
        attempt = Attempt(self, type(error).__name__, source.link())
        attempt.arguments = {"err": error}
        move = self._tellable(failure(self._shape, self._active))
        self._write(attempt, move, True, False, "", move.log)

    def _note(self, attempt: Attempt, value: object, accepted: bool, broken: bool, canceled_by: str) -> None:
        if self._states.version != self._version:
            # A callback has added states.
            self._reshape()
        again: tuple[str, ...] = ()
        if attempt.entered is not None and attempt.exited is not None:
            exited = set(attempt.exited)
            again = tuple(name for name in attempt.entered if name in exited)
        before, subject = self.value, self.subject
        flags = accepted + 2 * broken + 4 * attempt.again + self._in_error
        key: Hashable = (attempt.event, attempt.called, before, value, again, canceled_by, flags)
        try:
            move = self._shape.moves.get(key)
        except TypeError:
            key = (attempt.event, attempt.called, subject.key(before), subject.key(value), again, canceled_by, flags)
            move = self._shape.moves.get(key)
        if move is None:
            move = self._move(attempt, value, again, accepted, broken, canceled_by)
            self._remember(key, move)
            if flags == 1 and not again:
                self._shape.smooth[attempt.event, attempt.called, subject.key(before), subject.key(value)] = move
                if len(attempt.called) == 1:
                    plain = (attempt.event, attempt.called[0], subject.key(before), subject.key(value))
                    self._shape.plain[plain] = move
        log = move.log
        if attempt.refused and self.log_level >= DECISIONS:
            log = (*(log or ()), *((DECISIONS, f"[condition] {cut(name)} refused") for name in attempt.refused))
        self.value = value
        self._write(attempt, move, accepted, broken, canceled_by, log)

    def _write(
        self,
        attempt: Attempt,
        move: Move,
        accepted: bool,
        broken: bool,
        canceled_by: str,
        log: tuple[tuple[int, str], ...] | None,
    ) -> None:
        number = self.number = self.number + 1
        before = after = self.clock
        if move.ticks:
            ticks = self._ticks
            for state, gained in move.ticks:
                ticks[state] += gained
            after = self.clock = tuple(ticks)
            self._active = move.active
            self._in_error = 8 * (EXCEPTION_INDEX in move.active)
        record = (
            self,
            number,
            FULL,
            attempt.started_ns,
            now(),
            SET if attempt.event is DIRECTLY else ADD,
            move.called,
            accepted,
            attempt.auto,
            False,
            broken,
            canceled_by,
            before,
            after,
            attempt.queue_len,
            0 if attempt.prepended else number,
            move.steps,
            attempt.handlers,
            None,
            log,
            attempt.cause,
            attempt.arguments or None,
        )
        if len(self._items) < self.ring.room:
            self._items.extend(record)
        else:
            self.ring.overflow(record)
        attempt.handlers = None
        if not attempt.number:
            attempt.number = number
            if not attempt.ended:
                # What follows is told as a consequence.
                attempt.cause = Cause(self.id, "", sum(before), number)

    def _move(
        self, attempt: Attempt, value: object, again: tuple[str, ...], accepted: bool, broken: bool, canceled_by: str
    ) -> Move:
        """Work out what a kind of transition means."""
        was = self._active
        active = self._indexes(value)
        if EXCEPTION_INDEX in was and (broken or not accepted):
            active |= {EXCEPTION_INDEX}
        return self._tellable(move_of(self._shape, attempt, was, active, again, accepted, canceled_by))

    def _tellable(self, move: Move) -> Move:
        """The same without what may not be told."""
        log = tuple(line for line in move.log or () if line[0] <= self.log_level)
        return move._replace(steps=move.steps if self.steps else None, log=log or None)

    def _remember(self, key: Hashable, move: Move) -> None:
        shape = self._shape
        if len(shape.moves) >= MAX_MOVES:
            shape.moves.clear()
            shape.smooth.clear()
            shape.plain.clear()
        shape.moves[key] = move

    def _reshape(self) -> None:
        self._version = self._states.version
        shape = self.subject.shape()
        if shape == self._shape:
            return
        self._shape = shape
        self._ticks += [0] * (len(shape.names) - len(self._ticks))
        self.clock = tuple(self._ticks)
        self.ring.note(Reshaped(shape.names, shape.facts), self)

    def _arguments(self, event: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Mapping[str, object]:
        if not self.values:
            return dict.fromkeys(("args", *kwargs) if args else kwargs)
        return {"event": event, **({"args": args} if args else {}), **kwargs}
