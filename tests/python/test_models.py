# SPDX-License-Identifier: Apache-2.0
"""Models of graphs: PageRank and connected components of a Graph, as objects of the server."""

import io
import pydoc
import threading

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.csgraph

import unity
from conftest import DEADLINE_S

CONVERGED = {"threshold": 1e-13, "max_iterations": 10_000}
ENDLESS = {"threshold": 0.0, "max_iterations": 2**62}


@pytest.fixture
def toolkits(private):
    return private.toolkits


def graph_of(sources, targets, **more):
    return unity.Graph(edges=(np.array(sources, np.int64), np.array(targets, np.int64)), **more)


def random_graph(seed, vertices, edges):
    ends = np.random.default_rng(seed).integers(0, vertices, (2, edges))
    return unity.Graph(edges=(ends[0], ends[1]), vertices=np.arange(vertices))


def saved_and_loaded(session, value):
    file = io.BytesIO()
    session.save(value, file)
    file.seek(0)
    return session.load(file)


def test_pagerank_of_a_graph_is_a_model(private, toolkits):
    graph = graph_of([1, 1, 2, 3], [2, 3, 3, 1])
    result = toolkits.pagerank(graph=graph, reset_probability=0.2)
    assert list(result) == ["model"]
    model = result["model"]
    types = private.types
    assert type(model) is types.PagerankModel and isinstance(model, types.Model)
    assert isinstance(model.scores, np.ndarray) and model.scores.dtype == np.float64
    assert model.vertices.tolist() == [1, 2, 3] == graph.vertices.tolist()
    assert (model.num_vertices, model.num_edges) == (3, 4)
    assert (model.reset_probability, model.threshold, model.max_iterations) == (0.2, 1e-2, 20)
    assert (model.single_precision, model.normalized) == (False, True)
    assert 0 < model.num_iterations <= 20 and model.delta >= 0
    assert model.training_time >= 0


def test_scores_of_a_graph_are_those_of_its_links(toolkits):
    sources, targets = np.random.default_rng(1).integers(0, 500, (2, 3000))
    graph = unity.Graph(edges=(sources, targets))
    for options in ({}, {"normalized": False}, {"single_precision": True}, CONVERGED):
        model = toolkits.pagerank(graph=graph, **options)["model"]
        links = toolkits.pagerank(sources, targets, **options)
        assert np.array_equal(model.scores, links["scores"])
        assert model.scores.dtype == links["scores"].dtype
        assert np.array_equal(model.vertices, links["vertices"])
        assert (model.delta, model.num_iterations) == (links["delta"], links["num_iterations"])


def test_scores_of_a_networkx_graph_agree_with_networkx(toolkits):
    for given in (nx.karate_club_graph(), nx.scale_free_graph(300, seed=3), nx.path_graph(3)):
        given.add_node("alone")
        # networkx takes the attribute "weight" into account unless it is told not to.
        expected = nx.pagerank(given, alpha=0.85, tol=1e-14, max_iter=10_000, weight=None)
        graph = unity.Graph.from_networkx(given)
        model = toolkits.pagerank(graph=graph, **CONVERGED)["model"]
        assert model.vertices == list(given)
        assert model.scores == pytest.approx([expected[v] for v in given], rel=0, abs=1e-8)


def test_known_scores_that_are_not_normalized(toolkits):
    ring = np.arange(10)
    options = {"normalized": False, **CONVERGED}
    model = toolkits.pagerank(graph=graph_of(ring, np.roll(ring, 1)), **options)["model"]
    assert model.scores == pytest.approx(np.ones(10))
    star = toolkits.pagerank(graph=graph_of(np.arange(1, 10), np.zeros(9)), **options)["model"]
    assert star.scores == pytest.approx([0.15 + 0.85 * 0.15 * 9] + [0.15] * 9)


def test_scores_belong_to_who_reads_them(toolkits):
    model = toolkits.pagerank(graph=graph_of([0, 1, 2], [1, 2, 0]))["model"]
    scores = model.scores
    scores[:] = 7
    assert model.scores == pytest.approx([1 / 3] * 3)


