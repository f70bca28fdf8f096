# SPDX-License-Identifier: Apache-2.0
"""The toolkits and types that every server has, against independent implementations."""

import networkx as nx
import numpy as np
import pytest

import unity


def converged(session, sources, targets, **options):
    return session.toolkits.pagerank(
        sources=sources, targets=targets, threshold=1e-13, max_iterations=10_000, **options
    )


def reference(sources, targets, damping=0.85):
    graph = nx.MultiDiGraph()
    graph.add_edges_from(zip(map(int, sources), map(int, targets), strict=True))
    return nx.pagerank(graph, alpha=damping, tol=1e-15, max_iter=10_000)


GRAPHS = {
    "karate club": nx.karate_club_graph().to_directed(),
    "random": nx.gnp_random_graph(200, 0.03, seed=7, directed=True),
    "with dangling vertices": nx.scale_free_graph(300, seed=3),
    "les miserables": nx.convert_node_labels_to_integers(nx.les_miserables_graph()).to_directed(),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_pagerank_agrees_with_networkx(session, name):
    edges = np.array([edge[:2] for edge in GRAPHS[name].edges()], dtype=np.int64)
    sources, targets = edges[:, 0], edges[:, 1]
    result = converged(session, sources, targets)
    expected = reference(sources, targets)
    ids, scores = result["vertices"], result["scores"]
    assert list(ids) == sorted(expected)
    assert np.allclose(scores, [expected[int(v)] for v in ids], rtol=0, atol=1e-8)
    assert result["num_iterations"] > 1


def test_pagerank_takes_lists_and_any_ids(session):
    sources, targets = [10**12, 5, -7, 5], [5, -7, 10**12, 10**12]
    result = converged(session, sources, targets)
    expected = reference(sources, targets)
    assert list(result["vertices"]) == [-7, 5, 10**12]
    assert np.allclose(result["scores"], [expected[v] for v in (-7, 5, 10**12)], rtol=0, atol=1e-8)


def test_pagerank_with_another_reset_probability(session):
    sources, targets = np.array([0, 1, 2, 2]), np.array([1, 2, 0, 1])
    result = converged(session, sources, targets, reset_probability=0.4)
    expected = reference(sources, targets, damping=0.6)
    assert np.allclose(result["scores"], [expected[v] for v in range(3)], rtol=0, atol=1e-8)


def test_pagerank_refuses_what_makes_no_sense(session):
    for sources, targets, options in (
        ([0, 1], [1], {}),
        ([0.5], [1], {}),
        ([0], [1], {"reset_probability": 2.0}),
    ):
        with pytest.raises(unity.ToolkitError):
            session.toolkits.pagerank(sources=sources, targets=targets, **options)


def test_pagerank_can_be_cancelled(session, eventually):
    rng = np.random.default_rng(1)
    sources, targets = rng.integers(0, 50_000, (2, 400_000))
    call = session.toolkits.pagerank.submit(
        sources=sources, targets=targets, threshold=0.0, max_iterations=1_000_000
    )
    eventually(lambda: session.stats()["calls_running"] >= 1)
    assert call.cancel()
    eventually(lambda: session.stats()["calls_running"] == 0)


@pytest.mark.parametrize("value", [0, -1, 2**62, 0.0, -1.5, 1e300])
def test_demo_addone_keeps_the_type(session, value):
    for result in (
        session.toolkits.demo_addone(x=value),
        session.toolkits.demo_addone.submit(x=value).result(30),
        session.run("demo_addone", {"x": value}),
    ):
        assert result == {"x": value + 1}
        assert type(result["x"]) is type(value)


def test_demo_addone_refuses_everything_else(session):
    for value in ("a", None, [1], b"1"):
        with pytest.raises(unity.ToolkitError) as raised:
            session.toolkits.demo_addone(x=value)
        assert isinstance(raised.value, TypeError)


def test_counters_are_independent(session):
    one, two = session.types.Counter(), session.types.Counter(start=100)
    one.increment(3)
    one.increment(by=4)
    two.increment(-1)
    assert (one.value, two.value) == (7, 99)


def test_holder_keeps_what_it_is_given(session):
    holder = session.types.Holder()
    data = np.arange(10, dtype="u1")
    number = holder.hold(data)
    assert np.array_equal(holder.get(number), data)
    assert holder.peek(number, 2, 3) == bytes([2, 3, 4])
    holder.drop(number)
    with pytest.raises((LookupError, ValueError)):
        holder.get(number)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u4"])
def test_array_stats_are_those_of_numpy(session, dtype):
    x = (np.random.default_rng(5).random((40, 50)) * 200).astype(dtype)[::3, ::-1]
    stats = session.toolkits.array_stats(x)
    assert stats["count"] == x.size
    for name in ("sum", "mean", "std", "min", "max"):
        assert stats[name] == pytest.approx(float(getattr(x.astype("f8"), name)()), rel=1e-12)


def test_array_stats_want_numbers(session):
    with pytest.raises(unity.InvalidArgument, match="no elements"):
        session.toolkits.array_stats(np.zeros(0))
    with pytest.raises(unity.WrongType, match="x"):
        session.toolkits.array_stats(np.array(["a"]))
    assert np.isnan(session.toolkits.array_stats(np.array([1.0, np.nan]))["max"])
