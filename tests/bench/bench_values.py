# SPDX-License-Identifier: Apache-2.0
"""Values beside pickle protocol 5, beside a pipe of multiprocessing, and beside numpy.asarray.

First marshalling alone, in this process: Python value -> bytes of a message -> Python value, as
pickle.dumps and pickle.loads do. Then whole calls: a value that is echoed is marshalled and
unmarshalled twice, once by each side, as it would be by two processes that pickle. What a call
costs anyway is subtracted from the echo's time.
"""

import datetime
import multiprocessing
import pickle
import statistics

import measure
import unity
from unity._messages import marshalled, unmarshalled

ROUNDS = 15


def values():
    """(name, value, target as a ratio to pickle) of every row."""
    when = datetime.datetime(2026, 1, 2, 3, 4, 5)
    mixed = [
        {"id": n, "name": f"row {n}", "score": n / 7, "is_valid": n % 2 == 0, "when": when}
        for n in range(1000)
    ]
    return [
        ("1,000 dicts of 5 mixed values", mixed, "at most 1.5"),
        ("1,000,000 ints", list(range(1_000_000)), "below 1"),
        ("1,000,000 floats", [n / 3 for n in range(1_000_000)], "below 1"),
        ("10,000 strings", [f"some text of number {n}" for n in range(10_000)], "below 1"),
        ("one string of 10 MB", "text" * 2_500_000, "below 1"),
    ]


def best_of(function, *args):
    """The median of several runs' seconds, after one to warm up."""
    function(*args)
    return statistics.median(measure.seconds(function, *args) for _ in range(ROUNDS))


def marshalling(name, value, target):
    """Print what it takes to marshal and to unmarshal, beside pickle."""
    message, pickled_value = marshalled(value), pickle.dumps(value, protocol=5)
    assert unmarshalled(message) == value
    out, out_pickle = best_of(marshalled, value), best_of(pickle.dumps, value, 5)
    back, back_pickle = best_of(unmarshalled, message), best_of(pickle.loads, pickled_value)
    measure.line(
        f"marshalling / pickle, {name}",
        f"{(out + back) / (out_pickle + back_pickle):.2f}",
        f"{1e3 * out:.2f} + {1e3 * back:.2f} ms, "
        f"pickle {1e3 * out_pickle:.2f} + {1e3 * back_pickle:.2f} ms",
        target,
    )


def pickled(value):
    """What two processes that pickle do for one echo."""
    for _ in range(2):
        value = pickle.loads(pickle.dumps(value, protocol=5))
    return value


def answer(pipe, other):
    """The other end of the pipe: sends every value back until the pipe is closed."""
    other.close()  # the end that the fork has inherited
    while True:
        try:
            pipe.send(pipe.recv())
        except EOFError:
            return


def ints_one_way(holder, count=1_000_000):
    """Print how a list of ints goes there, beside numpy.asarray of it."""
    import numpy

    def hold(numbers):
        numbers_held.append(holder.hold(numbers))

    numbers = list(range(count))
    numbers_held, array, there = [], [], []
    for _ in range(ROUNDS + 1):
        array.append(measure.seconds(numpy.asarray, numbers))
        there.append(measure.seconds(hold, numbers))
        holder.drop(numbers_held.pop())
    array, there = statistics.median(array[1:]), statistics.median(there[1:])
    measure.line(
        "1,000,000 ints one way / numpy.asarray(list)",
        f"{there / array:.2f}",
        f"{1e3 * there:.1f} ms, numpy {1e3 * array:.1f} ms",
        "at most 3",
    )


def main():
    """Run all rows."""
    for row in values():
        marshalling(*row)
    pipe, other = multiprocessing.Pipe()
    process = multiprocessing.Process(target=answer, args=(other, pipe))
    process.start()
    other.close()

    def through_pipe(value):
        pipe.send(value)
        return pipe.recv()

    with unity.launch(diagnostics=True) as session:
        echo = session.toolkits.diagnostics.echo
        for name, value, target in values():
            assert echo(value) == value
            call = best_of(echo, None)
            echoed, twice = best_of(echo, value) - call, best_of(pickled, value)
            piped = best_of(through_pipe, value)
            measure.line(
                f"echo / pickle twice, {name}",
                f"{echoed / twice:.2f}",
                f"{1e3 * echoed:.2f} ms, pickle {1e3 * twice:.2f} ms, pipe {1e3 * piped:.2f} ms",
                target,
            )
        ints_one_way(session.types.Holder())
    pipe.close()
    process.join()


if __name__ == "__main__":
    main()
