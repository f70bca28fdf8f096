# SPDX-License-Identifier: Apache-2.0
"""`session.server.settings`: reading, writing, and what a server is started with."""

import datetime
import re
import signal
import subprocess
import threading
from collections.abc import MutableMapping

import numpy  # noqa: F401  (a toolkit returns arrays, and its threads stay)
import pytest

import unity
from conftest import SERVER


def run_server(*options, binary=SERVER, variables=None):
    """Starts a server that is to end at once; returns exit status and stderr."""
    done = subprocess.run(
        [binary, "--listen", "unix:@unity-never-reached", *options],
        env=variables or {},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.fixture
def settings(typed):
    return typed.server.settings


def test_settings_are_a_mapping(settings):
    assert isinstance(settings, MutableMapping)
    assert "typed.text" in settings and "typed.nothing" not in settings and 5 not in settings
    assert len(settings) == len(list(settings)) == len(set(settings))
    assert list(settings) == sorted(settings)
    assert settings.get("typed.nothing") is None
    assert settings.get("typed.constant") == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "zwei ü"),
        ("whole", -(2**40)),
        ("real", 2.5),
        ("flag", True),
        ("numbers", [3, 4, 5]),
        ("texts", ["a", ""]),
        ("maybe", 3),
        ("maybe", None),
    ],
)
def test_a_setting_is_what_it_was_set_to(settings, name, value):
    settings[f"typed.{name}"] = value
    assert settings[f"typed.{name}"] == value
    assert type(settings[f"typed.{name}"]) is type(value)


def test_another_session_sees_it(typed):
    typed.server.settings["typed.text"] = "for all"
    with unity.connect(typed.address) as other:
        assert other.server.settings["typed.text"] == "for all"
        other.server.settings["typed.text"] = "back"
    assert typed.server.settings["typed.text"] == "back"


def test_wrong_values_are_refused_and_name_the_setting(settings):
    settings["typed.whole"] = 5
    for value, cls in (("x", TypeError), (2**70, OverflowError), (1.5, TypeError)):
        with pytest.raises(cls) as raised:
            settings["typed.whole"] = value
        assert isinstance(raised.value, unity.Error)
    with pytest.raises(TypeError, match=r"setting 'typed.whole': expected int, got str"):
        settings["typed.whole"] = "x"
    with pytest.raises(OverflowError, match="setting 'typed.small'"):
        settings["typed.small"] = 300
    with pytest.raises(unity.DomainError, match="setting 'typed.even': must be even"):
        settings["typed.even"] = 3
    assert settings["typed.whole"] == 5


def test_an_error_of_the_getter_names_the_setting(settings):
    with pytest.raises(unity.RemoteError, match="setting 'typed.broken': out of order"):
        settings["typed.broken"]


def test_a_read_only_setting_refuses(settings):
    for name in ("typed.constant", "server.version", "typed.start"):
        before = settings[name]
        with pytest.raises(TypeError, match=f"setting '{name}' is read-only") as raised:
            settings[name] = before
        assert isinstance(raised.value, unity.WrongType)
        assert settings[name] == before


def test_the_server_itself_refuses_to_write_a_read_only_setting(typed):
    # As a client in another language may try it.
    from unity import _core
    from unity._settings import _WRITE

    write = _core.bind(_WRITE, typed._connection)
    with pytest.raises(unity.WrongType, match="setting 'typed.constant' is read-only"):
        write("typed.constant", 8)
    with pytest.raises(unity.WrongType, match="while the server runs; give it at the start"):
        write("typed.start", "x")
    with pytest.raises(unity.UnknownKey, match="the server has no setting 'typed.nothing'"):
        write("typed.nothing", 8)


def test_settings_cannot_be_deleted(settings):
    before = len(settings)
    for delete in (
        lambda: settings.__delitem__("typed.text"),
        lambda: settings.pop("typed.text"),
        settings.popitem,
        settings.clear,
    ):
        with pytest.raises(TypeError, match="cannot be deleted"):
            delete()
    assert len(settings) == before


