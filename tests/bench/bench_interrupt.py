# SPDX-License-Identifier: Apache-2.0
"""How soon Ctrl-C gives control back to a program that is blocked in a call."""

import contextlib
import os
import signal
import statistics
import threading
import time

import measure
import unity

COUNT = 40


def interrupted_after(block, until_blocked):
    """Seconds from sending SIGINT to KeyboardInterrupt out of `block()`."""
    sent = []

    def send():
        until_blocked()
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        block()
    except KeyboardInterrupt:
        arrived = time.perf_counter()
    else:
        raise SystemExit("Ctrl-C did not come through")
    finally:
        thread.join()
    return arrived - sent[0]


def is_asleep():
    """Whether the main thread sleeps in the kernel."""
    with open(f"/proc/self/task/{os.getpid()}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


def until_asleep():
    """Returns once the main thread has slept for a while."""
    seen = 0
    while seen < 3:
        seen = seen + 1 if is_asleep() else 0
        time.sleep(0.002)


def wait(call):
    """Reads the socket until `call` is cancelled."""
    with contextlib.suppress(unity.Cancelled):
        call.result()


def report(name, block, until_blocked, floor):
    """Print median and worst of many interruptions."""
    times = [interrupted_after(block, until_blocked) for _ in range(COUNT)]
    measure.line(
        name,
        f"{max(times) * 1e3:.2f} ms",
        f"worst of {COUNT}, median {statistics.median(times) * 1e3:.2f} ms; "
        f"worst of time.sleep() {floor * 1e3:.2f} ms",
        "at most 200 ms",
    )


def main():
    """Run all parts."""
    floor = max(interrupted_after(lambda: time.sleep(1000), until_asleep) for _ in range(COUNT))
    with unity.launch(diagnostics=True) as session, unity.connect(session.address) as observer:
        work = session.toolkits.diagnostics.work

        def until_running(count):
            while observer.stats()["calls_running"] != count:
                pass
            until_asleep()

        report(
            "Ctrl-C to KeyboardInterrupt, in a call",
            lambda: work(1000),
            lambda: until_running(1),
            floor,
        )
        other = work.submit(1000)
        reader = threading.Thread(target=wait, args=(other,))
        reader.start()
        report(
            "… while another thread reads the socket",
            lambda: work(1000),
            lambda: until_running(2),
            floor,
        )
        other.cancel()
        reader.join()


if __name__ == "__main__":
    main()
