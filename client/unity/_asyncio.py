# SPDX-License-Identifier: Apache-2.0
"""Awaiting a call from an asyncio loop; apart because `asyncio` is slow to import."""

import asyncio

from unity import errors


class AwaitedCancelled(errors.Cancelled, asyncio.CancelledError):
    """`Cancelled` as a task gets it that awaits the call: asyncio's cancellation as well, so the
    task counts as cancelled unless it catches that, as with asyncio's own futures."""


def as_cancellation(error):
    """The `Cancelled` of a call as an `AwaitedCancelled`."""
    awaited = AwaitedCancelled(*error.args)
    awaited.__dict__.update(error.__dict__)
    return awaited


def until_done(call):
    """Suspends the awaiting task until `call` is done. Cancelling the task cancels the call."""
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_call):
        try:
            loop.call_soon_threadsafe(set_done)
        except RuntimeError:
            # The loop has been closed, so nobody awaits any more.
            if not loop.is_closed():
                raise

    def set_done():
        if not waiter.done():
            waiter.set_result(None)

    call.add_done_callback(wake)
    try:
        yield from waiter
    except asyncio.CancelledError:
        call.cancel()
        raise
