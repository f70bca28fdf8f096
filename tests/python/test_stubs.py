# SPDX-License-Identifier: Apache-2.0
"""Stubs of servers and of the package itself: type checkers accept them and find mistakes."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import unity
from unity._stub_types import Translator
from unity._stubs import write_stubs

CLIENT = Path(unity.__file__).parents[1]
# A line with an error of every checker has the mark; no other line may have one.
MARK = "# wrong"
USE = """
from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Any, assert_type, cast

import unity

if TYPE_CHECKING:
    import mystubs
    from mystubs import Color, Counter, Vector
    from unity.builtin import Counter as BuiltinCounter
    from unity.builtin import Session as BuiltinSession


def count(counter: Counter) -> int:
    assert_type(counter.increment(3), int)
    assert_type(counter.increment.submit(by=3), unity.Call[int])
    assert_type(counter.increment.options(timeout_s=1)(by=3), int)
    counter.increment("three")  # wrong
    counter.increment(of=3)  # wrong
    counter.increment.submit("three")  # wrong
    counter.value = 5  # wrong
    counter.values  # wrong
    return counter.increment(by=3) + counter.value


def paint(color: Color) -> str:
    assert isinstance(color, enum.Enum)
    return color.name


async def later(session: mystubs.Session) -> int:
    calls = [session.types.Counter().increment.submit(by=n) for n in range(3)]
    return sum(await asyncio.gather(*calls))


def use(session: mystubs.Session) -> None:
    counter = session.types.Counter(start=3)
    assert_type(counter, "Counter")
    session.types.Counter("three")  # wrong
    session.types.Conter()  # wrong
    assert_type(count(counter), int)
    assert_type(session.toolkits.demo_addone(x=5), dict[str, Any])
    assert_type(session.toolkits.old.repeat("a", times=3), dict[str, Any])
    session.toolkits.old.repeat(3, time=3)  # wrong
    session.toolkits.old.repet("a")  # wrong
    assert_type(session.toolkits.typed.ints([1, 2]), list[int])
    assert_type(session.toolkits.typed.ints((1, 2)), list[int])
    session.toolkits.typed.ints(["a"])  # wrong
    assert_type(session.toolkits.typed.color("RED"), "Color")
    session.toolkits.typed.color(session.types.Color.GREEN)
    session.toolkits.typed.apply(lambda number, text: text * number, 3)
    assert_type(session.server.settings["log.level"], str)
    assert_type(session.server.settings["typed.maybe"], int | None)
    session.server.settings["crash.calls"] = 5
    session.server.settings["crash.calls"] = "five"  # wrong
    session.server.settings["server.version"] = "2"  # wrong
    session.server.settings["no.such"]  # wrong
    mapping = session.types.VariantMap(a=1)
    mapping["b"] = counter
    del mapping["a"]
    for key, value in mapping.items():
        print(key, value, len(mapping))
    assert_type(session.ping(), float)
    expose(session)


def expose(session: mystubs.Session) -> None:
    vector = session.types.Vector([1, 2])
    assert_type(session.types.Vector(3, fill=1.0), "Vector")
    session.types.Vector("three")  # wrong
    session.types.Vector.zeros(3)
    session.types.Vector.zeros("three")  # wrong
    assert_type(vector[0], float)
    vector[0] = 5.0
    assert_type(len(vector), int)
    vector += vector
    assert_type(vector, "Vector")
    print(1.0 in vector, vector == vector, [item for item in vector])
    assert_type(session.toolkits.text_of(5), str)
    session.toolkits.text_of("a", 3)
    session.toolkits.text_of(None)  # wrong
    circle = session.types.geometry.Circle(2.0)
    assert_type(circle.area(), float)
    assert_type(session.toolkits.geometry.twice(circle), float)
    session.toolkits.geometry.twice(vector)  # wrong
    try:
        session.toolkits.bank.pay(101)
    except unity.RemoteError as error:
        print(error)


def builtin(session: BuiltinSession) -> BuiltinCounter:
    session.types.Probe  # wrong
    return session.types.Counter()


with unity.launch(timeout_s=5, settings={"log.level": "debug"}) as launched:
    use(cast("mystubs.Session", launched))
    checked: mystubs.Session = launched
    also: BuiltinSession = launched
    unity.connect(5)  # wrong
    try:
        launched.run("demo_addone", {"x": 5})
    except unity.ToolkitError as error:
        print(error.where, error.kind)
    except unity.ServerCrashed as error:
        print(error.signal)
