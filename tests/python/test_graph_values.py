# SPDX-License-Identifier: Apache-2.0
"""Graphs on their way to C++ and back, and what C++ makes of their edges."""

import datetime

import numpy as np
import pytest

import unity


@pytest.fixture
def tables(typed):
    return typed.toolkits.tables


@pytest.fixture
def echo(session):
    return session.toolkits.diagnostics.echo


def edges_of(*pairs):
    sources, targets = np.array(pairs, dtype=np.int64).reshape(-1, 2).T.copy()
    return sources, targets


def nested(value):
    return [1, {"a": (value, "b")}, [value]]


def test_a_graph_comes_back_equal(tables):
    for edges in (edges_of(), edges_of((7, 5), (7, 3), (3, 9), (3, 3), (7, 5))):
        for weights in (None, np.arange(len(edges[0])) / 2):
            graph = unity.Graph(edges=edges, weights=weights)
            back = tables.same_graph(graph)
            assert type(back) is unity.Graph
            assert back == graph


def test_graphs_inside_containers(session, echo):
    graph = unity.Graph(edges=edges_of((7, 5), (3, 7)))
    assert echo(nested(graph)) == nested(graph)
    assert session.toolkits.diagnostics.copy(nested(graph)) == nested(graph)
    assert session.toolkits.diagnostics.describe(graph) == {
        "kind": "graph",
        "num_edges": 2,
        "num_vertices": 3,
    }


def test_cpp_sees_edges_both_ways(tables):
    graph = unity.Graph(edges=edges_of((7, 5), (7, 3), (3, 9)), weights=np.array([1, 2, 3]))
    assert tables.vertices(graph) == [3, 5, 7, 9]
    assert tables.out(graph) == [[(3, 2)], [], [(1, 0), (0, 1)], []]
    assert tables.into(graph) == [[(2, 1)], [(2, 0)], [], [(0, 2)]]
    assert tables.weights(graph) == [1, 2, 3]


def test_given_vertices_keep_their_order(tables):
    graph = unity.Graph(edges=edges_of((7, 5)), vertices=[9, 7, 5, -1])
    assert tables.vertices(graph) == [9, 7, 5, -1]
    assert tables.out(graph) == [[], [(2, 0)], [], []]


def test_cpp_makes_graphs(tables):
    ring = tables.ring(4)
    assert ring.num_vertices == ring.num_edges == 4
    assert ring.weights.tolist() == [0, 1, 2, 3]
    labelled = tables.ring(3, has_labels=True)
    assert list(labelled.vertices) == ["v0", "v1", "v2"]
    assert tables.out(labelled) == [[(1, 0)], [(2, 1)], [(0, 2)]]
    assert tables.same_graph(labelled) == labelled


def test_labels_are_any_hashable_values(tables):
    networkx = pytest.importorskip("networkx")
    labels = ["a", ("b", 2), 2.5, frozenset({1}), b"x", datetime.date(2024, 2, 29), None]
    given = networkx.MultiDiGraph()
    given.add_nodes_from(label for label in labels if label is not None)
    given.add_edge("a", 2.5)
    graph = unity.Graph.from_networkx(given)
    assert tables.vertices(graph) == [label for label in labels if label is not None]
    assert list(tables.same_graph(graph).vertices) == list(graph.vertices)


class ForgedGraph(unity.Graph):
    """Parts of any form, which no other Graph has."""

    __slots__ = ("parts",)

    @classmethod
    def of(cls, *parts):
        forged = cls(edges=edges_of())
        forged.parts = list(parts)
        return forged

    def _to_parts(self):
        return self.parts


def test_ids_that_are_no_vertices_are_named(tables):
    for vertices in (np.array([7, 3]), np.array([7, 3 << 40])):
        graph = ForgedGraph.of(*edges_of((7, 8)), None, vertices, False)
        assert len(tables.vertices(graph)) == 2
        with pytest.raises(ValueError, match="the id 8, which is not among the graph's vertices"):
            tables.out(graph)
    with pytest.raises(ValueError, match="place 2 among the vertices, of which there are 2"):
        tables.out(ForgedGraph.of(*edges_of((0, 2)), None, ["a", "b"], True))
    with pytest.raises(ValueError, match="have the id 7 twice"):
        tables.out(ForgedGraph.of(*edges_of((7, 7)), None, np.array([7, 7]), False))


def test_objects_and_functions_are_no_vertices(session, echo):
    for label in (session.types.Counter(), len):
        graph = ForgedGraph.of(*edges_of((0, 0)), None, [label], True)
        with pytest.raises(TypeError, match="cannot send"):
            echo(graph)
        assert echo([label])[0] is label


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [*edges_of((0, 0)), None, None],
        [*edges_of((0, 0)), None, None, 1],
        [*edges_of((0, 0)), None, None, True],
        [*edges_of((0, 0)), None, ["a"], False],
        [*edges_of((0, 0)), np.zeros(2), None, False],
        [*edges_of((0, 0)), np.zeros(1, dtype=complex), None, False],
        [*edges_of((0, 0)), None, [[1]], True],
        [np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int64), None, None, False],
    ],
)
def test_a_graph_of_another_form_ends_the_session_and_no_other(own_server, parts):
    server = own_server()
    with server.connect() as bad, server.connect() as good:
        with pytest.raises(unity.Error):
            bad.toolkits.diagnostics.echo(ForgedGraph.of(*parts))
        assert good.toolkits.diagnostics.echo(1) == 1
