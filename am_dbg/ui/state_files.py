"""Small files in the user's state folder: written at once or not at all, read with suspicion."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_MOST_BYTES: Final = 1_000_000


def state_dir() -> Path:
    """The folder. Need not exist."""
    from platformdirs import user_state_path

    return user_state_path("am-dbg", appauthor=False)


def read_json(path: Path) -> tuple[Any, str]:
    """What a file holds; None where there is none. And what is wrong with it, empty when it is fine or not there."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MOST_BYTES)), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{path} cannot be read: {error.strerror or error}"
    except (ValueError, RecursionError):
        return None, damaged(path)


def damaged(path: Path) -> str:
    """What to say of a file that holds something else than was written."""
    return f"{path} is damaged, so nothing was remembered; it will be written anew"


def write_json(path: Path, values: Any) -> str:
    """Returns what went wrong, empty when nothing did."""
    draft: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        draft = Path(name)
        with os.fdopen(number, "w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(values, file, indent=2)
        draft.replace(path)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                draft.unlink()
        return f"{path} cannot be written: {error.strerror or error}"
    return ""