def test_an_unknown_setting_is_a_key_error_with_a_hint(settings):
    with pytest.raises(
        KeyError, match="no setting 'typed.texd'; did you mean 'typed.tex"
    ) as raised:
        settings["typed.texd"]
    assert isinstance(raised.value, unity.Error)
    with pytest.raises(KeyError):
        settings["typed.texd"] = 5
    with pytest.raises(KeyError):
        del settings["typed.texd"]
    with pytest.raises(KeyError, match="names are str"):
        settings[5]


def test_what_is_known_needs_no_server(typed_server):
    with unity.launch(server_binary=typed_server) as session:
        settings = session.server.settings
    assert "typed.text" in settings and "typed.text" in repr(settings) and len(settings) > 5
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        settings["typed.text"]
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        settings["typed.text"] = "x"


def test_settings_run_one_at_a_time(typed):
    with unity.connect(typed.address) as other:
        seen = []

        def read(session, name):
            for _ in range(20):
                seen.append(session.server.settings[name])

        threads = [
            threading.Thread(target=read, args=(session, name))
            for session in (typed, other)
            for name in ("typed.crossed", "typed.crossing")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [1] * 80


def test_settings_belong_to_one_server(typed, typed_server):
    typed.server.settings["typed.text"] = "here"
    with unity.launch(server_binary=typed_server) as other:
        assert other.server.settings["typed.text"] == "one"
        assert other.server.settings != typed.server.settings
    assert typed.server.settings == typed.server.settings


def test_the_server_tells_of_itself(private):
    settings = private.server.settings
    assert settings["server.version"] == private.server.version == private.server_version
    age = datetime.datetime.now(datetime.UTC) - settings["server.start_time"]
    assert datetime.timedelta(0) <= age < datetime.timedelta(hours=2)
    assert settings["server.worker_threads"] == 256
    assert settings["server.addresses"] == [private.address]


def test_the_log_level_changes_while_the_server_runs(tmp_path):
    log = tmp_path / "server.log"

    def logged_of_a_session(session):
        """What the server logs of the beginning of another session."""
        size = len(log.read_text())
        with unity.connect(session.address) as other:
            other.ping()
        return "began" in log.read_text()[size:]

    with unity.launch(log_file=log) as session:
        settings = session.server.settings
        assert settings["log.level"] == "info"
        assert logged_of_a_session(session)
        settings["log.level"] = "Error"
        assert settings["log.level"] == "error"
        assert not logged_of_a_session(session)
        with pytest.raises(ValueError, match="setting 'log.level': must be debug, info"):
            settings["log.level"] = "loud"
        assert settings["log.level"] == "error"
        settings["log.level"] = "info"
        assert logged_of_a_session(session)


@pytest.mark.parametrize(("calls", "listed"), [(0, 0), (1, 1), (8, 8)])
def test_the_report_of_a_crash_lists_as_many_calls_as_are_wanted(calls, listed):
    with unity.launch(diagnostics=True, settings={"crash.calls": calls}) as session:
        assert session.server.settings["crash.calls"] == calls
        for _ in range(20):
            session.toolkits.diagnostics.echo(1)
        with pytest.raises(unity.ServerCrashed) as raised:
            session.toolkits.diagnostics.crash(int(signal.SIGABRT))
    lines = [line for line in raised.value.last_lines if "(session " in line]
    assert len(lines) == listed


def test_a_toolkit_has_a_setting(private):
    settings = private.server.settings
    before = settings["pagerank.links_max"]
    settings["pagerank.links_max"] = 2
    try:
        assert len(private.toolkits.pagerank([1, 2], [2, 1])["scores"]) == 2
        with pytest.raises(unity.ToolkitError, match="'pagerank.links_max' is 2"):
            private.toolkits.pagerank([1, 2, 3], [2, 1, 1])
        with pytest.raises(ValueError, match="must be at least 1, not 0"):
            settings["pagerank.links_max"] = 0
    finally:
        settings["pagerank.links_max"] = before


def test_pagerank_computes_on_as_many_threads_as_its_setting_says(private):
    settings = private.server.settings
    before = settings["pagerank.threads"]
    assert 1 <= before <= 1024
    for count in (1, 3):
        settings["pagerank.threads"] = count
        assert len(private.toolkits.pagerank([1, 2], [2, 1])["scores"]) == 2
    for wrong in (0, 1025):
        with pytest.raises(ValueError, match=f"must be in 1 to 1024, not {wrong}"):
            settings["pagerank.threads"] = wrong
    settings["pagerank.threads"] = before


STARTED = {
    "typed.text": "with = and , inside",
    "typed.whole": -3,
    "typed.real": 2,
    "typed.flag": True,
    "typed.numbers": [7, 8, 9],
    "typed.texts": ["5", "b"],
    "typed.maybe": 4,
    "typed.start": "given",
}


def test_a_server_is_launched_with_settings(typed_server):
    with unity.launch(server_binary=typed_server, settings=STARTED) as session:
        assert {name: session.server.settings[name] for name in STARTED} == STARTED
    with unity.launch(server_binary=typed_server, settings={"typed.maybe": None}) as session:
        assert session.server.settings["typed.maybe"] is None


def test_launch_refuses_values_that_have_no_text(typed_server):
    for value, cls in (({1: 2}, TypeError), (b"x", TypeError), (["a,b"], ValueError)):
        with pytest.raises(cls, match="setting 'typed.text'") as raised:
            unity.launch(server_binary=typed_server, settings={"typed.text": value})
        assert isinstance(raised.value, unity.Error)


def test_the_environment_gives_settings_and_options_win(typed_server, monkeypatch):
    monkeypatch.setenv("UNITY_SETTING_TYPED_WHOLE", "11")
    monkeypatch.setenv("UNITY_SETTING_TYPED_REAL", "not read, since the option wins")
    with unity.launch(server_binary=typed_server, settings={"typed.real": 3.5}) as session:
        settings = session.server.settings
        assert (settings["typed.whole"], settings["typed.real"]) == (11, 3.5)


def test_the_last_option_wins(typed_server):
    options = {"set": ["typed.whole=1", "typed.whole=2"]}
    with unity.launch(server_binary=typed_server, **options) as session:
        assert session.server.settings["typed.whole"] == 2


@pytest.mark.parametrize(
    ("options", "variables", "text"),
    [
        (["--set", "nothing=1"], {}, "--set: the server has no setting 'nothing'"),
        (["--set", "crash.calls=x"], {}, "--set: setting 'crash.calls': expected int, got the te"),
        (["--set", "crash.calls=99"], {}, "setting 'crash.calls': must be between 0 and 32"),
        (["--set", "server.version=2"], {}, "--set: setting 'server.version' is read-only"),
        ([], {"UNITY_SETTING_NOTHING": "1"}, "$UNITY_SETTING_NOTHING: the server has no setting"),
        ([], {"UNITY_SETTING_CRASH_CALLS": "x"}, "$UNITY_SETTING_CRASH_CALLS: setting 'crash.cal"),
        ([], {"UNITY_SETTING_LOG_LEVEL": "x"}, "setting 'log.level': must be debug"),
    ],
)
def test_a_bad_setting_ends_the_start(options, variables, text):
    status, error = run_server(*options, variables=variables)
    assert status == 1
    assert text in error


@pytest.mark.parametrize("text", ["log.level", "=5", ""])
def test_an_option_that_is_no_setting_is_a_mistake_of_the_command_line(text):
    status, error = run_server("--set", text)
    assert status == 2
    assert "NAME=VALUE" in error or "--set" in error


def test_launch_says_which_setting_was_wrong():
    with pytest.raises(unity.LaunchError, match="the server has no setting 'nothing'"):
        unity.launch(settings={"nothing": 1})


def test_the_example_of_the_help_is_right():
    text = subprocess.run([SERVER, "--help"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"--set NAME=VALUE", text)
    with unity.launch(set="log.level=debug") as session:
        assert session.server.settings["log.level"] == "debug"
