# SPDX-License-Identifier: Apache-2.0
"""Calls can be awaited in any asyncio loop, without a thread for each."""

import asyncio
import os
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
        with pytest.raises(unity.Cancelled):
            await call

    run(main())


def test_a_deadline_wakes_the_task(session):
    async def main():
        with pytest.raises(unity.CallTimeout):
            await session.toolkits.diagnostics.sleep.options(timeout_s=0.05).submit(0.5)

    run(main())


def test_wrap_future(session):
    async def main():
        assert await asyncio.wrap_future(session.toolkits.diagnostics.echo.submit("x")) == "x"

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
