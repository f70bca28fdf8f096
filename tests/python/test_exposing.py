# SPDX-License-Identifier: Apache-2.0
"""Registered types with all that they may have: bases, exceptions, overloads, displays."""

import copy
import gc
import inspect
import math
import pickle
import pydoc
import threading

import pytest

import unity


@pytest.fixture
def types(typed):
    return typed.types


@pytest.fixture
def silent(typed):
    """Asserts at the end that the test made no call to the server."""
    before = typed.stats()["calls"]
    yield typed
    assert typed.stats()["calls"] <= before + 1  # stats() itself may count


# -- bases ---------------------------------------------------------------------------------------


def test_a_type_that_derives_is_a_subclass(silent):
    Shape, Circle = silent.types.geometry.Shape, silent.types.geometry.Circle
    assert issubclass(Circle, Shape) and issubclass(Shape, unity.Proxy)
    assert Circle.__bases__ == (Shape,)
    assert "area" in dir(Circle) and "area" not in vars(Circle)
    assert Circle.area is Shape.area and Circle.kind is not Shape.kind
    with pytest.raises(TypeError, match="cannot be subclassed"):
        type("Mine", (Shape,), {})


def test_methods_are_inherited_and_overridden(types):
    circle = types.geometry.Circle(2)
    assert isinstance(circle, types.geometry.Shape)
    assert circle.area() == pytest.approx(4 * math.pi)
    assert circle.kind() == "circle"
    assert types.geometry.Shape.area(circle) == circle.area()
    assert types.geometry.Shape.kind(circle) == "circle"  # the server looks in the object's type
    assert "area(" in pydoc.render_doc(types.geometry.Circle, renderer=pydoc.plaintext)


def test_a_base_pointer_arrives_as_what_it_points_to(typed):
    unit = typed.toolkits.geometry.unit()
    assert type(unit) is typed.types.geometry.Circle
    assert unit.radius == 1
    assert typed.toolkits.geometry.twice(unit) == pytest.approx(2 * math.pi)


def test_a_method_of_a_derived_type_refuses_others(types):
    with pytest.raises(TypeError, match="no method of"):
        types.geometry.Circle.kind(types.Account("me"))


# -- exceptions ----------------------------------------------------------------------------------


def test_own_exceptions_are_classes_of_their_own(typed):
    Overdrawn = typed.types.bank.Overdrawn
    assert issubclass(Overdrawn, typed.types.AccountError)
    assert issubclass(typed.types.AccountError, unity.RemoteError)
    assert Overdrawn.__qualname__ == "bank.Overdrawn" and Overdrawn.__name__ == "Overdrawn"
    assert Overdrawn.__doc__ == "There is too little money."
    with pytest.raises(Overdrawn) as caught:
        typed.toolkits.bank.pay(150)
    error = caught.value
    assert str(error) == "there is 50.000000 too little"
    assert error.where == "bank.pay" and error.kind == "remote"
    assert error.exception_name == "bank.Overdrawn" and "Overdrawn" in error.thrown_type
    with pytest.raises(typed.types.AccountError) as caught:
        typed.toolkits.bank.pay(-1)
    assert not isinstance(caught.value, Overdrawn)


def test_own_exceptions_have_the_class_of_their_kind(typed):
    with pytest.raises(ValueError, match="closed since 2001") as caught:
        typed.toolkits.bank.pay(5000)
    assert type(caught.value) is typed.types.bank.Closed
    assert isinstance(caught.value, unity.InvalidArgument)
    assert not isinstance(caught.value, unity.ToolkitError)


def test_own_exceptions_in_a_toolkit_are_toolkit_errors_too(typed):
    with pytest.raises(typed.types.bank.Closed, match="1999") as caught:
        typed.run("bank.pay_all")
    assert isinstance(caught.value, unity.ToolkitError)
    assert isinstance(caught.value, ValueError)
    assert type(caught.value).__name__ == "Closed"
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)


def test_own_exceptions_come_out_of_submitted_calls(typed):
    error = typed.toolkits.bank.pay.submit(150).exception()
    assert type(error) is typed.types.bank.Overdrawn


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_own_exceptions_can_be_pickled(typed, protocol):
    try:
        typed.toolkits.bank.pay(150)
    except typed.types.AccountError as error:
        first = error
    again = pickle.loads(pickle.dumps(first, protocol))
    assert type(again) is typed.types.bank.Overdrawn
    assert (str(again), again.where, again.kind) == (str(first), first.where, first.kind)
    assert type(copy.copy(first)) is type(first)
    Overdrawn = typed.types.bank.Overdrawn
    assert pickle.loads(pickle.dumps(Overdrawn, protocol)) is Overdrawn


def test_sessions_share_exception_classes(typed, typed_server):
    with unity.launch(server_binary=typed_server, diagnostics=True) as other:
        assert other.types.bank.Overdrawn is typed.types.bank.Overdrawn
        with pytest.raises(typed.types.bank.Overdrawn):
            other.toolkits.bank.pay(150)


def test_own_exceptions_may_be_raised_here(typed):
    error = typed.types.bank.Closed("by hand")
    with pytest.raises(ValueError, match="by hand") as caught:
        typed.toolkits.diagnostics.call(_raising(error))
    assert caught.value is error


def _raising(error):
    def function(*args):
        raise error

    return function


# -- overloads -----------------------------------------------------------------------------------


def test_overloads_are_chosen_by_what_fits(typed):
    text_of = typed.toolkits.text_of
    assert text_of(1) == "int 1"  # the first takes an int too, but only by converting it
    assert text_of(1.5) == "float 1.500000"
    assert text_of("a") == "text a"
    assert text_of("a", times=3) == "text a times 3"


