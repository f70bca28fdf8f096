# SPDX-License-Identifier: Apache-2.0
"""PageRank against a solution of its linear equations and against networkx, with all options."""

import array
import inspect
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import unity

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
import wordnet_graph  # noqa: E402

TOLERANCE = 1e-8
CONVERGED = {"threshold": 1e-13, "max_iterations": 10_000}


class Links:
    """The links of a graph as a matrix, made by SciPy alone."""

    def __init__(self, sources, targets):
        self.vertices, ends = np.unique(np.concatenate([sources, targets]), return_inverse=True)
        count = len(self.vertices)
        sources, targets = ends[: len(sources)], ends[len(sources) :]
        ones = np.ones(len(sources))  # parallel links add up
        links = scipy.sparse.coo_array((ones, (targets, sources)), (count, count)).tocsr()
        self.out = np.asarray(links.sum(axis=0)).ravel()
        self.dangling = self.out == 0
        self.follow = links @ scipy.sparse.diags_array(1 / np.where(self.dangling, 1, self.out))

    def step(self, scores, reset, normalized):
        """One iteration."""
        initial = 1 / len(scores) if normalized else 1.0
        spread = scores[self.dangling].sum() * initial if normalized else 0.0
        return reset * initial + (1 - reset) * (self.follow @ scores + spread)

    def iterate(self, reset, threshold, max_iterations, normalized=True):
        """The scores, the number of iterations and the last change."""
        count = len(self.vertices)
        scores = np.full(count, 1 / count if normalized else 1.0)
        iterations, delta = 0, np.inf
        while iterations < max_iterations and not delta < threshold:
            new = self.step(scores, reset, normalized)
            delta, scores = np.abs(new - scores).sum(), new
            iterations += 1
        return scores, iterations, delta

    def solve(self, reset, normalized=True):
        """The fixed point, by a direct solver: no iteration."""
        count = len(self.vertices)
        if normalized:
            # Up to a factor: what dangling vertices spread is a part of the equal share of all.
            matrix = scipy.sparse.eye_array(count) - (1 - reset) * self.follow
            scores = scipy.sparse.linalg.spsolve(matrix.tocsc(), np.ones(count))
            return scores / scores.sum()
        matrix = scipy.sparse.eye_array(count) - (1 - reset) * self.follow
        return scipy.sparse.linalg.spsolve(matrix.tocsc(), np.full(count, reset))


def random_links(seed, vertices, links):
    rng = np.random.default_rng(seed)
    # Squared, so that some vertices get many links, and some have none out.
    return ((rng.random((2, links)) ** 2) * vertices).astype(np.int64)


GRAPHS = {
    "one loop": ([5], [5]),
    "one link": ([1], [2]),
    "two that point at each other": ([0, 1], [1, 0]),
    "a chain": (np.arange(20), np.arange(1, 21)),
    "a ring": (np.arange(20), (np.arange(20) + 1) % 20),
    "a star inwards": (np.arange(1, 30), np.zeros(29, np.int64)),
    "a star outwards": (np.zeros(29, np.int64), np.arange(1, 30)),
    "loops besides links": ([0, 0, 1, 2, 2], [0, 1, 1, 2, 0]),
    "a loop only, beside a ring": ([9, 0, 1, 2], [9, 1, 2, 0]),
    "parallel links": ([0, 0, 0, 1, 1, 2], [1, 1, 2, 0, 0, 0]),
    "parallel loops": ([0, 0, 0, 1], [0, 0, 1, 0]),
    "two parts": ([0, 1, 10, 11, 12], [1, 0, 11, 12, 10]),
    "everybody dangles but one": (np.zeros(9, np.int64), np.arange(1, 10)),
    "extreme ids": ([-(2**63), 2**63 - 1, 0], [2**63 - 1, 0, -(2**63)]),
    "sparse": random_links(1, 500, 400),
    "dense": random_links(2, 60, 3000),
    "skewed": random_links(3, 2000, 10_000),
}


@pytest.fixture
def pagerank(private):
    return private.toolkits.pagerank


@pytest.mark.parametrize("reset", [0.15, 0.5, 0.01])
@pytest.mark.parametrize("name", GRAPHS)
def test_scores_solve_the_equations(pagerank, name, reset):
    sources, targets = (np.asarray(ends, dtype=np.int64) for ends in GRAPHS[name])
    result = pagerank(sources, targets, reset_probability=reset, **CONVERGED)
    links = Links(sources, targets)
    assert np.array_equal(result["vertices"], links.vertices)
    assert result["vertices"].dtype == np.int64 and result["scores"].dtype == np.float64
    assert np.abs(result["scores"] - links.solve(reset)).max() < TOLERANCE
    assert abs(result["scores"].sum() - 1) < TOLERANCE


