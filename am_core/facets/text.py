"""Text forms of a machine."""

from __future__ import annotations

from collections.abc import Iterable

from am_core.resolution.transition import Now


def string(now: Now) -> str:
    """``(A:1 C:3)``: active states in index order."""
    model, _, _, ticks = now
    return f"({' '.join(f'{n}:{t}' for n, t in zip(model.names, ticks, strict=True) if t % 2)})"


def string_all(now: Now) -> str:
    """``(A:1) [B:0 Exception:0]``: active and inactive states."""
    model, _, _, ticks = now
    rest = " ".join(f"{n}:{t}" for n, t in zip(model.names, ticks, strict=True) if not t % 2)
    return f"{string(now)} [{rest}]"


def inspect(now: Now, states: Iterable[str] | None = None) -> str:
    """Activity, tick, properties and relations of states, one line each."""
    model, _, mask, ticks = now
    lines: list[str] = []
    for name in model.names if states is None else states:
        i = model.index[name]
        state = model.schema[name]
        lines += [f"{mask >> i & 1} {name}", _row("Tick", str(ticks[i]))]
        lines += [_row(label, "true") for label, on in (("Auto", state.auto), ("Multi", state.multi)) if on]
        relations = (("Add", state.add), ("Require", state.require), ("Remove", state.remove), ("After", state.after))
        lines += [_row(label, " ".join(names)) for label, names in relations if names is not None]
    return "".join(line + "\n" for line in lines)


def _row(label: str, value: str) -> str:
    return f"    |{label:<8} {value}".rstrip()
