# SPDX-License-Identifier: Apache-2.0
"""Sessions opened inside the children of multiprocessing."""

import os
import textwrap

import pytest

METHODS = [
    pytest.param(
        "fork",
        marks=pytest.mark.skipif(
            "UNITY_TEST_SANITIZED" in os.environ,
            reason="GCC 12's AddressSanitizer may leave its allocator locked in a forked child",
        ),
    ),
    "forkserver",
    "spawn",
]

# A module that the children can import. What it opens lives in the process that opened it.
WORKERS = """
import multiprocessing, os, pickle, sys, threading
import unity

session = None  # of this process

def open_session(address):
    global session
    session = unity.connect(address)

def work(number):
    counter = session.types.Counter(number)
    assert [counter.increment() for _ in range(10)] == list(range(number + 1, number + 11))
    call = session.toolkits.diagnostics.echo.submit({"number": number})
    assert call.result(30) == {"number": number}
    return session.toolkits.demo_addone(x=number)["x"], os.getpid(), session.server_pid

def with_own_session(address, number):
    with unity.connect(address) as mine:
        return mine.toolkits.demo_addone(x=number)["x"]

def with_own_server(number):
    with unity.launch() as mine:
        return mine.toolkits.demo_addone(x=number)["x"]

def leave_open(address, queue):
    global session
    session = unity.connect(address)
    kept = session.types.Probe().many(100)
    session.toolkits.diagnostics.work.submit(1000)
    queue.put(len(kept))

def use_inherited(queue):
    try:
        session.ping()
    except unity.ForkedSession:
        queue.put("refused")

def add_one(probe):
    return probe.add(1), probe

def with_own_object(number):
    mine = unity.launch(diagnostics=True)
    return mine.types.Probe(number)  # whose server ends before the parent has it

def use(pickled, queue):
    probe = pickle.loads(pickled)
    queue.put((probe.add(1), probe.plus(1)))

def raise_remote(address):
    with unity.connect(address) as mine:
        mine.toolkits.diagnostics.fail("out_of_range", "from a child")
"""


@pytest.fixture(params=METHODS)
def run(request, shared, run_script, tmp_path, eventually):
    """Runs code with a start method, and a session open in the parent; nothing may be left."""
    (tmp_path / "workers.py").write_text(WORKERS)
    head = f"""
import multiprocessing, os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of os.fork() with threads, from 3.12 on
sys.path.insert(0, sys.argv[2])
import unity, workers
method, address = {request.param!r}, sys.argv[1]
context = multiprocessing.get_context(method)
workers.session = session = unity.connect(address)
counter = session.types.Counter()
"""

    def run_code(code):
        with shared.connect() as observer:
            before = observer.stats()
            out = run_script(head + textwrap.dedent(code), shared.address, tmp_path)
            for name in ("live_objects", "sessions", "calls_running"):
                eventually(lambda name=name: observer.stats()[name] == before[name])
        return out

    return run_code


def test_a_pool_whose_children_open_a_session_each(run):
    run(
        """
        with context.Pool(3, workers.open_session, (address,)) as pool:
            results = pool.map(workers.work, range(30), chunksize=1)
            assert counter.increment() == 1
            pool.close()
            pool.join()
        assert [number for number, _, _ in results] == list(range(1, 31))
        assert os.getpid() not in {pid for _, pid, _ in results}
        assert {server for _, _, server in results} == {session.server_pid}
        assert counter.increment() == 2
        """
    )


def test_an_executor(run):
    run(
        """
        from concurrent.futures import ProcessPoolExecutor

        with ProcessPoolExecutor(2, context, workers.open_session, (address,)) as pool:
            results = list(pool.map(workers.work, range(10)))
        assert [number for number, _, _ in results] == list(range(1, 11))
        assert counter.increment() == 1
        """
    )


def test_sessions_that_are_closed_in_the_child(run):
    run(
        """
        with context.Pool(2) as pool:
            shared = pool.starmap(workers.with_own_session, [(address, i) for i in range(6)])
            private = pool.map(workers.with_own_server, range(4))
            pool.close()
            pool.join()
        assert shared == list(range(1, 7)) and private == list(range(1, 5))
        """
    )


def test_children_that_leave_everything_open(run):
    """They end as multiprocessing ends them, without the interpreter's own clean-up."""
    run(
        """
        queue = context.Queue()
        children = [context.Process(target=workers.leave_open, args=(address, queue))
                    for _ in range(3)]
        for child in children:
            child.start()
        assert [queue.get(timeout=60) for _ in children] == [100] * 3
        for child in children:
            child.join(60)
            assert child.exitcode == 0, child.exitcode
        assert counter.increment() == 1
        """
    )