@pytest.mark.parametrize("name", GRAPHS)
def test_scores_agree_with_networkx(pagerank, name):
    sources, targets = GRAPHS[name]
    graph = nx.MultiDiGraph()
    graph.add_edges_from(zip(map(int, sources), map(int, targets), strict=True))
    expected = nx.pagerank(graph, alpha=0.85, tol=1e-15, max_iter=10_000)
    result = pagerank(np.asarray(sources), np.asarray(targets), **CONVERGED)
    assert list(result["vertices"]) == sorted(expected)
    for vertex, score in zip(result["vertices"], result["scores"], strict=True):
        assert abs(score - expected[vertex]) < TOLERANCE


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("iterations", [1, 2, 7])
@pytest.mark.parametrize("name", ["parallel links", "sparse", "skewed"])
def test_each_iteration_is_the_definition(pagerank, name, iterations, normalized):
    sources, targets = map(np.asarray, GRAPHS[name])
    result = pagerank(
        sources, targets, threshold=0, max_iterations=iterations, normalized=normalized
    )
    scores, count, delta = Links(sources, targets).iterate(0.15, 0, iterations, normalized)
    assert result["num_iterations"] == count == iterations
    assert np.allclose(result["scores"], scores, rtol=1e-12, atol=0)
    assert result["delta"] == pytest.approx(delta, rel=1e-6)


@pytest.mark.parametrize("threshold", [1.0, 1e-2, 1e-5, 1e-9])
def test_it_ends_below_the_threshold(pagerank, threshold):
    sources, targets = GRAPHS["skewed"]
    result = pagerank(sources, targets, threshold=threshold, max_iterations=1000)
    scores, count, delta = Links(sources, targets).iterate(0.15, threshold, 1000)
    assert result["num_iterations"] == count
    assert result["delta"] < threshold and result["delta"] == pytest.approx(delta, rel=1e-4)
    assert np.allclose(result["scores"], scores, rtol=1e-12, atol=0)
    assert result["training_time"] >= 0


def test_the_defaults_are_the_originals(pagerank):
    sources, targets = GRAPHS["skewed"]
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(pagerank).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    unset = ("sources", "targets", "graph", "num_threads")
    assert [defaults.pop(name) for name in unset] == [None] * 4
    assert defaults == {
        "reset_probability": 0.15,
        "threshold": 1e-2,
        "max_iterations": 20,
        "single_precision": False,
        "normalized": True,
    }
    given, implied = pagerank(sources, targets, **defaults), pagerank(sources, targets)
    assert np.array_equal(given["scores"], implied["scores"])
    assert implied["num_iterations"] < 20 and implied["delta"] < 1e-2


def test_scores_that_are_not_normalized(pagerank):
    sources, targets = GRAPHS["skewed"]
    result = pagerank(sources, targets, normalized=False, **CONVERGED | {"threshold": 1e-11})
    expected = Links(sources, targets).solve(0.15, normalized=False)
    assert np.abs(result["scores"] - expected).max() < TOLERANCE
    assert result["scores"].sum() > 1.5  # they begin at 1 each


def test_single_precision(pagerank):
    sources, targets = GRAPHS["skewed"]
    result = pagerank(sources, targets, single_precision=True, threshold=1e-6, max_iterations=500)
    assert result["scores"].dtype == np.float32
    expected = Links(sources, targets).solve(0.15)
    assert np.abs(result["scores"] - expected).max() < 1e-6


def test_the_ends_of_the_reset_probability(pagerank):
    sources, targets = GRAPHS["skewed"]
    result = pagerank(sources, targets, reset_probability=1.0)
    assert np.allclose(result["scores"], 1 / len(result["vertices"]), rtol=1e-12)
    ring = pagerank(*GRAPHS["a ring"], reset_probability=0.0, **CONVERGED)
    assert np.allclose(ring["scores"], 1 / 20, rtol=1e-12)


def test_links_of_any_integers(pagerank):
    sources, targets = GRAPHS["dense"]
    expected = pagerank(sources, targets)
    wide = np.zeros((len(sources), 2), dtype=np.int64)
    wide[:, 1] = sources
    for spelled in (
        sources.tolist(),
        tuple(sources.tolist()),
        array.array("i", sources.tolist()),
        sources.astype(np.uint8),
        sources.astype(np.int32),
        wide[:, 1],
        sources[::-1].copy()[::-1],
    ):
        result = pagerank(spelled, targets)
        assert np.array_equal(result["scores"], expected["scores"])
        assert np.array_equal(result["vertices"], expected["vertices"])