def test_arguments_that_fit_no_overload(typed):
    with pytest.raises(unity.WrongType) as caught:
        typed.toolkits.text_of([])
    lines = str(caught.value).splitlines()
    assert lines[0] == "text_of() does not take (list); it is one of"
    assert lines[1] == "  text_of(x: float): parameter 'x': expected float, got list"
    assert lines[4] == "  text_of(x: str, times: int): needs parameter 'times'"
    assert len(lines) == 5


def test_counts_and_names_that_fit_no_overload_are_refused_here(silent):
    for call in (
        lambda: silent.toolkits.text_of(),
        lambda: silent.toolkits.text_of(1, 2, 3),
        lambda: silent.toolkits.text_of(y=1),
        lambda: silent.types.Vector(1, 2, 3),
    ):
        with pytest.raises(unity.WrongType, match="does not take these arguments; it is one of"):
            call()


def test_overloads_are_described(silent):
    text_of = silent.toolkits.text_of
    assert all(isinstance(one, inspect.Signature) for one in text_of.__overloads__)
    assert [str(one) for one in text_of.__overloads__] == [
        "(x: 'float') -> 'str'",
        "(x: 'int') -> 'str'",
        "(x: 'str') -> 'str'",
        "(x: 'str', times: 'int') -> 'str'",
    ]
    assert str(inspect.signature(text_of)) == "(*args, **kwargs) -> 'str'"
    assert "text_of(x: 'float') -> 'str'\n    Of a number." in text_of.__doc__
    assert "Several times." in pydoc.render_doc(text_of, renderer=pydoc.plaintext)
    assert silent.toolkits.squares.__overloads__ == (inspect.signature(silent.toolkits.squares),)


def test_constructors_have_overloads(types):
    assert list(types.Vector([1, 2])) == [1, 2]
    assert list(types.Vector(2)) == [0, 0]
    assert list(types.Vector(fill=3, length=1)) == [3]
    assert len(types.Vector.__overloads__) == 2
    assert "That many times the same." in types.Vector.__doc__
    assert len(types.Account.__overloads__) == 1


# -- static methods ------------------------------------------------------------------------------


def test_static_methods_need_no_object(types, typed):
    assert list(types.Vector.zeros(2)) == [0, 0]
    assert list(types.Vector([1.0]).zeros(length=1)) == [0]
    assert types.Vector.zeros.__qualname__ == "Vector.zeros"
    assert str(inspect.signature(types.Vector.zeros)) == "(length: 'int') -> 'Vector'"
    assert "zeros(length" in pydoc.render_doc(types.Vector, renderer=pydoc.plaintext)
    assert list(types.Vector.zeros.submit(1).result(30)) == [0]
    with pytest.raises(TypeError, match="missing required argument: 'length'"):
        types.Vector.zeros()


def test_a_static_method_of_a_session_that_nobody_kept(typed_server):
    Vector = unity.launch(server_binary=typed_server).types.Vector
    gc.collect()
    with pytest.raises(unity.ConnectionLost, match="keep the session"):
        Vector.zeros(1)


# -- one for all ---------------------------------------------------------------------------------


def test_a_singleton_is_one_object(types, own_session):
    settings = types.Settings()
    assert types.Settings() is settings
    settings["color"] = "red"
    assert types.Settings()["color"] == "red"
    with pytest.raises(TypeError, match="no positional arguments"):
        types.Settings(1)


def test_threads_that_create_at_once_get_one_object(own_session):
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(own_session.types.Settings())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 8 and len(set(map(id, made))) == 1


def test_objects_of_a_session(typed, typed_server):
    with unity.launch(server_binary=typed_server, diagnostics=True) as session:
        with unity.connect(session.address) as other:
            session.types.Settings()["by"] = "one"
            assert other.types.Settings()["by"] == "one"
            assert other.types.Settings() == session.types.Settings()
            mine, theirs = session.types.Workspace(), other.types.Workspace()
            assert session.types.Workspace() is mine and mine != theirs
            with mine:
                pass
            assert mine.lines == ["begin", "end"] and theirs.lines == []


@pytest.fixture
def own_session(typed_server):
    with unity.launch(server_binary=typed_server) as session:
        yield session


# -- notebooks -----------------------------------------------------------------------------------

IPYTHON_LOOKS_FOR = (
    "_ipython_display_",
    "_ipython_canary_method_should_not_exist_",
    "_repr_mimebundle_",
    "_repr_png_",
    "_repr_latex_",
    "_ipython_key_completions_",
)


def test_jupyter_finds_registered_displays(types):
    assert types.Vector([1.0])._repr_html_() == "<b>1</b>"
    assert not hasattr(types.Account("me"), "_repr_html_")


def test_what_jupyter_looks_for_is_no_call_and_no_error(types, typed):
    account = types.Account("me")
    before = typed.stats()["calls"]
    for name in IPYTHON_LOOKS_FOR:
        for thing in (account, types, typed.toolkits, types.Account, account.deposit, typed):
            assert getattr(thing, name, None) is None
    assert repr(account).startswith("<Account ")
    assert {"deposit", "balance", "owner"} <= set(dir(account))
    assert typed.stats()["calls"] <= before + 1


def test_repr_is_no_call(types, typed):
    vector = types.Vector([1.0])
    before = typed.stats()["calls"]
    assert repr(vector).startswith("<Vector ")
    assert typed.stats()["calls"] <= before + 1