def test_pagerank_wants_one_form_and_says_so(toolkits):
    graph = graph_of([0], [1])
    for given, text in (
        ({}, "give 'graph', or 'sources' and 'targets'; got neither"),
        ({"sources": [1]}, "got sources alone"),
        ({"targets": [1]}, "got targets alone"),
        ({"graph": graph, "sources": [1], "targets": [2]}, "either the one or the others"),
        ({"graph": graph, "threshold": -1.0}, "Parameter 'threshold' must be positive."),
        ({"graph": graph, "max_iterations": 0}, "Max iterations should be positive."),
    ):
        with pytest.raises(unity.ToolkitError, match=text) as raised:
            toolkits.pagerank(**given)
        assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize("name", ["pagerank", "connected_components"])
def test_graphs_that_are_none_are_refused_by_name(toolkits, name):
    for wrong in (5, "graph", [[0, 1]], {"edges": ([0], [1])}):
        with pytest.raises(unity.ToolkitError, match="graph") as raised:
            getattr(toolkits, name)(graph=wrong)
        assert isinstance(raised.value, TypeError)


def test_the_limit_of_links_holds_for_graphs(private, toolkits):
    settings = private.server.settings
    before = settings["pagerank.links_max"]
    settings["pagerank.links_max"] = 1
    try:
        with pytest.raises(unity.ToolkitError, match="'pagerank.links_max' is 1"):
            toolkits.pagerank(graph=graph_of([0, 1], [1, 0]))
    finally:
        settings["pagerank.links_max"] = before


def test_fields_and_summary_show_all(private, toolkits):
    graph = graph_of([0, 1], [1, 0])
    for model, title in (
        (toolkits.pagerank(graph=graph)["model"], "PageRank"),
        (toolkits.connected_components(graph=graph)["model"], "Connected components"),
    ):
        fields = model.fields()
        assert set(fields) == set(private.server.describe(type(model).__name__).properties)
        for name, value in fields.items():
            assert np.array_equal(getattr(model, name), value), name
        lines = model.summary().splitlines()
        assert lines[:2] == [title, "-" * len(title)]
        assert [line.partition(" ")[0] for line in lines[2:]] == list(fields)
        assert str(model) == model.summary()
        assert "num_vertices" in model.summary() and "array of 2" in model.summary()
        html = model._repr_html_()
        assert html.startswith("<table><caption>" + title) and html.count("<tr>") == len(fields)
        assert type(model).__name__ in repr(model)


def test_labels_cannot_be_markup(toolkits):
    graph = unity.Graph(edges=(["<b>&"], ["x"]))
    html = toolkits.pagerank(graph=graph)["model"]._repr_html_()
    assert "&lt;b&gt;&amp;" in html and "<b>" not in html


def test_models_come_back_from_a_file(private, toolkits):
    labelled = unity.Graph(edges=(["a", "b"], ["b", "c"]), vertices=["c", "b", "a", "alone"])
    for graph in (random_graph(3, 1000, 1500), labelled, graph_of([], [])):
        for name in ("pagerank", "connected_components"):
            model = getattr(toolkits, name)(graph=graph)["model"]
            loaded = saved_and_loaded(private, {"kept": model})["kept"]
            assert type(loaded) is type(model) and loaded != model
            before, after = model.fields(), loaded.fields()
            assert list(before) == list(after)
            for key, value in before.items():
                assert np.array_equal(after[key], value), key


def test_models_are_arguments_and_go_with_their_proxies(private, toolkits, eventually):
    live = private.stats()["live_objects"]
    model = toolkits.pagerank(graph=graph_of([0], [1]))["model"]
    assert toolkits.diagnostics.echo([model])[0] is model
    assert private.stats()["live_objects"] == live + 1
    del model
    eventually(lambda: private.stats()["live_objects"] == live)


def test_help_tells_of_graph_and_model(private, toolkits):
    text = pydoc.render_doc(toolkits.pagerank, renderer=pydoc.plaintext)
    assert "graph: 'unity.Graph | None' = None" in text and "PagerankModel" in text
    text = pydoc.render_doc(private.types.PagerankModel, renderer=pydoc.plaintext)
    assert "num_iterations" in text and "summary" in text and "class PagerankModel(Model)" in text


