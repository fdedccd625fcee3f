"""``am-dbg config`` and ``am-dbg keys``, and what settings do to other commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from am_dbg.cli import run
from am_dbg.ui.actions import ACTIONS
from tests.support.pseudo_terminal import on_pty
from tests.support.recordings import machine_names, write_sample


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("AM_DBG_CONFIG", str(path))
    return path


Output = pytest.CaptureFixture[str]


def test_settings_are_set_shown_with_their_origin_and_unset(
    file: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["config", "set", "ui.theme", "light"]) == 0
    assert run(["config", "set", "hub.listen", "localhost:7000", "localhost:7001"]) == 0
    monkeypatch.setenv("AM_DBG_VIEW", "rain")
    capsys.readouterr()
    assert run(["config", "show", "--origin"]) == 0
    lines = [line.split("  # ") for line in capsys.readouterr().out.splitlines()]
    shown = {text.split(" = ")[0].strip(): (text.split(" = ")[1].strip(), origin) for text, origin in lines}
    assert shown["ui.theme"] == ('"light"', "file, config.toml:2")
    assert shown["hub.listen"] == ('["localhost:7000", "localhost:7001"]', "file, config.toml:5")
    assert shown["ui.view"] == ('"rain"', "environment, AM_DBG_VIEW")
    assert shown["ui.mouse"] == ("true", "default")
    assert run(["config", "unset", "ui.theme"]) == 0
    assert run(["config", "unset", "ui.theme"]) == 1
    assert "ui" not in file.read_text("utf-8")


def test_settings_are_shown_as_json(file: Path, capsys: Output) -> None:
    file.write_text('[keys]\n"time.play" = ["f5"]\n', "utf-8")
    assert run(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == str(file)
    assert document["keys"] == {"time.play": ["f5"]}
    listen = next(entry for entry in document["settings"] if entry["key"] == "hub.listen")
    assert (listen["origin"], listen["value"]) == ("default", None)


def test_a_wrong_value_or_name_is_not_written(file: Path, capsys: Output) -> None:
    for arguments, words in (
        (["ui.thme", "dark"], "did you mean 'ui.theme'?"),
        (["ui.theme", "drak"], "did you mean 'dark'?"),
        (["keys.time.pley", "x"], "did you mean 'time.play'?"),
        (["keys.time.play", "ctrl+i"], "the same as tab"),
    ):
        assert run(["config", "set", *arguments]) == 2
        assert words in capsys.readouterr().err
    assert not file.exists()


def test_a_key_that_another_own_one_has_is_not_written(file: Path, capsys: Output) -> None:
    assert run(["config", "set", "keys.time.play", "f5"]) == 0
    assert run(["config", "set", "keys.time.play", "f5", "space"]) == 0
    assert run(["config", "set", "keys.time.tail", "f5"]) == 2
    assert "F5 is given to time.play already" in capsys.readouterr().err


def test_check_lists_the_mistakes_with_their_lines_and_ends_with_2(file: Path, capsys: Output) -> None:
    assert run(["config", "check"]) == 2  # as the variable names a file that is not there
    file.write_text('[ui]\nthme = "x"\n[keys]\n"time.pley" = ["x"]\n', "utf-8")
    capsys.readouterr()
    assert run(["config", "check"]) == 2
    output = capsys.readouterr().out
    assert "config.toml:2: there is no setting 'ui.thme'; did you mean 'ui.theme'?" in output
    assert "config.toml:4: time.pley: there is no action 'time.pley'; did you mean 'time.play'?" in output
    file.write_text('[ui]\ntheme = "dark"\n', "utf-8")
    assert run(["config", "check"]) == 0


def test_the_path_is_printed_whether_the_file_is_there_or_not(file: Path, capsys: Output) -> None:
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{file}\n"


def test_edit_opens_the_editor_and_checks_what_it_left(
    file: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf \'[ui]\\nthme = "x"\\n\' > "$1"\n', "utf-8")
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    assert run(["config", "edit"]) == 2
    assert "ui.thme" in capsys.readouterr().out


def test_mistakes_in_settings_do_not_keep_commands_from_working(
    file: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file.write_text('[sessions]\nkeep = "soon"\n[ui]\nthme = 1\n', "utf-8")
    monkeypatch.setenv("AM_DBG_KEEP", "")  # restored after the test, as the command sets it
    monkeypatch.setenv("AM_DBG_DIR", str(tmp_path / "sessions"))
    assert run(["sessions", "ls"]) == 0
    assert "config.toml" not in capsys.readouterr().err


def test_keys_lists_every_action_with_its_effective_keys(file: Path, capsys: Output) -> None:
    file.write_text('[keys]\n"time.play" = ["f5"]\n"time.pley" = ["x"]\n', "utf-8")
    assert run(["keys"]) == 0
    printed = capsys.readouterr()
    assert all(action.id in printed.out for action in ACTIONS)
    (line,) = [line for line in printed.out.splitlines() if "time.play " in line]
    assert line.split()[0] == "F5"
    assert line.endswith("(yours)")
    assert "config.toml:3: time.pley" in printed.err


def test_keys_as_json_and_markdown(file: Path, capsys: Output) -> None:
    file.write_text('[keys]\n"time.play" = ["f5"]\n', "utf-8")
    assert run(["keys", "--json"]) == 0
    actions = {entry["action"]: entry for entry in json.loads(capsys.readouterr().out)["actions"]}
    assert (actions["time.play"]["keys"], actions["time.play"]["origin"]) == (["f5"], "settings file")
    assert run(["keys", "--profile", "classic", "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "| `Space` | `time.play` |" in text
    assert "| – | `jump.next-problem` |" in text


def test_what_the_terminal_sends_is_shown_with_its_meaning(file: Path) -> None:
    file.write_text('[keys]\n"time.play" = ["f5"]\n', "utf-8")
    with on_pty("keys", "--press", AM_DBG_CONFIG=str(file)) as user:
        user.sees("Press keys")
        user.press("right")
        user.sees("Esc [ C")
        user.press("\x1b")
        user.sees("Esc: Back to the machines")
        user.press("\x1b[15~")
        user.sees("Esc [ C", "→: Next transition", "F5: Play or pause")
        user.press("\x03")
        assert user.ends() == 0


def test_keys_are_not_read_without_a_terminal(file: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    with file.open("w") as nothing, file.open() as source:
        nothing.flush()
        monkeypatch.setattr("sys.stdin", source)
        assert run(["keys", "--press"]) == 2
    assert "keys cannot be read" in capsys.readouterr().err


def test_settings_shape_the_screen_and_it_is_remembered_how_it_was_left(file: Path, tmp_path: Path) -> None:
    session = tmp_path / "sample.db"
    write_sample(session, machines=1, transitions=40)
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "AM_DBG_REMEMBER": "1", "AM_DBG_CONFIG": str(file)}
    file.write_text('[keys]\n"view.rain" = ["f6"]\n"view.log" = []\n[ui]\nthme = "x"\n', "utf-8")
    with on_pty(str(session), size=(120, 30), **environment) as user:
        user.sees("mach://", "1 problem in the settings: am-dbg config check")
        user.press("f6")
        user.sees("# time")
        user.press("ctrl+q")
        assert user.ends() == 0
    (kept,) = (tmp_path / "state").rglob("layout.json")
    assert json.loads(kept.read_text("utf-8"))["view"] == "tree-rain"
    with on_pty(str(session), size=(120, 30), **environment) as user:
        user.sees("# time")
        user.press("ctrl+q")
        assert user.ends() == 0
    kept.write_text("{", "utf-8")
    address = f"mach://{machine_names(1)[0]}/#7?view=tree-matrix"
    with on_pty(str(session), address, "--fresh", size=(120, 30), **environment) as user:
        user.sees("/#7", "Matrix")
        user.press("ctrl+q")
        assert user.ends() == 0
