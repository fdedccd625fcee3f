"""The settings file: what counts, what is wrong with it and in which line, and changes that keep what people wrote."""

from __future__ import annotations

import string
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from am_dbg import cli
from am_dbg.config.declarations import BY_KEY, PROFILES, SETTINGS, THEMES, VIEWS, option_setting
from am_dbg.config.editing import remove_value, set_value
from am_dbg.config.file import config_path, read_file
from am_dbg.config.kinds import shown
from am_dbg.config.resolving import Config, load
from am_dbg.errors import AmDbgError
from am_dbg.session.layout import Layout
from am_dbg.ui.key_profiles import PROFILES as KEY_PROFILES
from am_dbg.ui.themes import NAMES
from am_telemetry.store.limits import folder_policy


def config(tmp_path: Path, text: str, **environ: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return load({"AM_DBG_CONFIG": str(path), **environ})


def problems(found: Config) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_every_setting_is_declared_completely_and_once() -> None:
    assert len(BY_KEY) == len(SETTINGS)
    variables = [setting.env for setting in SETTINGS if setting.env]
    assert len(variables) == len(set(variables))
    for setting in SETTINGS:
        table, _, name = setting.key.partition(".")
        assert table
        assert name.isidentifier()
        assert setting.help.endswith(".")
        assert setting.default
        assert bool(setting.flag) == bool(setting.commands)


def test_choices_are_those_of_the_code() -> None:
    assert set(VIEWS) == set(Layout)
    assert set(PROFILES) == set(KEY_PROFILES)
    assert tuple(NAMES) == THEMES


def test_options_that_belong_to_settings_exist() -> None:
    from am_dbg.cli import root

    for setting in SETTINGS:
        for name in setting.commands:
            command = root.get_command(None, name)  # type: ignore[arg-type]  # the context is not looked at
            assert command is not None
            parameters = {parameter.name for parameter in command.params}
            assert setting.parameter in parameters, (name, setting.key)
            assert option_setting(name, setting.parameter) is setting


def test_environment_wins_over_the_file_and_that_over_the_default(tmp_path: Path) -> None:
    text = '[ui]\ntheme = "light"\nmouse = false\n'
    found = config(tmp_path, text, AM_DBG_THEME="dark")
    origins = {key: (found[key].value, found[key].origin, found[key].where) for key in ("ui.theme", "ui.mouse")}
    assert origins == {
        "ui.theme": ("dark", "environment", "AM_DBG_THEME"),
        "ui.mouse": (False, "file", "config.toml:3"),
    }
    assert (found["ui.remember"].value, found["ui.remember"].origin) == (True, "default")
    assert not found.problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ui]\n\nthme = "dark"\n', "config.toml:3: there is no setting 'ui.thme'; did you mean 'ui.theme'?"),
        ('theme = "dark"\n', "config.toml:1: there is no setting 'theme'; did you mean 'ui.theme'?"),
        ("[ui]\nzzz = 1\n", "config.toml:2: there is no setting 'ui.zzz'; am-dbg config show lists them all"),
        ('[ui]\ntheme = "drak"\n', "config.toml:2: ui.theme: \"drak\" is not among the choices; did you mean 'dark'?"),
        ("[ui]\nmouse = 3\n", "config.toml:2: ui.mouse: true or false is wanted, not 3"),
        ("[ui]\nlog_level = 9\n", "config.toml:2: ui.log_level: a whole number from 0 to 5 is wanted, not 9"),
        ("[hub]\nlisten = [1]\n", "config.toml:2: hub.listen: a list of texts is wanted"),
        ('[sessions]\nkeep = "soon"\n', "config.toml:2: sessions.keep: not a length of time"),
        ('[keys]\n"time.play" = 5\n', "config.toml:2: time.play: keys are a list of texts"),
        ("[ui]\ntheme = dark\n", "config.toml:2: this is no TOML, so nothing of the file counts"),
        ("[ui\n", "config.toml:1: this is no TOML"),
    ],
)
def test_mistakes_are_told_with_line_and_nearest_name_and_cost_only_themselves(
    tmp_path: Path, text: str, words: str
) -> None:
    found = config(tmp_path, text)
    (problem,) = problems(found)
    assert words in problem
    assert found.value("ui.theme") is None


def test_a_wrong_variable_costs_only_itself(tmp_path: Path) -> None:
    found = config(tmp_path, '[ui]\ntheme = "light"\n', AM_DBG_THEME="blue", AM_DBG_MAX_CLIENTS="many")
    assert found.value("ui.theme") == "light"
    assert sorted(problem.split(":")[0] for problem in problems(found)) == ["AM_DBG_MAX_CLIENTS", "AM_DBG_THEME"]


def test_a_file_that_is_not_there_is_empty_unless_it_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert read_file(path).problems == ()
    (problem,) = load({"AM_DBG_CONFIG": str(path)}).problems
    assert problem.where == "AM_DBG_CONFIG"


def test_unreadable_and_odd_files_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe[ui]")
    (tmp_path / "bom.toml").write_text("\ufeff[ui]\nmouse = false\n", "utf-8")
    assert "cannot be read" in str(read_file(tmp_path / "folder.toml").problems[0])
    assert "is not UTF-8" in str(read_file(tmp_path / "bytes.toml").problems[0])
    assert not read_file(tmp_path / "bom.toml").problems