def test_the_order_of_the_links_does_not_matter(pagerank):
    sources, targets = GRAPHS["skewed"]
    order = np.random.default_rng(4).permutation(len(sources))
    first = pagerank(sources, targets, **CONVERGED)
    second = pagerank(sources[order], targets[order], **CONVERGED)
    assert np.array_equal(first["vertices"], second["vertices"])
    assert np.allclose(first["scores"], second["scores"], rtol=0, atol=1e-12)


def test_no_links(pagerank):
    result = pagerank([], [])
    assert len(result["scores"]) == len(result["vertices"]) == 0
    assert result["num_iterations"] == 0


REFUSED = {
    "threshold": ([-1e-9, -1.0, float("nan")], "Parameter 'threshold' must be positive."),
    "reset_probability": (
        [-0.1, 1.1, float("nan"), float("inf")],
        "Parameter 'reset_probability' should be between 0 and 1.",
    ),
    "max_iterations": ([0, -1, -(2**63)], "Max iterations should be positive."),
}


@pytest.mark.parametrize("option", REFUSED)
def test_options_that_make_no_sense(pagerank, option):
    values, text = REFUSED[option]
    for value in values:
        for links in (([0], [1]), ([], [])):
            with pytest.raises(unity.ToolkitError) as raised:
                pagerank(*links, **{option: value})
            assert str(raised.value) == text
            assert isinstance(raised.value, ValueError)
            assert raised.value.where == "pagerank"


def test_arguments_of_wrong_types(pagerank):
    for arguments, name in (
        ({"sources": "ab", "targets": [1]}, "sources"),
        ({"sources": [0], "targets": [0.5]}, "targets"),
        ({"sources": np.zeros((2, 2), int), "targets": [1]}, "sources"),
        ({"sources": [0], "targets": [1], "max_iterations": 2.5}, "max_iterations"),
        ({"sources": [0], "targets": [1], "threshold": "small"}, "threshold"),
        ({"sources": [0], "targets": [1], "normalized": 1}, "normalized"),
    ):
        with pytest.raises(unity.ToolkitError, match=name) as raised:
            pagerank(**arguments)
        assert isinstance(raised.value, TypeError)
    with pytest.raises(unity.ToolkitError) as raised:
        pagerank([2**64 - 1 >> 1, 0], np.array([0, 2**63], dtype=np.uint64))
    assert isinstance(raised.value, (TypeError, OverflowError))
    with pytest.raises(ValueError, match="sources.*targets"):
        pagerank([0, 1, 2], [1, 2])
    with pytest.raises(TypeError, match="damping"):
        pagerank([0], [1], damping=0.85)


ENDLESS = {"threshold": 0.0, "max_iterations": 2**62}


def test_cancelling_a_running_one(private, pagerank, eventually):
    call = pagerank.submit(*GRAPHS["skewed"], **ENDLESS)
    eventually(lambda: private.stats()["calls_running"] >= 1)
    assert call.cancel()
    eventually(lambda: private.stats()["calls_running"] == 0)
    with pytest.raises(unity.Cancelled):
        call.result(30)
    assert pagerank([0], [1])["num_iterations"] > 0


def test_a_deadline_ends_it_on_the_server_too(private, pagerank, eventually):
    with pytest.raises(unity.CallTimeout):
        pagerank.options(timeout_s=0.05)(*GRAPHS["skewed"], **ENDLESS)
    eventually(lambda: private.stats()["calls_running"] == 0)


def test_many_at_one_time(private, pagerank):
    running = pagerank.submit(*GRAPHS["skewed"], **ENDLESS)
    expected = pagerank(*GRAPHS["dense"])["scores"]
    calls = [pagerank.submit(*GRAPHS["dense"]) for _ in range(20)]
    for call in calls:
        assert np.array_equal(call.result(30)["scores"], expected)
    assert private.toolkits.demo_addone(x=1) == {"x": 2}
    assert not running.done() and running.cancel()


@pytest.mark.skipif(
    not wordnet_graph.DATA_NOUN.exists(), reason="the Debian package wordnet-base is missing"
)
def test_the_nouns_of_wordnet(pagerank):
    sources, targets, names = wordnet_graph.read_links()
    result = pagerank(sources, targets, **CONVERGED)
    links = Links(np.asarray(sources), np.asarray(targets))
    expected, _, _ = links.iterate(0.15, 1e-13, 10_000)
    assert np.array_equal(result["vertices"], links.vertices)
    assert np.abs(result["scores"] - expected).max() < TOLERANCE
    # Independently of any iteration: another step changes nothing.
    step = links.step(result["scores"], 0.15, normalized=True)
    assert np.abs(step - result["scores"]).max() < TOLERANCE
    best = result["vertices"][np.argmax(result["scores"])]
    assert names[best] == "entity"
