# SPDX-License-Identifier: Apache-2.0
"""C++ exceptions become Python exceptions: both unity's own and the built-in twin."""

import concurrent.futures
import copy
import pickle

import pytest

import unity
from unity import errors

# kind of diagnostics.fail -> class, and part of the C++ type's name.
THROWN = {
    "runtime_error": (unity.RemoteError, "runtime_error"),
    "logic_error": (unity.RemoteError, "logic_error"),
    "string": (unity.RemoteError, "string"),
    "char*": (unity.RemoteError, "char"),
    "int": (unity.RemoteError, "int"),
    "invalid_argument": (unity.InvalidArgument, "invalid_argument"),
    "domain_error": (unity.DomainError, "domain_error"),
    "out_of_range": (unity.OutOfRange, "out_of_range"),
    "bad_alloc": (unity.OutOfMemory, ""),
    "bad_cast": (unity.WrongType, ""),
    "overflow_error": (unity.Overflow, "overflow_error"),
    "ios_base::failure": (unity.InputOutputError, "failure"),
    "system_error": (unity.InputOutputError, "system_error"),
}

TWINS = {
    unity.RemoteError: RuntimeError,
    unity.ToolkitError: RuntimeError,
    unity.InvalidArgument: ValueError,
    unity.DomainError: ValueError,
    unity.OutOfRange: IndexError,
    unity.OutOfMemory: MemoryError,
    unity.WrongType: TypeError,
    unity.Overflow: OverflowError,
    unity.InputOutputError: OSError,
    unity.UnknownName: (LookupError, AttributeError),
    unity.UnknownKey: KeyError,
    unity.NotPermitted: PermissionError,
    unity.ConnectionLost: ConnectionError,
    unity.ServerCrashed: unity.ConnectionLost,
    unity.CallTimeout: TimeoutError,
    unity.Cancelled: concurrent.futures.CancelledError,
    unity.StaleReference: LookupError,
    unity.ForkedSession: unity.ConnectionLost,
    unity.TooLarge: ValueError,
    unity.ServerNotFound: (unity.LaunchError, FileNotFoundError),
    unity.ServerNotExecutable: (unity.LaunchError, PermissionError),
}


@pytest.mark.parametrize("kind", THROWN)
def test_each_exception_of_the_server(session, kind):
    cls, cpp_type = THROWN[kind]
    fail = session.toolkits.diagnostics.fail
    with pytest.raises(cls) as raised:
        fail(kind, "the téxt")
    error = raised.value
    assert type(error) is cls
    assert "téxt" in str(error) or kind == "int"
    assert cpp_type in error.thrown_type
    assert error.where == "diagnostics.fail"
    assert error.kind
    with pytest.raises(cls):
        fail.submit(kind, "the téxt").result()
    assert session.ping() > 0


@pytest.mark.parametrize("cls", TWINS, ids=lambda c: c.__name__)
def test_every_class_is_its_twin_too(cls):
    assert issubclass(cls, unity.Error)
    twins = TWINS[cls] if isinstance(TWINS[cls], tuple) else (TWINS[cls],)
    for twin in twins:
        assert issubclass(cls, twin)


def test_all_kinds_of_the_wire_have_a_class():
    for kind in range(21):
        for in_toolkit in (False, True):
            error = errors.from_fault(kind, "name", "text", in_toolkit, "f", "T", "", 0)
            assert isinstance(error, unity.Error)
            assert str(error) == "text" or isinstance(error, LookupError)
            assert (error.kind, error.where, error.thrown_type) == ("name", "f", "T")
    assert type(errors.from_fault(999, "later", "text", False, "", "", "", 0)) is unity.RemoteError


def test_errno_comes_along(session):
    with pytest.raises(OSError) as raised:
        session.toolkits.diagnostics.fail("system_error", "x")
    assert raised.value.errno == 5


@pytest.mark.parametrize("text", ["é" * 20_000, "two\nlines", "\U0001f600"])
def test_texts_of_any_script(session, text):
    with pytest.raises(unity.RemoteError) as raised:
        session.toolkits.diagnostics.fail("runtime_error", text)
    assert str(raised.value) == text


