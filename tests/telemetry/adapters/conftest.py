"""A story that ends with its test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from story import Make, Story


@pytest.fixture
def tell() -> Iterator[Make]:
    stories: list[Story] = []

    def make(**options: Any) -> Story:
        stories.append(Story(**{"log": "everything", **options}))
        return stories[-1]

    yield make
    for story in stories:
        story.close()
