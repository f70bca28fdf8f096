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


def in_flight(server_core, client_core, label, target):
    """Print how many calls a second one thread gets through without waiting for each."""
    count = 20_000
    with measure.pinned(client_core), unity.launch() as session:
        if server_core is not None:
            measure.pin_process(session.server_pid, server_core)
        counter = session.types.Counter()

        def submitted():
            calls = [counter.increment.submit(1) for _ in range(count)]
            for call in calls:
                call.result()

        def blocking():
            for _ in range(count):
                counter.increment(1)

        submitted()
        blocking()
        pairs = [(measure.seconds(submitted), measure.seconds(blocking)) for _ in range(7)]
    rate, plain = (count / measure.statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = measure.statistics.median(blocked / sent for sent, blocked in pairs)
    measure.line(
        f"calls by submit() from one thread, {label}",
        f"{rate:,.0f}/s",
        f"blocking {plain:,.0f}/s, ratio {ratio:.2f}",
        target,
    )


def callback(server_core, client_core, label):
    """Print what a call from C++ into Python and back adds to the call that it happens in."""
    with measure.pinned(client_core), unity.launch(diagnostics=True) as session:
        if server_core is not None:
            measure.pin_process(session.server_pid, server_core)
        increment = session.types.Counter().increment
        call = session.toolkits.diagnostics.call
        echo = session.toolkits.diagnostics.echo

        def called_back(count):
            for _ in range(count):
                call(same, 0)

        def plain(count):
            for _ in range(count):
                echo(same)

        def blocking(count):
            for _ in range(count):
                increment(0)

        blocking(2000)
        triples = [
            [measure.seconds(part, COUNT) / COUNT for part in (called_back, plain, blocking)]
            for _ in range(BLOCKS)
        ]
    low, middle, high = measure.quartiles(
        [(outer - inner) / one for outer, inner, one in triples[1:]]
    )
    measure.line(
        f"a callback / a blocking call, {label}",
        f"{middle:.2f}",
        f"quartiles {low:.2f} {high:.2f}",
        "at most 2",
    )


def same(value):
    """What C++ calls back."""
    return value


def main():
    """Run all parts."""
    cores = measure.cores()
    if len(cores) > 1:
        ratio_of(cores[1], cores[0], "client and server on two cores", "at most 1.3")
    ratio_of(cores[0], cores[0], "both on one core", None)
    if len(cores) > 1:
        in_flight(cores[1], cores[0], "on two cores", "60,000/s and 4 times")
    in_flight(None, None, "not pinned: blocking calls spin", "60,000/s")
    if len(cores) > 1:
        callback(cores[1], cores[0], "client and server on two cores")
    callback(cores[0], cores[0], "both on one core")


if __name__ == "__main__":
    main()
