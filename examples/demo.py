# SPDX-License-Identifier: Apache-2.0
"""A tour: launches a server, counts, runs toolkits, ranks the nouns of WordNet.

Run it by `make demo`, or with the package `unity` installed: python examples/demo.py
"""

import sys
import time

from wordnet_graph import DATA_NOUN, read_links

import unity

SECONDS_TO_DROP = 10.0


def step(title):
    print(f"\n{title}", flush=True)


def show(expression, value):
    print(f"    {expression:<44} -> {value}", flush=True)


def count(session):
    """Creates, calls and drops a Counter; shows that the server lets it go."""
    step("A Counter on the server")
    before = session.stats()["live_objects"]
    counter = session.types.Counter()
    show("counter = session.types.Counter()", counter)
    show("counter.increment(3)", counter.increment(3))
    show("counter.increment(by=4)", counter.increment(by=4))
    show("counter.value", counter.value)
    show('session.stats()["live_objects"]', session.stats()["live_objects"])
    del counter
    deadline = time.monotonic() + SECONDS_TO_DROP
    while session.stats()["live_objects"] != before:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server still holds the Counter after {SECONDS_TO_DROP:g} s")
        time.sleep(0.01)
    show("del counter; live objects", session.stats()["live_objects"])


def add_one(session):
    """Runs the smallest toolkit by name and as a function, and lets it fail."""
    step("A toolkit: a map in, a map out")
    show('session.run("demo_addone", {"x": 5})', session.run("demo_addone", {"x": 5}))
    show("session.toolkits.demo_addone(x=1.5)", session.toolkits.demo_addone(x=1.5))
    try:
        session.toolkits.demo_addone(x="one")
    except TypeError as error:
        show('session.toolkits.demo_addone(x="one")', f"{type(error).__name__}: {error}")


def rank_nouns(session):
    """Ranks WordNet's noun synsets by PageRank, computed in C++."""
    step(f"PageRank of a real graph: {DATA_NOUN}")
    sources, targets, names = read_links()
    show("links from a meaning to a more general one", f"{len(sources):,}")
    result = session.toolkits.pagerank(
        sources=sources, targets=targets, threshold=1e-12, max_iterations=500
    )
    vertices = memoryview(result["vertices"]).tolist()
    scores = memoryview(result["scores"]).tolist()
    show("vertices", f"{len(vertices):,}")
    show("iterations until the scores stand still", result["num_iterations"])
    show("seconds in C++", f"{result['training_time']:.3f}")
    show("sum of all scores", f"{sum(scores):.9f}")
    print("    the ten meanings that most others lead to:")
    ranked = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    for i in ranked[:10]:
        print(f"        {scores[i]:.6f}  {names[vertices[i]]}")


def main():
    step("Launching a private server")
    with unity.launch() as session:
        show("session = unity.launch()", session)
        show("session.server_pid", session.server_pid)
        show("session.ping()", f"{session.ping() * 1e6:.0f} microseconds")
        show("dir(session.types)", ", ".join(dir(session.types)))
        show("dir(session.toolkits)", ", ".join(dir(session.toolkits)))
        count(session)
        add_one(session)
        rank_nouns(session)
    step("The session is closed and the server is gone")
    show("session", session)


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as error:
        sys.exit(f"demo: {error}")