@pytest.mark.parametrize("size", [60_000, 600_000, 3_000_000, 70 << 20])
def test_a_text_of_any_size_arrives_whole(session, size):
    text = "é" * (size // 2 - 1) + "\0x"
    for kind in ("string", "cppipc::Error"):
        with pytest.raises(unity.RemoteError) as raised:
            session.toolkits.diagnostics.fail(kind, text)
        assert str(raised.value) == text
    with pytest.raises(unity.RemoteError) as raised:
        session.toolkits.diagnostics.fail.submit("runtime_error", text[:-2]).result(60)
    assert str(raised.value) == text[:-2]
    # what() says no more than what there is before a NUL.
    with pytest.raises(unity.RemoteError) as raised:
        session.toolkits.diagnostics.fail("runtime_error", text)
    assert str(raised.value) == text[:-2]


def test_the_text_of_a_toolkit_arrives_whole(session):
    text = "a\0b" * 1_000_000
    with pytest.raises(unity.ToolkitError) as raised:
        session.toolkits.diagnostics.fail("toolkit", text)
    assert str(raised.value) == text
    assert raised.value.where == "diagnostics.fail"


@pytest.mark.parametrize("count", [1, 1_000_000])
def test_a_text_that_is_not_utf8_is_shown_with_escapes(session, count):
    with pytest.raises(unity.RemoteError) as raised:
        session.toolkits.diagnostics.fail("string", b"\xff\xfe ok \xc3\xa9" * count)
    assert str(raised.value) == r"\xff\xfe ok é" * count


def test_a_callback_gets_a_large_text_too(session):
    call = session.toolkits.diagnostics.fail.submit("string", "x" * 3_000_000)
    done, _ = concurrent.futures.wait([call], 60)
    assert str(done.pop().exception()) == "x" * 3_000_000


def test_an_empty_text_tells_at_least_the_type(session):
    with pytest.raises(unity.RemoteError, match="runtime_error"):
        session.toolkits.diagnostics.fail("runtime_error", "")


def test_a_toolkit_that_fails_is_also_the_twin(session):
    with pytest.raises(unity.ToolkitError) as raised:
        session.toolkits.demo_addone(x="a")
    assert isinstance(raised.value, TypeError)
    assert isinstance(raised.value, unity.WrongType)
    assert "x" in str(raised.value) and "str" in str(raised.value)
    with pytest.raises(unity.ToolkitError) as raised:
        session.run("demo_addone", {"x": 2**63 - 1})
    assert isinstance(raised.value, OverflowError)


def test_a_function_that_is_no_toolkit_is_no_toolkit_error(session):
    with pytest.raises(ValueError) as raised:
        session.toolkits.diagnostics.fail("invalid_argument", "x")
    assert not isinstance(raised.value, unity.ToolkitError)


def test_methods_name_themselves(session):
    counter = session.types.Counter(2**63 - 1)
    with pytest.raises(OverflowError) as raised:
        counter.increment()
    assert raised.value.where == "Counter.increment"
    assert counter.value == 2**63 - 1


def test_wrong_types_name_parameter_expected_and_given(session):
    counter = session.types.Counter()
    for call in (lambda: counter.increment(by=2.0), lambda: counter.increment("3")):
        with pytest.raises(TypeError, match="by.*int"):
            call()
    with pytest.raises(TypeError, match="start.*int"):
        session.types.Counter(start=None)
    with pytest.raises(TypeError, match="Probe"):
        session.types.Probe().add_from(session.types.Counter())


def test_unknown_names_are_found_without_asking(session):
    calls = session.stats()["calls"]
    for look in (
        lambda: session.types.Nothing,
        lambda: session.toolkits.nothing,
        lambda: session.toolkits.diagnostics.nothing,
        lambda: session.run("nothing", {}),
    ):
        with pytest.raises(unity.UnknownName, match=r"[Nn]othing") as raised:
            look()
        assert isinstance(raised.value, LookupError)
    assert not hasattr(session.types, "Nothing")
    assert not hasattr(session.types.Counter(), "nothing")
    assert session.stats()["calls"] <= calls + 1


@pytest.mark.parametrize("kind", THROWN)
def test_errors_survive_pickling(session, kind):
    with pytest.raises(unity.Error) as raised:
        session.toolkits.diagnostics.fail(kind, "x")
    error = raised.value
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert again.args == error.args
        assert (again.kind, again.where, again.thrown_type) == (
            error.kind,
            error.where,
            error.thrown_type,
        )
        assert getattr(again, "errno", None) == getattr(error, "errno", None)


def test_every_error_class_is_exported():
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, unity.Error):
            assert getattr(unity, name) is value
            assert value.__doc__
