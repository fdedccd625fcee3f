"""What introspection is told about a class that has both ``__new__`` and ``__init__``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspect import Signature


class InitSignature:
    """As ``__signature__`` of a class: the arguments of its ``__init__``, also for subclasses with one of their own.

    Otherwise ``help()``, ``inspect.signature()`` and shells would show what ``__new__`` takes, which is anything.
    """

    def __get__(self, instance: object, owner: type) -> Signature:
        from inspect import signature  # heavy, and hardly ever needed

        whole = signature(owner.__init__)  # type: ignore[misc]  # that of this very class is wanted
        _, *parameters = whole.parameters.values()
        return whole.replace(parameters=parameters, return_annotation=whole.empty)
