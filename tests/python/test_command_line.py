# SPDX-License-Identifier: Apache-2.0
"""`python -m unity`, as a shell sees it."""

import re
from pathlib import Path

import pytest

import unity
from commands import unity_command
from unity._cli import main


@pytest.fixture
def address(shared):
    return shared.address


def test_it_shows_what_a_server_offers(address):
    status, out, err = unity_command("describe", address)
    assert (status, err) == (0, "")
    assert out.startswith(f"server {unity.__version__} at {address}\n")
    assert "type Counter(start: int = 0) -> Counter\n    An integer counter.\n" in out
    assert "toolkit demo_addone" in out and "function diagnostics.echo" in out
    assert "setting log.level: str" in out


def test_it_shows_what_a_name_is(address):
    status, out, err = unity_command("describe", address, "Counter")
    assert (status, err) == (0, "")
    assert "    method Counter.increment(by: int = 1) -> int\n" in out


def test_without_an_address_it_asks_a_server_of_its_own():
    status, out, err = unity_command("describe")
    assert (status, err) == (0, "")
    assert "Counter" in out and "diagnostics" not in out
    status, out, err = unity_command("describe", "Counter.increment")
    assert (status, err) == (0, "")
    assert out.startswith("method Counter.increment")


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["demo_addone", "x=5"], "{'x': 6}"),
        (["demo_addone", "x=1.5"], "{'x': 2.5}"),
        (["diagnostics.echo", "x=text"], "'text'"),
        (["diagnostics.echo", "x='5'"], "'5'"),
        (["diagnostics.echo", "x=[1, (2, None), {'a': True}]"], "[1, (2, None), {'a': True}]"),
        (["diagnostics.echo", "x=a=b"], "'a=b'"),
        (["diagnostics.echo", "x="], "''"),
        (["diagnostics.echo", "x=__import__('os')"], "\"__import__('os')\""),
    ],
)
def test_it_calls(address, arguments, printed):
    assert unity_command("call", address, *arguments) == (0, f"{printed}\n", "")


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["demo_addone", "x=a"], 1, "Error: ToolkitWrongType: demo_addone: x must be int or float"),
        (["demo_addon", "x=1"], 1, "Error: UnknownName: the server has no toolkit or function"),
        (["demo_addone", "y=1"], 1, "Error: WrongType: demo_addone() got an unexpected keyword"),
        (["diagnostics.fail", "kind=runtime_error", "text=a\nb"], 1, "Error: RemoteError: a b"),
        (["demo_addone", "5"], 2, "arguments are KEY=VALUE, and '5' is not"),
    ],
)
def test_errors_are_one_line_and_a_status(address, arguments, status, text):
    found, out, err = unity_command("call", address, *arguments)
    assert (found, out) == (status, "")
    assert text in err
    assert "Traceback" not in err
    assert status == 2 or len(err.splitlines()) == 1


def test_a_server_that_is_not_there_is_one_line_too(tmp_path):
    status, out, err = unity_command("describe", f"unix:{tmp_path}/none.sock")
    assert (status, out) == (1, "")
    assert err.startswith("Error: ConnectionLost: ") and len(err.splitlines()) == 1
    status, out, err = unity_command("describe", "nonsense:5")
    assert status == 1 and err.startswith("Error: InvalidArgument: ")


def test_a_wrong_command_line_has_status_2():
    for arguments in (["nothing"], ["call"], ["stubs"], ["describe", "a:b", "c", "d"]):
        status, out, err = unity_command(*arguments)
        assert status == 2 and "Usage: " in err and out == ""


def test_it_writes_stubs(address, tmp_path):
    status, out, err = unity_command("stubs", address, "-o", tmp_path / "mystubs")
    assert (status, err) == (0, "")
    assert out.split() == [
        str(tmp_path / "mystubs" / name) for name in ("__init__.pyi", "_classes.pyi")
    ]
    assert "class Counter(" in (tmp_path / "mystubs" / "_classes.pyi").read_text()
    status, out, err = unity_command("stubs", address, "-o", tmp_path / "my-stubs")
    assert status == 1 and "cannot be the name of one" in err


def test_version_and_help():
    assert unity_command("--version")[1].strip() == f"unity, version {unity.__version__}"
    out = unity_command("--help")[1]
    for name in ("serve", "describe", "call", "top", "doctor", "stubs", "build", "flags"):
        assert f"  {name} " in out


def test_every_command_is_documented():
    page = (Path(__file__).resolve().parents[2] / "docs" / "command_line.md").read_text()
    documented = re.findall(r"^\| `(\w+)(?: [^`]*)?` \|", page, re.MULTILINE)
    assert sorted(documented) == sorted(main.commands)


def test_the_package_itself_does_not_need_what_its_commands_need(run_script):
    code = """
        import sys
        import unity
        with unity.launch() as session:
            repr(session.server.describe("Counter"))
        print([name for name in ("click", "rich", "tqdm") if name in sys.modules])
    """
    assert run_script(code) == "[]\n"


def test_it_builds_extensions(tmp_path):
    source = tmp_path / "tiny.cpp"
    source.write_text(
        '#include <cppipc/extension.h>\n'
        'CPPIPC_EXTENSION(tiny, m) { m.function("one", [] { return 1; }); }\n'
    )  # fmt: skip
    library = tmp_path / "tiny.so"
    status, out, err = unity_command("build", source, "-o", library)
    assert (status, out, err) == (0, f"{library}\n", "")
    with unity.launch(extensions=[library]) as session:
        assert session.toolkits.tiny.one() == 1
    status, out, err = unity_command("flags")
    assert (status, err) == (0, "")
    assert "-shared" in out.split()


def test_sources_that_are_missing_or_do_not_compile_are_one_error(tmp_path):
    status, out, err = unity_command("build", tmp_path / "nothing.cpp")
    assert (status, out) == (1, "")
    assert err.startswith("Error: there is no source ")
    source = tmp_path / "broken.cpp"
    source.write_text("int main( {\n")
    status, out, err = unity_command("build", source)
    assert (status, out) == (1, "")
    assert "Traceback" not in err and "broken.cpp" in err
