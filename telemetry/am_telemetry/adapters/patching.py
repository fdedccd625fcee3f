"""Methods of other people's classes, replaced and put back."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


class Patches:
    """Replaced methods. They are replaced on classes, so that pickling, copying and subclassing work as before."""

    def __init__(self) -> None:
        self._undo: list[tuple[type, str, Method, Method | None]] = []

    def wrap(self, owner: type, name: str, make: Callable[[Method], Method]) -> bool:
        """Replace a method.

        Args:
            owner: the class that has the method, or inherits it.
            name: of the method.
            make: gets the original function and returns the new one.

        Returns:
            False when there is no such method, or it is not a plain function.
        """
        own = vars(owner).get(name)
        original = own if own is not None else _inherited(owner, name)
        if not inspect.isfunction(original):
            return False
        new = make(original)
        functools.update_wrapper(new, original)
        # Signature and source are looked up through this by tools; pickling finds the method by its name.
        setattr(owner, name, new)
        self._undo.append((owner, name, new, own))
        return True

    def undo(self) -> None:
        """Put everything back, except what somebody else has replaced in the meantime."""
        while self._undo:
            owner, name, new, own = self._undo.pop()
            if vars(owner).get(name) is not new:
                continue
            if own is None:
                delattr(owner, name)
            else:
                setattr(owner, name, own)


def _inherited(owner: type, name: str) -> Method | None:
    """A function that looks the method up again whenever it is called, as ``super()`` would."""
    if not inspect.isfunction(getattr(owner, name, None)):
        return None

    def inherited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(super(owner, self), name)(*args, **kwargs)

    inherited.__name__ = name
    inherited.__qualname__ = f"{owner.__qualname__}.{name}"
    return inherited
