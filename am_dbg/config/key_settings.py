"""A person's own keys, as the settings file has them."""

from __future__ import annotations

from am_dbg.config.file import ConfigFile


def own_keys(file: ConfigFile) -> dict[str, list[str]]:
    """Id of an action, as written, to keys, as written."""
    return {
        action: list(entry.value) if isinstance(entry.value, tuple) else [str(entry.value)]
        for action, entry in file.keys.items()
    }