def test_children_that_are_killed(run):
    run(
        """
        queue = context.Queue()
        child = context.Process(target=workers.leave_open, args=(address, queue))
        child.start()
        assert queue.get(timeout=60) == 100
        child.kill()
        child.join(60)
        assert counter.increment() == 1
        """
    )


def test_a_session_that_a_child_inherits_is_refused(run):
    """Only forked children have it at all."""
    run(
        """
        if method == "fork":
            queue = context.Queue()
            child = context.Process(target=workers.use_inherited, args=(queue,))
            child.start()
            assert queue.get(timeout=60) == "refused"
            child.join(60)
            assert child.exitcode == 0
        else:
            with context.Pool(1) as pool:
                assert pool.apply(eval, ("__import__('workers').session is None",))
                pool.close()
                pool.join()
        assert counter.increment() == 1
        """
    )


def test_proxies_travel_into_children_and_back(run):
    # What a forked child inherits is another matter: that is not pickled, and refused.
    run(
        """
        import pickle

        probe = session.types.Probe(10)
        with context.Pool(2) as pool:
            results = pool.map(workers.add_one, [probe] * 20, chunksize=1)
            pool.close()
            pool.join()
        assert sorted(number for number, _ in results) == list(range(11, 31))
        assert all(back is probe for _, back in results)
        queue = context.Queue()
        child = context.Process(target=workers.use, args=(pickle.dumps(probe), queue))
        child.start()
        number, made = queue.get(timeout=60)
        child.join(60)
        assert child.exitcode == 0
        # The child's own session is over, and what it has made lives on.
        assert (number, made.value) == (31, 32)
        """
    )


def test_proxies_whose_server_is_gone_do_not_break_a_pool(run):
    run(
        """
        with context.Pool(2) as pool:
            lost = pool.map(workers.with_own_object, range(3))
            mine = unity.launch(diagnostics=True)
            calls = [mine.types.Probe(1) for _ in range(3)]
            mine.close()
            result = pool.map_async(workers.add_one, lost)
            for fails in (lambda: result.get(60), lambda: pool.map(workers.add_one, calls)):
                try:
                    fails()
                except unity.ConnectionLost:
                    pass
                else:
                    raise AssertionError
            assert pool.apply(workers.add_one, (session.types.Probe(1),))[0] == 2
            pool.close()
            pool.join()
        """
    )


@pytest.mark.parametrize("first", ["multiprocessing.util", "unity"])
def test_what_is_in_a_queue_at_the_end_leaves_before_the_sessions_end(shared, run_script, first):
    """The queue's thread pickles the proxy while the interpreter ends, in either order of exits."""
    run_script(
        f"""
        import sys, {first}
        import multiprocessing.util, threading, time, unity

        class UntilTheEnd:
            def __reduce__(self):
                threading.main_thread().join(30)
                until = time.monotonic() + 0.5  # by then, the sessions would have ended
                while not session.closed and time.monotonic() < until:
                    time.sleep(0.001)
                return int, ()

        session = unity.connect(sys.argv[1])
        queue = multiprocessing.Queue()
        queue.put((UntilTheEnd(), session.types.Probe(5)))
        """,
        shared.address,
    )


def test_errors_come_home(run):
    run(
        """
        with context.Pool(1) as pool:
            try:
                pool.apply(workers.raise_remote, (address,))
            except IndexError as error:
                assert type(error) is unity.OutOfRange and "from a child" in str(error)
                assert error.where == "diagnostics.fail"
            else:
                raise AssertionError
            pool.close()
            pool.join()
        """
    )


def test_pools_while_threads_of_the_parent_call(run):
    run(
        """
        is_over = threading.Event()
        totals = []

        def call_on():
            calls = 0
            while not is_over.is_set():
                counter.increment()
                calls += 1
            totals.append(calls)

        threads = [threading.Thread(target=call_on) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            with context.Pool(2, workers.open_session, (address,)) as pool:
                assert [x for x, _, _ in pool.map(workers.work, range(4))] == [1, 2, 3, 4]
                pool.close()
                pool.join()
        is_over.set()
        for thread in threads:
            thread.join()
        assert counter.value == sum(totals) and len(totals) == 3
        """
    )
