# SPDX-License-Identifier: Apache-2.0
"""Errors say where they come from: which method or function, and on which object."""

import copy
import pickle
import re
import traceback

import pytest

import unity

WAIT_S = 30
TOP = 2**63 - 1


def label(proxy):
    """What a proxy's repr calls its object: "Counter 3f2a91c0"."""
    return re.fullmatch(r"<(\w+ [0-9a-f]{8}) on .*, \w+>", repr(proxy))[1]


def raised_by(action, *arguments, **keywords):
    with pytest.raises(unity.Error) as raised:
        action(*arguments, **keywords)
    return raised.value


def notes(error):
    return getattr(error, "__notes__", [])


def test_a_fault_names_its_object(session):
    counters = [session.types.Counter(TOP) for _ in range(3)]
    assert len({label(counter) for counter in counters}) == 3
    for counter in counters:
        error = raised_by(counter.increment)
        assert (error.where, error.object) == ("Counter.increment", label(counter))
        assert "64" in str(error) and error.object not in str(error)
        assert notes(error) == [f"in Counter.increment of {label(counter)}"]
        assert traceback.format_exception_only(error)[-1].strip() == notes(error)[0]


def test_submitted_calls_say_what_they_were(session):
    counter = session.types.Counter(TOP)
    call = counter.increment.submit()
    error = call.exception(WAIT_S)
    assert (error.where, error.object) == ("Counter.increment", label(counter))
    assert raised_by(call.result) is error
    assert notes(error) == [f"in Counter.increment of {label(counter)}"]  # once
    error = session.toolkits.diagnostics.fail.submit("string", "x").exception(WAIT_S)
    assert (error.where, error.object) == ("diagnostics.fail", "")
    assert notes(error) == ["in diagnostics.fail"]


def test_a_blocking_function_needs_no_note(session):
    error = raised_by(session.toolkits.diagnostics.fail, "string", "x")
    assert (error.where, error.object, notes(error)) == ("diagnostics.fail", "", [])


def test_properties(session):
    probe = session.types.Probe()
    error = raised_by(setattr, probe, "value", "text")
    assert (error.where, error.object) == ("Probe.value=", label(probe))
    assert "property 'Probe.value'" in str(error)


def test_constructors(session):
    assert raised_by(session.types.Counter, start="x").where == "Counter"
    assert raised_by(session.types.Counter, begin=3).where == "Counter"


def test_refusals_of_this_side(session):
    counter = session.types.Counter()
    echo = session.toolkits.diagnostics.echo
    for action in (counter.increment, counter.increment.submit):
        for arguments, keywords in (
            ((1, 2), {}),
            ((), {"to": 1}),
            ((object(),), {}),
            ((2**64,), {}),
        ):
            error = raised_by(action, *arguments, **keywords)
            assert (error.where, error.object) == ("Counter.increment", label(counter))
            assert not error.kind
    for value in (object(), 2**64, "\ud800", {1: object()}):
        for action in (echo, echo.submit):
            assert raised_by(action, value).where == "diagnostics.echo"


def test_refusals_of_the_server_name_the_class(session):
    counter = session.types.Counter()
    error = raised_by(counter.increment, by="x")
    assert str(error).startswith("Counter.increment() parameter 'by': expected int")
    assert error.object == label(counter)


def test_timeouts(session):
    tools = session.toolkits.diagnostics
    assert raised_by(tools.sleep.options(timeout_s=0.01), 0.1).where == "diagnostics.sleep"
    call = tools.sleep.submit(0.3)
    assert raised_by(call.result, 0.01).where == "diagnostics.sleep"
    assert call.result(WAIT_S) == 0.3
    late = tools.sleep.options(timeout_s=0.01).submit(0.1)
    assert late.exception(WAIT_S).where == "diagnostics.sleep"


def test_cancelled_calls(session):
    call = session.toolkits.diagnostics.work.submit(1000)
    assert call.cancel()
    error = raised_by(call.result)
    assert isinstance(error, unity.Cancelled) and error.where == "diagnostics.work"


def test_a_closed_session():
    with unity.launch() as session:
        counter = session.types.Counter()
    error = raised_by(counter.increment)
    assert isinstance(error, unity.ConnectionLost)
    assert (error.where, error.object) == ("Counter.increment", label(counter))
    assert raised_by(session.ping).where == "Session.ping"
    assert raised_by(session.stats).where == "Session.stats"


def test_a_crash_in_calls():
    with unity.launch(diagnostics=True) as session:
        counter = session.types.Counter()
        waiting = session.toolkits.diagnostics.work.submit(1000)
        error = raised_by(session.toolkits.diagnostics.crash, 6)
        assert isinstance(error, unity.ServerCrashed)
        assert error.where == "diagnostics.crash"
        assert waiting.exception(WAIT_S).where == "diagnostics.work"
        error = raised_by(counter.increment)
        assert (error.where, error.object) == ("Counter.increment", label(counter))


def test_the_context_survives_pickling(session):
    error = raised_by(session.types.Counter(TOP).increment)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error) and again.args == error.args
        assert vars(again) == vars(error)
        assert again.object and notes(again)


def test_an_error_does_not_keep_its_object(session, eventually):
    before = session.stats()["live_objects"]
    counter = session.types.Counter(TOP)
    call = counter.increment.submit()
    error = call.exception(WAIT_S)
    del counter
    eventually(lambda: session.stats()["live_objects"] <= before)
    assert error.object.startswith("Counter ")
