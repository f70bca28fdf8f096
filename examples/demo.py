# SPDX-License-Identifier: Apache-2.0
"""A tour: counts on a server, runs toolkits, ranks WordNet's nouns, learns from penguins, looks in.

Run it by `make demo`, or with the packages of `import` below installed: python examples/demo.py
[PNG], where PNG is the file that the plot is written to, pagerank.png unless given.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from palmerpenguins import load_penguins
from rank_plot import plot_ranks
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


def rank_nouns(session, png):
    """Ranks WordNet's noun synsets by PageRank, computed in C++, and plots the scores."""
    step(f"PageRank of a real graph: {DATA_NOUN}")
    sources, targets, names = read_links()
    graph = unity.Graph(edges=(sources, targets))
    show("unity.Graph(edges=(sources, targets))", graph)
    model = session.toolkits.pagerank(graph=graph, threshold=1e-12, max_iterations=500)["model"]
    show("session.toolkits.pagerank(graph=graph, ...)", repr(model))
    show("model.num_iterations", model.num_iterations)
    show("model.training_time", f"{model.training_time:.3f} seconds in C++")
    scores = model.scores
    show("model.scores.sum()", f"{scores.sum():.9f}")
    best = np.argsort(-scores, kind="stable")[:10]
    print("    the ten meanings that most others lead to:")
    labels = [names[vertex] for vertex in model.vertices[best].tolist()]
    for score, label in zip(scores[best], labels, strict=True):
        print(f"        {score:.6f}  {label}")
    plot_ranks(scores, labels, png)
    show("a plot of all scores", png)


def learn_sexes(session):
    """Learns to tell female from male penguins, from a pandas table with missing values."""
    step("A model of a real dataset: the penguins of Palmer Station, Antarctica")
    penguins = load_penguins()
    features = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    show("penguins = load_penguins()", f"a pandas.DataFrame of {len(penguins)} rows")
    model = session.toolkits.logistic_regression(
        data=penguins[[*features, "sex"]], target="sex", features=features, missing="drop"
    )["model"]
    show("session.toolkits.logistic_regression(...)", repr(model))
    for text in model.summary().splitlines():
        print(f"        {text}")
    known = penguins.dropna(subset=[*features, "sex"]).reset_index(drop=True)
    right = sum(
        guess == sex
        for guess, sex in zip(model.predict(known[features]), known["sex"], strict=True)
    )
    show("model.predict(...) is right for", f"{right} of {len(known)}")


def look_in(session):
    """What `python -m unity` shows of the server from another process."""
    for command in (["describe", session.address, "Counter"], ["top", "--once", session.address]):
        step("From a shell: python -m unity " + " ".join(command))
        done = subprocess.run(
            [sys.executable, "-m", "unity", *command], stdout=subprocess.PIPE, text=True, check=True
        )
        for text in done.stdout.splitlines():
            print(f"    {text}".rstrip())


def main(png):
    step("Launching a private server")
    with unity.launch() as session:
        show("session = unity.launch()", session)
        show("session.server_pid", session.server_pid)
        show("session.ping()", f"{session.ping() * 1e6:.0f} microseconds")
        show("dir(session.types)", ", ".join(dir(session.types)))
        show("dir(session.toolkits)", ", ".join(dir(session.toolkits)))
        count(session)
        add_one(session)
        rank_nouns(session, png)
        learn_sexes(session)
        look_in(session)
    step("The session is closed and the server is gone")
    show("session", session)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit("usage: python examples/demo.py [PNG]")
    try:
        main(Path(sys.argv[1] if len(sys.argv) == 2 else "pagerank.png"))
    except FileNotFoundError as error:
        sys.exit(f"demo: {error}")
