# SPDX-License-Identifier: Apache-2.0
"""`session.server`: what it says of the server, without asking it."""

import inspect
import pickle

import pytest

import unity


def test_lists_are_sorted_tuples_of_what_there_is(session):
    server = session.server
    assert "Counter" in server.types and "Counter" not in server.functions
    assert "demo_addone" in server.toolkits and "demo_addone" not in server.functions
    assert "array_stats" in server.functions and "array_stats" not in server.toolkits
    for names in (server.types, server.toolkits, server.functions, server.enumerations):
        assert isinstance(names, tuple) and list(names) == sorted(set(names))
    assert {*server.toolkits, *server.functions} == {
        name for name in (*server.toolkits, *server.functions) if session.toolkits[name]
    }


def test_version_and_process(session):
    assert session.server.version == session.server_version == unity.__version__
    assert session.server.pid == session.server_pid


def test_a_type_is_described(session):
    described = session.server.describe("Counter")
    assert (described.kind, described.name) == ("type", "Counter")
    assert described.doc == session.types.Counter.__doc__
    assert described.signature == inspect.signature(session.types.Counter)
    assert list(described.parameters) == ["start"]
    assert set(described.methods) == {"increment"}
    assert described.methods["increment"].parameters["by"].default == 1
    assert described.properties["value"].type == "int"
    assert not described.properties["value"].is_writable
    assert str(described).splitlines()[0] == "type Counter(start: int = 0) -> Counter"
    assert "    method Counter.increment(by: int = 1) -> int" in repr(described)
    assert "    property Counter.value: int (read-only)" in repr(described)


def test_members_are_described_by_their_whole_name(session):
    method = session.server.describe("Counter.increment")
    assert (method.kind, method.name) == ("method", "Counter.increment")
    assert method == session.server.describe("Counter").methods["increment"]
    assert session.server.describe("Counter.value").kind == "property"


def test_toolkits_and_functions_are_described(session):
    toolkit = session.server.describe("demo_addone")
    assert toolkit.kind == "toolkit"
    assert repr(toolkit).startswith("toolkit demo_addone(x")
    assert "Returns x + 1" in toolkit.doc
    assert session.server.describe("array_stats").kind == "function"
    nested = session.server.describe("diagnostics.echo")
    assert nested.signature == inspect.signature(session.toolkits.diagnostics.echo)


def test_enumerations_are_described(typed):
    described = typed.server.describe("Color")
    assert described.kind == "enumeration"
    assert dict(described.members) == {"RED": 1, "GREEN": 2, "BLUE": 4}
    assert "    GREEN = 2" in repr(described)
    assert "Color" in typed.server.enumerations
    assert not described.parameters


def test_settings_are_described(session):
    described = session.server.describe("log.level")
    assert (described.kind, described.type, described.is_writable) == ("setting", "str", True)
    assert repr(described).startswith("setting log.level: str\n    From which level on")
    assert not session.server.describe("server.version").is_writable


def test_a_type_that_cannot_be_made_has_no_signature():
    from unity._described import described
    from unity._description import Description
    from unity._descriptions import TypeDescription

    types = {"Shape": TypeDescription("Shape", "A shape.", None, {})}
    shape = described(Description("0.1.0", types, {}, {}, {}, {}, {}), "Shape")
    assert shape.signature is None and not shape.parameters
    assert repr(shape).splitlines() == ["type Shape", "    A shape."]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("counter", "Counter"),
        ("demo_addon", "demo_addone"),
        ("Counter.incremen", "Counter.increment"),
        ("log.levle", "log.level"),
    ],
)
def test_an_unknown_name_says_what_may_have_been_meant(session, name, meant):
    with pytest.raises(unity.UnknownName, match=f"did you mean '{meant}'") as raised:
        session.server.describe(name)
    assert isinstance(raised.value, (LookupError, AttributeError))


def test_what_is_no_name_is_refused(session):
    with pytest.raises(TypeError, match="names of a server are str, not 'int'"):
        session.server.describe(5)


def test_it_is_there_after_the_end_of_the_session():
    with unity.launch() as session:
        server = session.server
        assert "live" in repr(server)
    assert server.describe("Counter").kind == "type"
    assert "Counter" in server.types
    assert "closed" in repr(server)


def test_everything_a_server_has_can_be_described(typed):
    server = typed.server
    names = (*server.types, *server.enumerations, *server.toolkits, *server.functions)
    for name in (*names, *server.settings):
        described = server.describe(name)
        assert described.name == name
        assert name in repr(described)


def test_it_compares_by_session_and_cannot_be_pickled(session):
    assert session.server == session.server
    assert hash(session.server) == hash(session.server)
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        pickle.dumps(session.server)
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        pickle.dumps(session.server.settings)


def test_inherited_members_and_bases_are_described(typed):
    circle = typed.server.describe("geometry.Circle")
    assert circle.bases == ("geometry.Shape",)
    assert set(circle.methods) == {"area", "kind"} and set(circle.properties) == {"radius"}
    assert typed.server.describe("geometry.Circle.area").kind == "method"


def test_overloads_and_static_methods_are_described(typed):
    overloaded = typed.server.describe("text_of")
    assert len(overloaded.signatures) == 4
    assert repr(overloaded).startswith("function text_of, 4 overloads\n")
    assert "Several times." in repr(overloaded)
    vector = typed.server.describe("Vector")
    assert len(vector.signatures) == 2
    assert vector.methods["zeros"].kind == "static method"
    assert "    static method Vector.zeros(length: int) -> " in repr(vector)


def test_exceptions_are_described(typed):
    assert typed.server.exceptions == ("AccountError", "bank.Closed", "bank.Overdrawn")
    described = typed.server.describe("bank.Overdrawn")
    assert described.kind == "exception"
    assert repr(described).splitlines()[0].startswith("exception bank.Overdrawn (")
    assert "too little money" in repr(described)
