"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stages import Stage

RUNNERS = ["inline", "thread", "loop"]


@pytest.fixture(params=RUNNERS)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Every runner in turn."""
    stage = Stage(request.param)
    yield stage
    stage.close()


@pytest.fixture
def loop_stage() -> Iterator[Stage]:
    """The runner on an event loop."""
    stage = Stage("loop")
    yield stage
    stage.close()