"""


@pytest.fixture(scope="module")
def folder(typed, tmp_path_factory):
    """A folder with the stubs of a server that has something of everything, and with USE."""
    folder = tmp_path_factory.mktemp("stubs")
    write_stubs(typed._connection.description, folder / "mystubs")
    (folder / "use.py").write_text(USE)
    return folder


def expected_lines():
    return {number for number, line in enumerate(USE.splitlines(), 1) if line.endswith(MARK)}


def test_mypy_accepts_the_stubs_and_finds_mistakes(folder):
    command = [sys.executable, "-m", "mypy", "--strict", "--output=json"]
    command += ["--cache-dir", folder / "cache", "use.py", "mystubs"]
    done = subprocess.run(
        command, cwd=folder, env={"MYPYPATH": str(CLIENT)}, capture_output=True, text=True
    )
    assert done.stderr == ""
    found = [json.loads(line) for line in done.stdout.splitlines()]
    errors = [one for one in found if one["severity"] == "error"]
    assert [one for one in errors if one["file"] != "use.py"] == []
    found_lines = {one["line"]: one["message"] for one in errors}
    assert sorted(found_lines) == sorted(expected_lines()), found_lines


def test_pyright_accepts_the_stubs_and_finds_mistakes(folder):
    # basedpyright is pyright with the program it runs on, so that it needs no download.
    config = {
        "typeCheckingMode": "standard",
        "reportUnusedExpression": False,
        "extraPaths": [str(CLIENT)],
        "include": ["use.py", "mystubs"],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    done = subprocess.run(
        [Path(sys.executable).with_name("basedpyright"), "--outputjson"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = [one for one in found if one["severity"] == "error"]
    assert [one for one in errors if not one["file"].endswith("use.py")] == []
    lines = {one["range"]["start"]["line"] + 1: one["message"] for one in errors}
    assert sorted(lines) == sorted(expected_lines()), lines


def test_the_example_of_the_documentation_has_the_error_that_it_shows(folder):
    page = (Path(__file__).parents[2] / "docs" / "command_line.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (folder / "example.py").write_text(example)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache"]
    environment = {"MYPYPATH": str(CLIENT)}
    done = subprocess.run(
        [*command, "example.py"], cwd=folder, env=environment, capture_output=True, text=True
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    (wrong,) = [n for n, text in enumerate(example.splitlines(), 1) if "# an error for" in text]
    assert [line.partition(": error: ")[0] for line in errors] == [f"example.py:{wrong}"]


def test_the_stubs_that_ship_are_those_of_the_server(tmp_path):
    with unity.launch() as session:
        written = write_stubs(session._connection.description, tmp_path / "builtin")
    for path in written:
        shipped = Path(unity.__file__).parent / "builtin" / path.name
        assert path.read_text() == shipped.read_text(), f"{shipped}: build the package anew"


def test_stubs_do_not_change_from_one_time_to_the_next(typed, tmp_path):
    description = typed._connection.description
    first = [path.read_text() for path in write_stubs(description, tmp_path / "one")]
    assert first == [path.read_text() for path in write_stubs(description, tmp_path / "two")]
    for text in first:
        ast.parse(text)


def test_stubs_name_everything(typed, tmp_path):
    session_stub, classes = (
        path.read_text() for path in write_stubs(typed._connection.description, tmp_path / "stubs")
    )
    server = typed.server
    for name in (*server.types, *server.enumerations, *server.exceptions):
        assert f"class {name.replace('.', '_')}(" in classes
    for name in (*server.toolkits, *server.functions):
        assert f"def {name.rpartition('.')[2]}(self" in session_stub
    for name in server.settings:
        assert f"_typing.Literal['{name}']" in session_stub


def test_a_folder_that_cannot_be_a_package_is_refused(typed, tmp_path):
    description = typed._connection.description
    with pytest.raises(ValueError, match="'my-stubs' cannot be the name of one"):
        write_stubs(description, tmp_path / "my-stubs")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as raised:
        write_stubs(description, tmp_path / "file" / "stubs")
    assert isinstance(raised.value, unity.Error)


@pytest.mark.parametrize(
    ("text", "parameter", "result"),
    [
        ("int", "_builtins.int", "_builtins.int"),
        ("", "_typing.Any", "_typing.Any"),
        ("object", "_builtins.object", "_typing.Any"),
        ("Thing | None", "_c.Thing | None", "_c.Thing | None"),
        ("a.Kind", "_c.a_Kind | _builtins.str", "_c.a_Kind"),
        ("tuple[()]", "_builtins.tuple[()]", "_builtins.tuple[()]"),
        ("ndarray[float64] | None", "_typing.Any", "_typing.Any"),
        (
            "dict[str, list[float]]",
            "_abc.Mapping[_builtins.str, _abc.Sequence[_builtins.float] | _typed.SupportsArray]",
            "_builtins.dict[_builtins.str, _builtins.list[_builtins.float]]",
        ),
        (
            "Callable[[bytes], None]",
            "_abc.Callable[[_builtins.bytes], None]",
            "_abc.Callable[[_typed.Bytes], None]",
        ),
        ("timedelta", "_datetime.timedelta", "_datetime.timedelta"),
        ("unity.DataFrame", "_typing.Any", "_unity.DataFrame"),
        ("unity.Graph | None", "_typing.Any", "_unity.Graph | None"),
        ("Unknown[int]", "_typing.Any", "_typing.Any"),
        ("no type at all", "_typing.Any", "_typing.Any"),
    ],
)
def test_types_are_spelt_for_checkers(text, parameter, result):
    translator = Translator({"Thing": "_c.Thing", "a.Kind": "_c.a_Kind"}, {"a.Kind"})
    assert translator.parameter(text) == parameter
    assert translator.result(text) == result


def package_stub():
    """Name -> node of what the package's own stub defines, or imports under its name."""
    path = Path(unity.__file__).with_name("__init__.pyi")
    names = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            names.update({one.name: node for one in node.names if one.asname == one.name})
    return names


def test_the_package_is_typed_with_all_its_names():
    assert Path(unity.__file__).with_name("py.typed").exists()
    stub = package_stub()
    assert set(unity.__all__) <= set(stub)


def parameters_of(node):
    arguments = node.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def test_the_types_of_the_package_are_those_of_its_functions():
    stub = package_stub()
    for name in ("launch", "connect"):
        real = inspect.signature(getattr(unity, name)).parameters.values()
        named = [one.name for one in real if one.kind is not inspect.Parameter.VAR_KEYWORD]
        assert parameters_of(stub[name]) == named
    methods = {node.name: node for node in stub["Session"].body if hasattr(node, "args")}
    public = {name for name in vars(unity.Session) if not name.startswith("_")}
    assert public == {name for name in methods if not name.startswith("_")}
    for name in public:
        real = vars(unity.Session)[name]
        if inspect.isfunction(real):
            assert parameters_of(methods[name]) == list(inspect.signature(real).parameters), name