def test_progress_of_a_model_can_be_watched(private, toolkits):
    seen, enough = [], threading.Event()

    def note(name, fraction, text):
        seen.append((name, text.partition(":")[0]))
        if fraction == 1:
            enough.set()

    with private.watch("pagerank", note):
        toolkits.pagerank(graph=graph_of([1, 1, 2, 3], [2, 3, 3, 1]), threshold=0.0)
        assert enough.wait(DEADLINE_S)
    assert seen == [("pagerank", f"iteration {n}") for n in range(1, 21)]


def test_pagerank_of_a_graph_can_be_cancelled(private, toolkits, eventually):
    call = toolkits.pagerank.submit(graph=random_graph(4, 2000, 10_000), **ENDLESS)
    eventually(lambda: private.stats()["calls_running"] >= 1)
    assert call.cancel()
    eventually(lambda: private.stats()["calls_running"] == 0)
    with pytest.raises(unity.Cancelled):
        call.result(DEADLINE_S)


def partition(component_id):
    """The same numbers for the same partition, whatever the components are called."""
    _, first, inverse = np.unique(component_id, return_index=True, return_inverse=True)
    return first[inverse]


GRAPHS = {
    "no vertices": ([], [], []),
    "isolated vertices": ([], [], [5, 3, 9]),
    "self-loops": ([0, 1, 1], [0, 1, 1], [0, 1, 2]),
    "one against the direction of the other": ([0, 2], [1, 1], [0, 1, 2]),
    "parallel edges": ([0, 0, 3], [1, 1, 4], [0, 1, 2, 3, 4]),
    "a long chain backwards": (np.arange(1, 5000), np.arange(4999), np.arange(5000)),
    "a star": (np.zeros(50), np.arange(50), np.arange(60)),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_components_agree_with_networkx(toolkits, name):
    sources, targets, vertices = (np.asarray(part, np.int64) for part in GRAPHS[name])
    graph = unity.Graph(edges=(sources, targets), vertices=vertices)
    model = toolkits.connected_components(graph=graph)["model"]
    given = nx.MultiDiGraph()
    given.add_nodes_from(vertices.tolist())
    given.add_edges_from(zip(sources.tolist(), targets.tolist(), strict=True))
    expected = list(nx.weakly_connected_components(given))
    assert model.component_id.dtype == model.component_sizes.dtype == np.int64
    assert model.num_components == len(expected) == len(model.component_sizes)
    assert model.largest_size == max(map(len, expected), default=0)
    found = {}
    for vertex, component in zip(vertices.tolist(), model.component_id.tolist(), strict=True):
        found.setdefault(component, set()).add(vertex)
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, expected))
    assert [len(found[i]) for i in range(len(found))] == model.component_sizes.tolist()
    assert list(found) == sorted(found)  # in the order of their first vertices


@pytest.mark.parametrize("edges", [300_000, 1_000_000])
def test_components_of_a_million_random_edges_agree_with_scipy(toolkits, edges):
    graph = random_graph(edges, 1_000_000, edges)
    model = toolkits.connected_components(graph=graph)["model"]
    links = scipy.sparse.coo_array(
        (np.ones(edges, np.int8), (graph.sources, graph.targets)), (1_000_000, 1_000_000)
    )
    count, labels = scipy.sparse.csgraph.connected_components(links, connection="weak")
    assert model.num_components == count > 1
    assert np.array_equal(partition(model.component_id), partition(labels))
    assert np.array_equal(model.component_sizes, np.bincount(model.component_id))


def test_components_of_labelled_vertices(toolkits):
    given = nx.Graph([("a", "b"), ("c", "d"), ("d", "e")])
    given.add_node("alone")
    model = toolkits.connected_components(graph=unity.Graph.from_networkx(given))["model"]
    assert model.vertices == list(given)
    assert model.component_id.tolist() == [0, 0, 1, 1, 1, 2]
    assert model.component_sizes.tolist() == [2, 3, 1]
