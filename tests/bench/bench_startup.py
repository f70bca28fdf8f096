# SPDX-License-Identifier: Apache-2.0
"""launch() to the first reply, a further connect(), and `import unity`, beside their floors."""

import asyncio
import os
import statistics
import subprocess
import sys
import time

import capnp

import measure
import unity

RUNS = 15
CONNECTS = 20
BLOCKS = 30
SCHEMA = os.path.join(os.path.dirname(__file__), "../../cppipc/schema/broker.capnp")
MIB = 1 << 20

LAUNCH = """
import time, unity
begin = time.perf_counter()
session = unity.launch()
session.types.Counter().increment(1)
print(time.perf_counter() - begin)
session.close()
"""
IMPORT = """
import sys, time
begin = time.perf_counter()
import unity
print(time.perf_counter() - begin)
assert "numpy" not in sys.modules
"""


def timed(code):
    """Median of what a script prints, over fresh interpreters, in seconds."""
    values = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        values.append(float(done.stdout))
    return statistics.median(values)


def spawn_floor():
    """Median seconds of starting and ending `true`."""
    values = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run(["true"], check=True)
        values.append(time.perf_counter() - begin)
    return statistics.median(values)


async def bare_connects(schema, path, count):
    """Seconds of one session that a plain pycapnp client opens: no description, no shared memory,
    no thread."""
    begin = time.perf_counter()
    for _ in range(count):
        stream = await capnp.AsyncIoStream.create_unix_connection(path)
        client = capnp.TwoPartyClient(stream)
        broker = client.bootstrap().cast_as(schema.Broker)
        await broker.open(protocol=1, messageBytes=64 * MIB, inlineBytes=MIB)
        client.close()
    return (time.perf_counter() - begin) / count


def connects(address, count):
    """Seconds of one unity.connect(), the end of the session included."""
    begin = time.perf_counter()
    for _ in range(count):
        unity.connect(address).close()
    return (time.perf_counter() - begin) / count


async def second_connect():
    """Print what a connect() costs once the server's description is known."""
    schema = capnp.load(SCHEMA, imports=[os.path.dirname(path) for path in capnp.__path__])
    with unity.launch() as session:
        path = "\0" + session.address.removeprefix("unix:@")
        pairs = []
        for _ in range(BLOCKS):
            bare = await bare_connects(schema, path, CONNECTS)
            pairs.append((connects(session.address, CONNECTS), bare))
    low, middle, high = measure.quartiles([ours / bare for ours, bare in pairs[1:]])
    ours, bare = (1e6 * statistics.median(times) for times in zip(*pairs[1:], strict=True))
    measure.line(
        "a second connect() / one of a bare Cap'n Proto client",
        f"{middle:.2f}",
        f"quartiles {low:.2f} {high:.2f}; {ours:.0f} us, bare {bare:.0f} us",
        "at most 2",
    )


def main():
    """Run all parts."""
    asyncio.run(capnp.run(second_connect()))
    floor = spawn_floor()
    measure.line(
        "launch() to the first reply",
        f"{timed(LAUNCH) * 1e3:.1f} ms",
        f"starting `true` {floor * 1e3:.1f} ms",
        "at most 60 ms",
    )
    measure.line("import unity", f"{timed(IMPORT) * 1e3:.1f} ms", None, "at most 60 ms")


if __name__ == "__main__":
    main()
