# SPDX-License-Identifier: Apache-2.0
"""How long a short call waits while another session, or another thread, is in a 1.5 s method."""

import threading
import time

import measure
import unity

SLOW_S = 1.5


def worst_delay(short, running):
    """The longest `short()` while `running()` holds, in seconds, and how many there were."""
    worst, count = 0.0, 0
    while running():
        begin = time.perf_counter()
        short()
        worst = max(worst, time.perf_counter() - begin)
        count += 1
    return worst, count


def during(slow_session, short):
    """The worst delay of `short()` while `slow_session` is in a slow method."""
    slow = threading.Thread(target=slow_session.toolkits.diagnostics.sleep, args=(SLOW_S,))
    for _ in range(200):
        short()
    slow.start()
    result = worst_delay(short, slow.is_alive)
    slow.join()
    return result


def spin_floor():
    """The worst gap this machine and interpreter give a thread beside a sleeping one."""
    idle = threading.Thread(target=time.sleep, args=(SLOW_S,))
    idle.start()
    result = worst_delay(lambda: None, idle.is_alive)
    idle.join()
    return result


def main():
    """Run all parts."""
    floor, _ = spin_floor()
    with unity.launch(diagnostics=True) as session:
        with unity.connect(session.address) as other:
            counter = other.types.Counter()
            worst, count = during(session, lambda: counter.increment(1))
        measure.line(
            "worst delay of another session's call",
            f"{worst * 1e3:.2f} ms",
            f"of {count:,}; worst gap of the machine itself {floor * 1e3:.2f} ms",
            "at most 5 ms",
        )
        counter = session.types.Counter()
        worst, count = during(session, lambda: counter.increment(1))
        measure.line(
            "worst delay of another thread's call",
            f"{worst * 1e3:.2f} ms",
            f"of {count:,}; worst gap of the machine itself {floor * 1e3:.2f} ms",
            "at most 5 ms",
        )


if __name__ == "__main__":
    main()
