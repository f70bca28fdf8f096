# SPDX-License-Identifier: Apache-2.0
"""How long a short call waits while another session, or another thread, is in a 1.5 s method."""

import contextlib
import statistics
import threading
import time

import measure
import unity

SLOW_S = 1.5
TRIALS = 7


def worst_delay(short, slow):
    """The longest `short()` while a thread runs `slow()`, in ms, and how many there were."""
    thread = threading.Thread(target=slow)
    for _ in range(200):
        short()
    thread.start()
    worst, count = 0.0, 0
    while thread.is_alive():
        begin = time.perf_counter()
        short()
        worst = max(worst, time.perf_counter() - begin)
        count += 1
    thread.join()
    return 1e3 * worst, count


def compare(label, short, slow, echo):
    """Print the worst delays of trials, each beside that of a raw socket ping-pong."""
    pairs = [
        (
            worst_delay(short, slow),
            worst_delay(lambda: echo.ping_pong(1), lambda: time.sleep(SLOW_S)),
        )
        for _ in range(TRIALS)
    ]
    worst = sorted(delay for (delay, _), _ in pairs)
    floor = sorted(delay for _, (delay, _) in pairs)
    count = sum(count for (_, count), _ in pairs)
    measure.line(
        label,
        f"{statistics.median(worst):.2f} ms",
        f"of {TRIALS} trials {worst[0]:.2f} to {worst[-1]:.2f}, {count:,} calls; "
        f"raw ping-pong {statistics.median(floor):.2f}, {floor[0]:.2f} to {floor[-1]:.2f}",
        "at most 5 ms",
    )


def drops(session, observer):
    """Print how long the server keeps an object whose proxy was dropped while nothing is called."""
    worst = 0.0
    for _ in range(20):
        counter = session.types.Counter()
        live = observer.stats()["live_objects"]
        begin = time.perf_counter()
        del counter
        while observer.stats()["live_objects"] == live:
            time.sleep(0.001)
        worst = max(worst, time.perf_counter() - begin)
    measure.line(
        "from dropping a proxy to the end of its object",
        f"{1e3 * worst:.1f} ms",
        "worst of 20, in a session that is idle",
        "at most 1,000 ms",
    )


def main():
    """Run all parts."""
    with contextlib.ExitStack() as stack:
        echo = stack.enter_context(measure.Echo(None))
        session = stack.enter_context(unity.launch(diagnostics=True))
        other = stack.enter_context(unity.connect(session.address))

        def slow():
            session.toolkits.diagnostics.sleep(SLOW_S)

        for label, owner in [("another session's call", other), ("another thread's call", session)]:
            counter = owner.types.Counter()
            compare(f"worst delay of {label}", lambda c=counter: c.increment(1), slow, echo)
        del counter
        drops(session, other)


if __name__ == "__main__":
    main()
