# SPDX-License-Identifier: Apache-2.0
"""A blocking no-op call, beside a raw 64-byte socket ping-pong in alternating blocks."""

import measure
import unity

BLOCKS = 40
COUNT = 400


def ratio_of(server_core, client_core, label, target):
    """Print the ratio of a call to the floor, both ends on the given cores."""
    with measure.pinned(client_core), measure.Echo(server_core) as echo:
        with unity.launch() as session:
            measure.pin_process(session.server_pid, server_core)
            counter = session.types.Counter()

            def calls(count):
                increment = counter.increment
                for _ in range(count):
                    increment(0)

            calls(2000)
            pairs = measure.alternating(calls, echo.ping_pong, BLOCKS, COUNT)
    low, middle, high = measure.quartiles([call / floor for call, floor in pairs])
    call_us = 1e6 * measure.statistics.median(call for call, _ in pairs)
    floor_us = 1e6 * measure.statistics.median(floor for _, floor in pairs)
    measure.line(
        f"call / raw ping-pong, {label}",
        f"{middle:.2f}",
        f"quartiles {low:.2f} {high:.2f}; call {call_us:.1f} us, floor {floor_us:.1f} us",
        target,
    )


def in_flight():
    """Print how many calls a second one thread gets through without waiting for each."""
    count = 20_000
    with unity.launch() as session:
        counter = session.types.Counter()

        def submitted():
            calls = [counter.increment.submit(1) for _ in range(count)]
            calls[-1].result()
            for call in calls:
                call.result()

        def blocking():
            for _ in range(count):
                counter.increment(1)

        submitted()
        blocking()
        rate = max(count / measure.seconds(submitted) for _ in range(3))
        plain = max(count / measure.seconds(blocking) for _ in range(3))
    measure.line(
        "calls by submit() from one thread",
        f"{rate:,.0f}/s",
        f"blocking {plain:,.0f}/s, ratio {rate / plain:.2f}",
        "60,000/s and 4 times",
    )


def main():
    """Run all parts."""
    cores = measure.cores()
    if len(cores) > 1:
        ratio_of(cores[1], cores[0], "client and server on two cores", "at most 1.3")
    ratio_of(cores[0], cores[0], "both on one core", None)
    in_flight()


if __name__ == "__main__":
    main()
