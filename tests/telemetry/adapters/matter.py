"""A model of a ``transitions`` machine that many tests use."""

from __future__ import annotations

from typing import Any

from transitions import Machine

PATHS = [["melt", "solid", "liquid"], ["boil", "liquid", "gas"], ["freeze", "*", "solid"], ["stir", "liquid", "="]]


class Matter:
    """A model."""

    state: str

    def __init__(self) -> None:
        self.hot = True

    def is_hot(self) -> bool:
        return self.hot


def matter(model: object | None = None, kind: type[Machine] = Machine, **options: Any) -> Any:
    model = Matter() if model is None else model
    machine = kind(model, states=["solid", "liquid", "gas"], transitions=PATHS, initial="solid", **options)
    return model if model is not Machine.self_literal else machine
