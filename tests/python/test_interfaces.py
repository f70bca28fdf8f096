# SPDX-License-Identifier: Apache-2.0
"""`unity.Counter`, a C++ proxy that is wrapped as a class of Python."""

import copy
import gc
import os
import pickle
import signal
import threading

import pytest

import unity


def test_it_counts(session):
    counter = unity.Counter(session)
    assert counter.value == 0
    assert counter.increment() == 1
    assert counter.increment(by=-5) == -4
    assert counter.increment(True) == -3
    assert unity.Counter(session, start=7).value == unity.Counter(session, 7).value == 7


def test_it_stands_for_the_object_of_its_proxy(session):
    counter = unity.Counter(session, 3)
    proxy = counter.__unity_proxy__
    assert type(proxy) is session.types.Counter
    proxy.increment(4)
    assert counter.value == 7
    assert counter == proxy and proxy == counter and hash(counter) == hash(proxy)
    assert counter != session.types.Counter() and counter != unity.Counter(session)
    assert counter != 7 and {counter, proxy} == {counter}


def test_it_may_be_given_wherever_the_proxy_may(private, diagnostics):
    counter = unity.Counter(private, 3)
    proxy = counter.__unity_proxy__
    assert diagnostics.echo(counter) is proxy
    assert diagnostics.echo([counter, {"a": (counter, None)}]) == [proxy, {"a": (proxy, None)}]
    assert diagnostics.echo.submit(counter).result() is proxy
    with pytest.raises(TypeError, match="expected Probe, got Counter|Probe.*Counter"):
        private.types.Probe().add_from(counter)


def test_an_object_that_is_there_can_be_wrapped(private, diagnostics):
    proxy = private.types.Counter(5)
    counter = unity.Counter.of(proxy)
    assert counter.increment() == 6 and proxy.value == 6 and counter == proxy
    assert unity.Counter.of(counter) == counter
    with pytest.raises(unity.WrongType, match="expected Counter or None, got Probe"):
        unity.Counter.of(private.types.Probe())
    with pytest.raises(unity.WrongType, match="expected a unity.Proxy, got int"):
        unity.Counter.of(5)


def test_it_says_what_it_is(private):
    counter = unity.Counter(private)
    text = repr(counter)
    assert text.startswith("<unity.Counter ") and text.endswith(f" on {private.address}, live>")
    assert text.split()[1] in repr(counter.__unity_proxy__)
    assert "increment" in dir(counter) and "integer that is counted" in unity.Counter.__doc__
    assert "by: an int" in unity.Counter.increment.__doc__
    assert "Counter" in unity.__all__ and unity.Counter.__module__ == "unity"


@pytest.mark.parametrize("by", [2.0, "2", None, 1 << 63, -(1 << 63) - 1])
def test_wrong_arguments_raise_what_they_raise_for_a_proxy(private, by):
    counter = unity.Counter(private, 1)
    with pytest.raises(unity.Error) as of_proxy:
        counter.__unity_proxy__.increment(by)
    with pytest.raises(unity.Error, match="'by'") as of_counter:
        counter.increment(by)
    assert type(of_counter.value) is type(of_proxy.value)
    with pytest.raises(type(of_proxy.value), match="'start'"):
        unity.Counter(private, by)
    assert counter.value == 1


def test_errors_of_the_server_are_the_same_as_a_proxys(private):
    counter = unity.Counter(private, (1 << 63) - 1)
    with pytest.raises(unity.Overflow) as of_proxy:
        counter.__unity_proxy__.increment(1)
    with pytest.raises(unity.Overflow, match="does not fit into 64 bits") as of_counter:
        counter.increment(1)
    for name in ("kind", "where", "object", "thrown_type", "args", "__notes__"):
        assert getattr(of_counter.value, name) == getattr(of_proxy.value, name), name
    assert counter.value == (1 << 63) - 1


def test_what_is_no_session_is_refused(private):
    for wrong in (None, private.types, private.address):
        with pytest.raises(unity.WrongType, match="expected a unity.Session, got"):
            unity.Counter(wrong)
    with pytest.raises(TypeError, match="made already"):
        unity.Counter(private).__init__(private)
    unmade = unity.Counter.__new__(unity.Counter)
    for use in (lambda: unmade.value, unmade.increment, lambda: hash(unmade)):
        with pytest.raises(TypeError, match="was never made"):
            use()
    assert repr(unmade) == "<unity.Counter, never made>"


