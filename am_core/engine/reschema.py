"""Compiling a machine's schema, and replacing it while the machine lives."""

from __future__ import annotations

import hashlib
import marshal
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from am_core.errors import MachineDisposed, SchemaError
from am_core.logs import CHANGES
from am_core.schemas.model import Model, mask_of, model_of
from am_core.schemas.names import ambiguous_handlers
from am_core.schemas.schema import State, parse_schema
from am_core.schemas.typed import States

if TYPE_CHECKING:
    from am_core.machine import Machine

Problems = tuple[tuple[str, ...], tuple[str, ...]]
"""Conflicts and unknown names of a schema that was accepted nevertheless."""


class AmbiguousHandlers(UserWarning):
    """Two states are named so that one handler name would have two meanings."""


_prepared: dict[bytes, tuple[Model, Problems]] = {}
_PREPARED_LIMIT = 256


def prepare(
    schema: Mapping[str, State | Mapping[str, Any] | None] | type[States], strict: bool
) -> tuple[Model, bool, Problems | None]:
    """The model of a schema, whether it comes with an order, and problems (None without any)."""
    ordered = isinstance(schema, type)
    if isinstance(schema, type) and not issubclass(schema, States):
        raise SchemaError(f"{schema.__name__} is no class of states; derive it from States")
    if isinstance(schema, States):
        raise SchemaError(f"the schema is an object of {type(schema).__name__}; give the class itself")
    raw = schema.schema if isinstance(schema, type) else schema
    names = schema.names if isinstance(schema, type) else None
    key = _key(raw, names)
    known = _prepared.get(key) if key is not None else None
    if known is None:
        parsed = parse_schema(raw)
        model = model_of(parsed.schema, tuple(names or sorted(parsed.schema)))
        known = (model, (parsed.conflicts, parsed.unknown))
        warn_ambiguous(model.names)
        if key is not None:
            if len(_prepared) >= _PREPARED_LIMIT:
                _prepared.clear()
            _prepared[key] = known
    model, problems = known
    if strict and any(problems):
        raise SchemaError(problems[0] + problems[1])
    return model, ordered, problems if any(problems) else None


def _key(raw: Mapping[str, Any], names: tuple[str, ...] | None) -> bytes | None:
    """A schema that has been seen is recognised by its content, which is cheaper than compiling it again.

    The content is larger than what it compiles to, therefore only a digest is kept. None for what is no schema.
    """
    try:
        content = names, [(name, _content(value)) for name, value in raw.items()]
        try:
            packed = marshal.dumps(content, 0)
        except ValueError:
            # Names of typed states are strings of a kind of their own.
            packed = marshal.dumps(_plain(content), 0)
    except (TypeError, ValueError, AttributeError):
        return None
    return hashlib.blake2b(packed, digest_size=16).digest()


def _content(value: Any) -> object:
    if isinstance(value, State):
        return True, *[getattr(value, field) for field in State.__slots__]
    return None if value is None else list(value.items())


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def warn_ambiguous(names: tuple[str, ...]) -> None:
    """Warn about handler names with two meanings; a handler of such a name is called for both."""
    ambiguous = ambiguous_handlers(names)
    if ambiguous:
        text = f"handler names with more than one meaning: {', '.join(ambiguous)}; rename a state to avoid that"
        warnings.warn(text, AmbiguousHandlers, stacklevel=4)


def set_order(machine: Machine, names: tuple[str, ...]) -> None:
    """Order the states; see ``Machine.verify_states``."""
    schema = machine._schema
    problems = [f"unknown state {name}" for name in names if name not in schema]
    problems += [f"state {name} is not listed" for name in schema if name not in names]
    if problems:
        raise SchemaError(problems)
    _change(machine, model_of(schema, names))
    machine.states_verified = True
    machine._fire(machine._hooks.verify_states, machine)
    _log_cycle(machine)


def replace_schema(
    machine: Machine,
    raw: Mapping[str, State | Mapping[str, Any] | None],
    names: tuple[str, ...],
    allow_same_len: bool,
) -> None:
    """Use another schema; see ``Machine.set_schema``."""
    if machine._disposed:
        raise MachineDisposed(f"machine disposed: {machine.id} has no states any more")
    old = machine._schema
    parsed = parse_schema(raw)
    problems = [*parsed.conflicts, *parsed.unknown]
    grows = len(parsed.schema) >= len(old) if allow_same_len else len(parsed.schema) > len(old)
    if not grows:
        problems.append(f"the new schema has {len(parsed.schema)} states, more than {len(old)} are needed")
    if set(names) != set(parsed.schema) or len(names) != len(parsed.schema):
        problems.append("the listed names are not the states of the schema")
    problems += [f"state {name} is gone" for name in old if name not in parsed.schema]
    if problems:
        raise SchemaError(problems)
    _change(machine, model_of(parsed.schema, names))
    warn_ambiguous(names)
    machine.states_verified = True
    machine._fire(machine._hooks.verify_states, machine)
    machine._fire(machine._hooks.schema_change, machine, old)
    _log_cycle(machine)


def _change(machine: Machine, model: Model) -> None:
    """Translate the machine's moment to another model, all at once."""
    with machine._lock:
        if machine._drainer or machine._queue.items:
            raise SchemaError("cannot set schema during a transition; wait until the queue has ended")
        old, active, _, ticks = machine._now
        before = dict(zip(old.names, ticks, strict=True))
        moved = tuple(model.index[old.names[i]] for i in active)
        now = (model, moved, mask_of(moved), tuple(before.get(name, 0) for name in model.names))
        machine._use_model(model, now)


def _log_cycle(machine: Machine) -> None:
    model = machine._now[0]
    if model.require_cycle != "" and machine._log_level >= CHANGES:
        name = model.state_name(int(model.require_cycle))
        machine._log(CHANGES, f"[resolver] relation error: state {name} has a Require cycle for {machine.id}")
