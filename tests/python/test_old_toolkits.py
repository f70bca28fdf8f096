# SPDX-License-Identifier: Apache-2.0
"""Toolkits in the form of an invocation and a response: examples/old_toolkits."""

import inspect

import pytest

import unity


@pytest.fixture
def old(typed):
    return typed.toolkits.old


def test_the_seeds_toolkit_runs_with_a_map(typed):
    assert typed.run("old.demo_addone", {"x": 5}) == {"x": 6}
    assert typed.run("old.demo_addone", {"x": 1.5}) == {"x": 2.5}


def test_it_is_a_function_too(old):
    assert old.demo_addone(x=5) == {"x": 6}
    assert old.demo_addone.__doc__ == "x + 1, of the type of x."


def test_failure_is_a_toolkit_error_with_the_message(old):
    with pytest.raises(unity.ToolkitError, match="^x must be an int or a float$") as raised:
        old.demo_addone(x="a")
    assert raised.value.where == "old.demo_addone"
    with pytest.raises(unity.ToolkitError, match="^times must not be negative, and is -1$"):
        old.repeat(text="a", times=-1)


def test_default_options_are_filled_in_and_shown(old):
    assert old.repeat(text="a") == {"text": "a a"}
    assert old.repeat(text="a", times=3, separator="-") == {"text": "a-a-a"}
    parameters = inspect.signature(old.repeat).parameters
    assert list(parameters) == ["text", "separator", "times"]
    assert parameters["separator"].default == " " and parameters["times"].default == 2


def test_without_a_list_of_required_params_any_are_taken(old):
    assert str(inspect.signature(old.demo_addone)).startswith("(**params)")
    assert old.demo_addone(x=1, whatever=2) == {"x": 2}


def test_with_such_a_list_others_are_refused(typed, old):
    with pytest.raises(TypeError, match="unexpected keyword argument 'time'"):
        old.repeat(text="a", time=3)
    with pytest.raises(TypeError, match="missing required argument: 'text'"):
        typed.run("old.repeat", {})


def test_a_param_of_a_wrong_type_is_named(old):
    with pytest.raises(unity.ToolkitError, match=r"old.repeat\(\) parameter 'times': expected int"):
        old.repeat(text="a", times="b")
    with pytest.raises(TypeError):
        old.repeat(text="a", times="b")