def test_it_is_not_pickled_and_copies_are_itself(private):
    counter = unity.Counter(private)
    with pytest.raises(TypeError, match="pickle its __unity_proxy__"):
        pickle.dumps(counter)
    assert copy.copy(counter) is counter and copy.deepcopy([counter])[0] is counter


def test_the_object_goes_with_the_last_that_stands_for_it(private, eventually):
    before = private.stats()["live_objects"]
    counter = unity.Counter(private)
    proxy = counter.__unity_proxy__
    del counter
    assert private.stats()["live_objects"] == before + 1
    del proxy
    gc.collect()
    eventually(lambda: private.stats()["live_objects"] == before)


def test_threads_share_one(private):
    counter = unity.Counter(private)
    threads = [
        threading.Thread(target=lambda: [counter.increment() for _ in range(100)]) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value == 600


def test_a_closed_session_is_told():
    with unity.launch() as session:
        counter = unity.Counter(session)
    assert repr(counter).endswith("closed>")
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        counter.increment()
    with pytest.raises(unity.ConnectionLost, match="session closed") as caught:
        unity.Counter(session)
    assert caught.value.where == "Counter"


def test_a_dead_server_is_told():
    with unity.launch() as session:
        counter = unity.Counter(session)
        os.kill(session.server_pid, signal.SIGKILL)
        with pytest.raises(unity.ServerCrashed) as caught:
            while True:
                counter.increment()
        assert caught.value.signal == "SIGKILL"
        assert caught.value.where == "Counter.increment"


# A counter that a call keeps busy: other calls of it wait until `free` is set.
BUSY = """
    import threading
    import unity
    session = unity.launch(diagnostics=True)
    counter = unity.Counter(session)
    held = threading.Event()
    free = threading.Event()

    def hold(_):
        held.set()
        free.wait()

    busy = session.toolkits.diagnostics.call.submit(hold, counter)
    held.wait()

    def wait_for_waiting():
        while not session.stats()["calls_waiting"]:
            pass
"""


def test_other_threads_run_while_one_waits(run_script):
    code = """
    thread = threading.Thread(target=lambda: print(counter.increment()))
    thread.start()
    wait_for_waiting()  # never, if the thread kept the interpreter
    free.set()
    thread.join()
    busy.result()
    session.close()
    """
    assert run_script(BUSY + code) == "1\n"


def test_ctrl_c_ends_a_wait_and_leaves_the_session_usable(script):
    code = """
    def tell():
        wait_for_waiting()
        print("waiting", flush=True)

    threading.Thread(target=tell).start()
    try:
        counter.increment(5)
    except KeyboardInterrupt:
        free.set()
        busy.result()
        print(counter.value, session.ping() > 0)
    session.close()
    """
    program = script(BUSY + code)
    assert program.line() == "waiting"
    program.process.send_signal(signal.SIGINT)
    assert program.finish() == (0, "0 True\n", "")


def test_a_thread_that_waits_does_not_hinder_the_end(run_script):
    code = """
    threading.Thread(target=counter.increment, daemon=True).start()
    wait_for_waiting()
    print("over")
    """
    assert run_script(BUSY + code) == "over\n"


def test_a_forked_child_gets_an_error_and_leaves_the_object_alone(run_script):
    code = """
    import os
    import unity
    with unity.launch() as session:
        counter = unity.Counter(session, 1)
        child = os.fork()
        if child == 0:
            told = 0
            for use in (counter.increment, lambda: counter.value,
                        lambda: unity.Counter(session), lambda: unity.Counter.of(counter)):
                try:
                    use()
                except unity.ForkedSession:
                    told += 1
            del counter
            os._exit(told)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), counter.increment())
    """
    assert run_script(code) == "4 2\n"


def test_the_import_of_unity_does_not_load_it(run_script):
    code = """
    import sys
    import unity
    print([name for name in ("unity._counter", "unity.interface") if name in sys.modules])
    """
    assert run_script(code) == "[]\n"
