# SPDX-License-Identifier: Apache-2.0
"""Types are classes and functions are functions: signatures, help, repr, completion."""

import inspect
import pydoc

import pytest

import unity


@pytest.fixture
def silent(private):
    """Asserts at the end that the test made no call to the server but those it counts."""
    before = private.stats()["calls"]
    yield private
    assert private.stats()["calls"] <= before + 1  # stats() itself may count


def test_names_are_listed(silent):
    assert {"Counter", "Holder", "Probe"} <= set(dir(silent.types))
    assert {"demo_addone", "pagerank", "diagnostics"} <= set(dir(silent.toolkits))
    assert {"echo", "pair", "fail"} <= set(dir(silent.toolkits.diagnostics))
    assert not [name for name in dir(silent.types) if name.startswith("_")]
    assert silent.toolkits["diagnostics.echo"] == silent.toolkits.diagnostics.echo
    assert "Counter" in silent.types and "Nothing" not in silent.types
    assert list(silent.types) == dir(silent.types)
    assert "Counter" in repr(silent.types)


def test_types_are_classes(silent):
    Counter = silent.types.Counter
    assert silent.types.Counter is Counter
    assert isinstance(Counter, type) and issubclass(Counter, unity.Proxy)
    assert Counter.__name__ == Counter.__qualname__ == "Counter"
    assert Counter.__doc__
    assert list(inspect.signature(Counter).parameters) == ["start"]
    assert inspect.signature(Counter).parameters["start"].default == 0
    assert "Counter" in repr(Counter) and silent.address in repr(Counter)


def test_methods_have_signatures_and_help(silent):
    Counter = silent.types.Counter
    signature = inspect.signature(Counter.increment)
    assert list(signature.parameters) == ["self", "by"]
    assert signature.parameters["by"].default == 1
    assert signature.return_annotation == "int"
    assert Counter.increment.__name__ == "increment"
    assert Counter.increment.__qualname__ == "Counter.increment"
    assert Counter.increment.__doc__
    text = pydoc.render_doc(Counter, renderer=pydoc.plaintext)
    for word in ("increment(self", "by", "value", Counter.increment.__doc__.split("\n")[0][:20]):
        assert word in text


def test_a_class_whose_session_nobody_kept_says_what_to_do():
    with pytest.raises(unity.ConnectionLost, match="session closed.*keep the session in a varia"):
        unity.launch().types.Counter()


def test_bound_methods(private):
    counter = private.types.Counter()
    increment = counter.increment
    assert increment.__self__ is counter
    assert increment.__name__ == "increment"
    assert increment.__qualname__ == "Counter.increment"
    assert list(inspect.signature(increment).parameters) == ["by"]
    assert "Counter.increment" in repr(increment) and "live" in repr(increment)
    assert increment == counter.increment and hash(increment) == hash(counter.increment)
    assert increment != private.types.Counter().increment
    assert increment != increment.options(timeout_s=1)
    assert "1 s" in repr(increment.options(timeout_s=1))
    assert callable(increment)


def test_toolkits_are_functions(silent):
    addone = silent.toolkits.demo_addone
    assert addone.__name__ == addone.__qualname__ == "demo_addone"
    assert addone.__doc__
    assert "demo_addone" in repr(addone) and silent.address in repr(addone)
    assert silent.toolkits.diagnostics.echo.__name__ == "echo"
    assert silent.toolkits.diagnostics.echo.__qualname__ == "diagnostics.echo"
    assert "sources" in inspect.signature(silent.toolkits.pagerank).parameters
    with pytest.raises(AttributeError):
        addone.__self__  # noqa: B018


def test_proxies_show_their_state_and_complete(private):
    counter = private.types.Counter()
    calls = private.stats()["calls"]
    short_id = repr(counter).split()[1]
    assert len(short_id) == 8 and int(short_id, 16) >= 0
    assert repr(counter) == f"<Counter {short_id} on {private.address}, live>"
    assert short_id not in repr(private.types.Counter())
    assert {"increment", "value"} <= set(dir(counter))
    assert counter.__class__ is private.types.Counter
    assert isinstance(counter, private.types.Counter)
    assert not isinstance(counter, private.types.Probe)
    assert type(private.types.Counter.value).__name__ == "Property"
    assert private.types.Counter.value.__doc__
    assert private.stats()["calls"] <= calls + 1


def test_methods_of_another_class_are_refused(private):
    with pytest.raises(TypeError, match="no method"):
        private.types.Counter.increment(private.types.Probe())
    for call in (
        lambda: private.types.Counter.increment(),
        lambda: private.types.Counter.increment(3),
    ):
        with pytest.raises(TypeError, match="first argument"):
            call()


def test_sessions_have_classes_of_their_own(shared):
    with shared.connect() as one, shared.connect() as two:
        assert one.types.Probe is not two.types.Probe
        assert one._connection.description is two._connection.description


def test_what_a_session_tells(private, shared):
    assert private.transport == "unix" and not private.closed
    assert private.server_pid > 0
    assert "live" in repr(private) and private.address in repr(private)
    assert private.server_version
    assert 0 < private.ping() < 30
    stats = private.stats()
    for name in (
        "live_objects",
        "sessions",
        "calls",
        "bytes_inline",
        "bytes_copied",
        "bytes_held",
        "fds",
    ):
        assert isinstance(stats[name], int), name
    with shared.connect() as session:
        assert session.address == shared.address
        assert session.server_pid == shared.process.pid


def test_a_session_is_a_context_manager(shared):
    with shared.connect() as session:
        assert not session.closed
    assert session.closed
    with pytest.raises(ZeroDivisionError), shared.connect() as session:
        raise ZeroDivisionError
    assert session.closed


def test_help_shows_the_signature_of_functions_and_methods(session):
    counter = session.types.Counter()
    for function, line in (
        (counter.increment, "increment(by: 'int' = 1) -> 'int'\n    Adds `by`"),
        (type(counter).increment, "increment(self, /, by: 'int' = 1) -> 'int'\n    Adds `by`"),
        (session.toolkits.pagerank, "pagerank(sources: 'list[int] | None' = None, targets: "),
    ):
        text = pydoc.render_doc(function, renderer=pydoc.plaintext)
        assert f"\n\n{line}" in text
        assert inspect.isroutine(function)


def test_the_call_of_a_function_is_an_attribute_too(session):
    counter = session.types.Counter()
    assert counter.increment.__call__(3) == 3
    assert type(counter).increment.__call__(counter, by=4) == 7
    assert session.toolkits.demo_addone.__call__(x=1) == {"x": 2}

    class Holder:
        addone = session.toolkits.demo_addone  # does not take the holder, as no built-in does

    assert Holder().addone(x=1) == Holder.addone(x=1) == {"x": 2}


def test_functions_are_told_from_toolkits(session):
    assert repr(session.toolkits.diagnostics.echo).startswith("<function diagnostics.echo on ")
    assert repr(session.toolkits.demo_addone).startswith("<toolkit demo_addone on ")


@pytest.mark.parametrize("timeout_s", [True, "5", b"5", [1], object()])
def test_timeouts_are_numbers(session, timeout_s):
    with pytest.raises(TypeError, match="timeout_s must be a number of seconds or None, not"):
        session.types.Counter().increment.options(timeout_s=timeout_s)
