# SPDX-License-Identifier: Apache-2.0
"""Dataframes and graphs: what they cost beside their arrays, and PageRank beside SciPy's kernel."""

import statistics

import numpy as np
import scipy.sparse

import measure
import unity

GIB = 1 << 30
COLUMNS = 16
BLOCKS = 9
VERTICES = 1_000_000
EDGES = 20_000_000
RESET = 0.15


def frame_beside_its_arrays(session):
    """1 GiB of numeric columns one way, beside the same arrays in a list."""
    rows = GIB // COLUMNS // 8
    kinds = [np.float64, np.int64, "datetime64[ns]", np.uint64]
    columns = {f"c{i}": np.arange(rows).astype(kinds[i % len(kinds)]) for i in range(COLUMNS)}
    arrays = list(columns.values())
    take = session.toolkits.diagnostics.describe

    def as_frame(times):
        for _ in range(times):
            take(unity.DataFrame(columns))

    def as_list(times):
        for _ in range(times):
            take(arrays)

    pairs = measure.alternating(as_frame, as_list, BLOCKS, 1)
    low, middle, high = measure.quartiles([frame / plain for frame, plain in pairs])
    measure.line(
        "1 GiB dataframe of numeric columns / its arrays, one way",
        f"{middle:.2f} x",
        f"quartiles {low:.2f} {high:.2f}; "
        f"{statistics.median(frame for frame, _ in pairs) * 1e3:.0f} ms",
        "at most 1.05",
    )


def generated_edges():
    """Sources and targets of the graph: sources uniform, targets with some hubs."""
    rng = np.random.default_rng(7)
    sources = rng.integers(0, VERTICES, EDGES)
    targets = (rng.random(EDGES) ** 2 * VERTICES).astype(np.int64)
    return sources, targets


class SciPyRank:
    """The same iteration with SciPy's product of a CSR matrix and a vector, on one thread."""

    def __init__(self, sources, targets):
        degrees = np.bincount(sources, minlength=VERTICES)
        self.ends = np.flatnonzero(degrees == 0)
        parts = 1.0 / degrees[sources]
        # Parallel links are added up, which leaves SciPy slightly less to do.
        self.links = scipy.sparse.csr_array((parts, (targets, sources)), shape=(VERTICES,) * 2)
        self.scores = np.full(VERTICES, 1 / VERTICES)
        self.delta = None

    def iterate(self, times):
        """So many iterations."""
        for _ in range(times):
            spread = self.scores[self.ends].sum() / VERTICES
            scores = self.links @ self.scores
            scores *= 1 - RESET
            scores += RESET / VERTICES + (1 - RESET) * spread
            self.delta = np.abs(scores - self.scores).sum()
            self.scores = scores


def server_seconds(session, graph, threads, few=2, many=12):
    """Seconds of one iteration on the server: what more iterations take, for each of them."""
    took = [
        session.toolkits.pagerank(
            graph=graph,
            reset_probability=RESET,
            threshold=0.0,
            max_iterations=count,
            num_threads=threads,
        )["model"].training_time
        for count in (few, many)
    ]
    return (took[1] - took[0]) / (many - few)


def pagerank_beside_scipy(session):
    """One iteration on 1 M vertices and 20 M edges, on one thread and on two."""
    sources, targets = generated_edges()
    peer = SciPyRank(sources, targets)
    with unity.allocator():
        shared = sources.copy(), targets.copy()
    graph = unity.Graph(edges=shared, vertices=np.arange(VERTICES))
    times = {1: [], 2: []}
    peer.iterate(1)
    for _ in range(5):
        floor = measure.seconds(peer.iterate, 5) / 5
        for threads, ratios in times.items():
            ratios.append((server_seconds(session, graph, threads) / floor, floor))
    for threads, ratios in times.items():
        middle = statistics.median(ratio for ratio, _ in ratios)
        floor = statistics.median(floor for _, floor in ratios)
        measure.line(
            f"PageRank iteration, 1 M vertices, 20 M edges, threads: {threads} / SciPy",
            f"{middle:.2f} x",
            f"SciPy {floor * 1e3:.0f} ms",
            "at most 1.2" if threads == 1 else "less than with one",
        )
    check(session, graph, peer)


def check(session, graph, peer):
    """Both must have computed the same."""
    peer.scores = np.full(VERTICES, 1 / VERTICES)
    peer.iterate(5)
    options = {"reset_probability": RESET, "threshold": 0.0, "max_iterations": 5}
    ours = session.toolkits.pagerank(graph=graph, **options)["model"].scores
    difference = np.abs(ours - peer.scores).sum()
    if difference > 1e-9:
        raise SystemExit(f"the server and SciPy differ by {difference}")


def main():
    """Run all parts."""
    with unity.launch(diagnostics=True) as session:
        frame_beside_its_arrays(session)
    with unity.launch() as session:
        pagerank_beside_scipy(session)


if __name__ == "__main__":
    main()
