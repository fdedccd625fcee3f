"""What stands beside the machines: the log, the matrix or the rain, with the schema or with all the room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

Content = Literal["log", "matrix", "rain"]


class Layout(StrEnum):
    """The order is that of the key that goes through all of them."""

    TREE_LOG = "tree-log"
    TREE_MATRIX = "tree-matrix"
    TREE_RAIN = "tree-rain"
    MATRIX = "matrix"
    RAIN = "rain"

    @property
    def has_tree(self) -> bool:
        """Whether the schema is shown too."""
        return self not in (Layout.MATRIX, Layout.RAIN)

    @property
    def content(self) -> Content:
        """The pane on the right."""
        if self in (Layout.MATRIX, Layout.TREE_MATRIX):
            return "matrix"
        return "log" if self is Layout.TREE_LOG else "rain"

    @property
    def following(self) -> Layout:
        """The next one, after the last the first."""
        order = list(Layout)
        return order[(order.index(self) + 1) % len(order)]

    def showing(self, content: Content) -> Layout:
        """The layout with another pane on the right; the log always has the schema beside it."""
        if content == "log":
            return Layout.TREE_LOG
        return Layout(f"tree-{content}" if self.has_tree else content)


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of the width of the window the panes on the left take, in percent; 0 as is usual."""

    machines: int = 0
    schema: int = 0
    lists: int = 0
    """Machines and schema where they share one place."""

    def with_share(self, name: str, percent: int) -> Shares:
        """The same with another share of one pane."""
        return replace(self, **{name: percent})


LAYOUT_TITLES = {
    Layout.TREE_LOG: "schema and log",
    Layout.TREE_MATRIX: "schema and matrix",
    Layout.TREE_RAIN: "schema and rain",
    Layout.MATRIX: "matrix alone",
    Layout.RAIN: "rain alone",
}