def test_keys_are_read_with_their_lines(tmp_path: Path) -> None:
    found = config(tmp_path, '[keys]\nprofile = "classic"\n"time.play" = ["x"]\ntime.tail = "F5"\n')
    assert {action: (entry.value, entry.line) for action, entry in found.file.keys.items()} == {
        "time.play": (("x",), 3),
        "time.tail": (("F5",), 4),
    }
    assert found.value("keys.profile") == "classic"


def test_options_get_their_defaults_from_file_and_environment(tmp_path: Path) -> None:
    found = config(tmp_path, '[hub]\nlisten = ["localhost:7000"]\n', AM_DBG_MAX_CLIENTS="7")
    assert found.option_defaults("collect") == {"listen": ["localhost:7000"], "max_clients": 7}
    assert found.option_defaults("export") == {}


def test_what_the_command_line_says_wins_over_environment_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[hub]\nlisten = ["localhost:7000"]\nmax_clients = 5\nmax_machines = 6\n', "utf-8")
    monkeypatch.setenv("AM_DBG_CONFIG", str(path))
    monkeypatch.setenv("AM_DBG_MAX_MACHINES", "8")
    context = click.Context(cli.root)
    cli._apply_settings(context)
    command = cli.root.get_command(context, "collect")
    assert command is not None
    for arguments, expected in (
        ([], (("localhost:7000",), 5, 8)),
        (["-l", "localhost:1", "--max-machines", "9"], (("localhost:1",), 5, 9)),
    ):
        values = command.make_context("collect", list(arguments), parent=context).params
        assert (values["listen"], values["max_clients"], values["max_machines"]) == expected


def test_what_libraries_read_from_the_environment_can_stand_in_the_file(tmp_path: Path) -> None:
    found = config(tmp_path, '[sessions]\nkeep = "7d"\nkeep_size = "never"\n')
    policy, warnings = folder_policy(found.exported())
    assert not warnings
    assert policy.older_than_ns == 7 * 86_400 * 10**9
    assert policy.max_size is None


def test_a_limit_that_makes_no_sense_removes_nothing(tmp_path: Path) -> None:
    found = config(tmp_path, '[sessions]\nkeep = "forever"\n')
    assert found.exported() == {"AM_DBG_KEEP": "never"}
    assert '"never" counts instead' in problems(found)[0]


def test_changes_keep_comments_and_order(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\n[ui] # looks\ntheme = "dark" # at night\n\n[hub]\nmax_rate = 5\n', "utf-8")
    set_value(path, "ui", "theme", "light")
    set_value(path, "keys", "time.play", ("x", "ctrl+k"))
    assert path.read_text("utf-8").startswith(
        '# mine\n[ui] # looks\ntheme = "light" # at night\n\n[hub]\nmax_rate = 5\n'
    )
    found = read_file(path)
    assert not found.problems
    assert found.keys["time.play"].value == ("x", "ctrl+k")
    assert remove_value(path, "hub", "max_rate")
    assert not remove_value(path, "hub", "max_rate")
    assert "hub" not in path.read_text("utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.toml"]


def test_a_broken_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[ui\n", "utf-8")
    with pytest.raises(AmDbgError, match="is no TOML"):
        set_value(path, "ui", "theme", "light")
    assert path.read_text("utf-8") == "[ui\n"


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("", "utf-8")
    real.chmod(0o600)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    set_value(link, "ui", "mouse", False)
    assert link.is_symlink()
    assert real.read_text("utf-8") == "[ui]\nmouse = false\n"
    assert real.stat().st_mode & 0o777 == 0o600


def test_the_path_is_that_of_the_variable_or_in_the_folder_of_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config_path({"AM_DBG_CONFIG": "/x/y.toml"}) == Path("/x/y.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path({}).name == "config.toml"


words = st.text(alphabet=string.ascii_letters + string.digits + " äß\"'\\#[]=.,", max_size=12)
values = st.one_of(st.booleans(), st.integers(-3, 9), words, st.lists(words, max_size=2))


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*BY_KEY, "keys.time.play", "keys.x", "nothing.at_all"]), values, max_size=4))
def test_any_value_in_a_file_is_read_or_reported_never_raised(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("any") / "config.toml"
    for key, value in entries.items():
        table, _, name = key.partition(".")
        set_value(path, table, name, tuple(value) if isinstance(value, list) else value)  # type: ignore[arg-type]  # any
    found = Config(read_file(path), {})
    reported = {problem.message.partition(":")[0] for problem in found.problems}
    for key in entries:
        known = found.file.entries.get(key) or found.file.keys.get(key.removeprefix("keys."))
        assert (
            known is not None
            or key in reported
            or f"there is no setting '{key}'" in reported
            or (key.removeprefix("keys.") in reported)
        )
        if known is not None and known.line:
            assert key.partition(".")[2] in path.read_text("utf-8").splitlines()[known.line - 1]


@given(st.text(max_size=400))
def test_any_text_is_a_file_or_a_problem(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "text.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert isinstance(read_file(path).problems, tuple)


def test_values_are_shown_as_toml_spells_them() -> None:
    assert [shown(value) for value in (True, 5, "x", ("a", "b"))] == ["true", "5", '"x"', '["a", "b"]']
