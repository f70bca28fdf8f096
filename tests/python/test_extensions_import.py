# SPDX-License-Identifier: Apache-2.0
"""`from unity.extensions import tally`."""

import doctest
import importlib
import os
import sys
from pathlib import Path

import pytest

import unity
import unity.extensions

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def launched(tallies):
    with unity.launch(extensions=[tallies.first]) as session:
        yield session


def test_an_extension_is_imported_as_a_module(launched):
    from unity.extensions import tally

    assert tally.version() == 1
    assert tally.Tally(2).add(3) == 5
    assert tally.Tally is launched.types.tally.Tally
    assert tally.__name__ == "unity.extensions.tally"
    assert tally.__doc__ == "Counts."
    assert dir(tally) == tally.__all__ == ["Tally", "crash", "overflow", "version"]
    assert launched.address in repr(tally)
    with pytest.raises(unity.UnknownName, match="versoin.*did you mean 'tally.version'"):
        tally.versoin  # noqa: B018
    assert not hasattr(tally, "__wrapped__")


def test_all_forms_of_import_give_the_module_of_the_session(launched):
    import unity.extensions.tally as by_as
    from unity.extensions import tally

    assert by_as is tally
    assert importlib.import_module("unity.extensions.tally") is tally
    assert unity.extensions.tally is tally
    assert launched.extensions.tally is tally
    assert launched.extensions["tally"] is tally
    names = {}
    exec("from unity.extensions.tally import *", names)
    assert names["version"]() == 1
    assert names["Tally"] is tally.Tally


def test_the_names_of_extensions_are_listed(launched):
    assert dir(launched.extensions) == ["tally"]
    assert "tally" in launched.extensions
    assert dir(unity.extensions) == ["tally"]


def test_an_import_takes_the_session_that_was_opened_last(launched, tallies):
    from unity.extensions import tally as first

    with unity.launch(extensions=[tallies.second]) as other, unity.launch() as bare:
        from unity.extensions import tally as second

        assert second is other.extensions.tally
        assert (first.version(), second.version()) == (1, 2)
        assert dir(bare.extensions) == []
    from unity.extensions import tally as third

    assert third is first


def test_a_module_stays_with_its_session_and_ends_with_it(tallies):
    with unity.launch(extensions=[tallies.first]):
        from unity.extensions import tally
    assert "closed" in repr(tally)
    assert "version" in dir(tally)
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        tally.version()
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        tally.Tally()


def test_a_module_shows_what_was_loaded_anew(launched, tallies):
    from unity.extensions import tally

    launched.load_extension(tallies.second)
    assert tally.version() == 2
    assert tally.Tally(3).reset() == 0
    from unity.extensions import tally as again

    assert again is tally
    assert tally.__file__ == str(tallies.second)


def test_without_a_session_the_import_says_what_to_do():
    with pytest.raises(ImportError, match=r"no open session; open one with unity.launch"):
        from unity.extensions import nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="no open session"):
        importlib.import_module("unity.extensions.nothing")


def test_an_unknown_extension_says_what_there_is(launched):
    with pytest.raises(ImportError, match="no extension 'taly'; did you mean 'tally'"):
        from unity.extensions import taly  # noqa: F401
    with pytest.raises(AttributeError, match="did you mean 'tally'"):
        unity.extensions.taly  # noqa: B018
    with pytest.raises(unity.UnknownName, match="did you mean 'tally'"):
        launched.extensions.taly  # noqa: B018


def test_the_page_about_extensions_shows_what_happens(tallies, monkeypatch, capsys):
    monkeypatch.chdir(tallies.square.parent)
    result = doctest.testfile(
        str(DOCS / "loading_extensions.md"),
        module_relative=False,
        globs={"unity": unity},
        optionflags=doctest.ELLIPSIS,
    )
    assert result.attempted > 10
    assert result.failed == 0, capsys.readouterr().out


def test_nothing_stays_in_the_tables_of_the_import_system(launched):
    from unity.extensions import tally  # noqa: F401

    assert not [name for name in sys.modules if name.startswith("unity.extensions.")]
    assert "tally" not in vars(unity.extensions)


def test_a_module_keeps_its_server_as_a_proxy_does(tallies, eventually):
    session = unity.launch(extensions=[tallies.first])
    from unity.extensions import tally

    pid = session.server_pid
    del session
    assert tally.version() == 1
    del tally

    def is_gone():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    eventually(is_gone)


def test_a_forked_child_imports_nothing_of_its_parent(run_script, tallies):
    out = run_script(
        """
        import os, sys, unity

        session = unity.launch(extensions=[sys.argv[1]])
        from unity.extensions import tally
        child = os.fork()
        if child == 0:
            try:
                tally.version()
            except unity.ForkedSession:
                print("forked", flush=True)
            try:
                from unity.extensions import tally
            except ImportError as error:
                print("no open session" in str(error), flush=True)
            with unity.launch(extensions=[sys.argv[1]]):
                from unity.extensions import tally
                print(tally.version(), flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(tally.version())
        session.close()
        """,
        tallies.first,
    )
    assert out == "forked\nTrue\n1\n1\n"
