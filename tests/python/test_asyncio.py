# SPDX-License-Identifier: Apache-2.0
"""Calls can be awaited in any asyncio loop, without a thread for each."""

import asyncio
import os
import pickle
import threading

import pytest

import unity

WAIT_S = 30


def run(coroutine):
    async def limited():
        return await asyncio.wait_for(coroutine, WAIT_S)

    return asyncio.run(limited())


def test_awaiting_a_call(session):
    async def main():
        counter = session.types.Counter()
        assert await counter.increment.submit(3) == 3
        done = counter.increment.submit()
        done.result(WAIT_S)
        assert await done == 4
        with pytest.raises(IndexError):
            await session.toolkits.diagnostics.fail.submit("out_of_range", "x")

    run(main())


def test_many_at_once_need_no_threads(session):
    async def main():
        calls = [session.toolkits.diagnostics.sleep.submit(0.3) for _ in range(30)]
        threads = threading.active_count()
        tasks = len(os.listdir("/proc/self/task"))
        gathered = asyncio.gather(*calls)
        await asyncio.sleep(0)
        assert threading.active_count() == threads
        assert len(os.listdir("/proc/self/task")) == tasks
        assert await gathered == [0.3] * 30

    run(main())


def test_the_loop_goes_on_meanwhile(session):
    async def main():
        call = session.toolkits.diagnostics.sleep.submit(0.3)
        task = asyncio.ensure_future(call)
        turns = 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert await task == 0.3
        assert turns > 3

    run(main())


def test_cancelling_the_task_cancels_the_call(session, eventually):
    async def main():
        call = session.toolkits.diagnostics.work.submit(1000)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call, 0.1)
        assert call.cancelled()

    run(main())
    eventually(lambda: session.stats()["calls_running"] == 0)


def test_cancelling_the_call_wakes_the_task(session):
    async def main():
        call = session.toolkits.diagnostics.work.submit(1000)
        asyncio.get_running_loop().call_later(0.05, call.cancel)
        with pytest.raises(unity.Cancelled) as raised:
            await call
        # Also asyncio's, as when an asyncio future is cancelled that a task awaits.
        assert isinstance(raised.value, asyncio.CancelledError)
        assert raised.value.where == "diagnostics.work" and str(raised.value)
        assert type(pickle.loads(pickle.dumps(raised.value))) is type(raised.value)
        with pytest.raises(asyncio.CancelledError):
            await call  # which is done by now
        with pytest.raises(unity.Cancelled) as raised:
            call.result()
        assert not isinstance(raised.value, asyncio.CancelledError)

    run(main())


def test_a_task_whose_call_is_cancelled_is_cancelled(session):
    async def main():
        call = session.toolkits.diagnostics.work.submit(1000)
        task = asyncio.ensure_future(call)
        await asyncio.sleep(0)
        assert call.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        with pytest.raises(unity.Cancelled):
            await task

    run(main())


def test_a_cancelled_task_gets_the_plain_cancellation(session, eventually):
    async def main():
        call = session.toolkits.diagnostics.work.submit(1000)

        async def waits():
            await call

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert type(raised.value) is asyncio.CancelledError
        assert task.cancelled() and call.cancelled()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.toolkits.diagnostics.work.submit(1000)

    run(main())
    eventually(lambda: session.stats()["calls_running"] == 0)


def test_gather_of_cancelled_calls(session):
    async def main():
        calls = [session.toolkits.diagnostics.work.submit(1000) for _ in range(2)]
        gathered = asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0)
        for call in calls:
            assert call.cancel()
        assert all(isinstance(error, asyncio.CancelledError) for error in await gathered)
        calls = [session.toolkits.diagnostics.work.submit(1000) for _ in range(2)]
        gathered = asyncio.gather(*calls)
        await asyncio.sleep(0)
        gathered.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathered
        assert all(call.cancelled() for call in calls)

    run(main())


def test_wait_for(session):
    async def main():
        assert await asyncio.wait_for(session.toolkits.diagnostics.echo.submit(1), WAIT_S) == 1

    run(main())


def test_a_shield_keeps_the_call(session):
    async def main():
        call = session.toolkits.diagnostics.sleep.submit(0.3)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(call), 0.01)
        assert not call.cancelled()
        assert await call == 0.3

    run(main())


def test_wait_wants_futures_of_asyncio(session):
    async def main():
        call = session.toolkits.diagnostics.echo.submit("x")
        with pytest.raises(TypeError, match="asyncio.ensure_future"):
            await asyncio.wait([call])
        done, pending = await asyncio.wait([asyncio.ensure_future(call)])
        assert not pending and await done.pop() == "x"
        calls = [session.toolkits.diagnostics.echo.submit(n) for n in range(5)]
        assert sorted([await next_one for next_one in asyncio.as_completed(calls)]) == list(
            range(5)
        )

    run(main())


def test_a_deadline_wakes_the_task(session):
    async def main():
        with pytest.raises(unity.CallTimeout):
            await session.toolkits.diagnostics.sleep.options(timeout_s=0.05).submit(0.5)

    run(main())


def test_wrap_future(session):
    async def main():
        assert await asyncio.wrap_future(session.toolkits.diagnostics.echo.submit("x")) == "x"
        call = session.toolkits.diagnostics.work.submit(1000)
        wrapped = asyncio.wrap_future(call)
        wrapped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapped
        await asyncio.sleep(0)  # the loop tells the call
        assert call.cancelled()
        call = session.toolkits.diagnostics.work.submit(1000)
        wrapped = asyncio.wrap_future(call)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapped

    run(main())


def test_a_blocking_call_in_an_executor(session):
    async def main():
        loop = asyncio.get_running_loop()
        echo = session.toolkits.diagnostics.echo
        assert await loop.run_in_executor(None, echo, 5) == 5
        assert await asyncio.to_thread(echo, x=6) == 6

    run(main())


def test_loops_in_several_threads(session):
    results = []

    def work(n):
        async def main():
            calls = [session.toolkits.diagnostics.echo.submit(n) for _ in range(20)]
            results.append(await asyncio.gather(*calls))

        asyncio.run(main())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert sorted(results) == [[n] * 20 for n in range(4)]


def test_a_loop_that_closed_meanwhile_is_forgotten(session, caplog):
    loop = asyncio.new_event_loop()
    call = session.toolkits.diagnostics.sleep.submit(0.2)

    async def begin():
        waiting = call.__await__()
        next(waiting)
        return waiting

    waiting = loop.run_until_complete(begin())
    loop.close()
    assert call.result(WAIT_S) == 0.2
    ended = threading.Event()
    call.add_done_callback(lambda _: ended.set())
    assert ended.wait(WAIT_S)
    waiting.close()
    assert caplog.text == ""
