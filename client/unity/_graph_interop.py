# SPDX-License-Identifier: Apache-2.0
"""Graphs from and for networkx and SciPy."""

from unity import _dtypes, _vectors
from unity._graphs import _is_id, _weights_of

_INT64 = f"{_dtypes._NATIVE}i8"


def from_networkx(cls, graph, weight):
    """See Graph.from_networkx()."""
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_directed")):
        raise TypeError(f"expected a graph of networkx, got a {type(graph).__qualname__}")
    nodes = list(graph.nodes)
    are_ids = all(map(_is_id, nodes))
    places = None if are_ids else {node: place for place, node in enumerate(nodes)}
    both_ways = not graph.is_directed()
    sources, targets, weights = [], [], []
    for source, target, value in graph.edges(data=weight, default=1):
        if not are_ids:
            source, target = places[source], places[target]
        sources.append(source)
        targets.append(target)
        weights.append(value)
        if both_ways and source != target:
            sources.append(target)
            targets.append(source)
            weights.append(value)
    result = cls.__new__(cls)
    result._fill(
        _vectors.from_list(_INT64, sources),
        _vectors.from_list(_INT64, targets),
        None if weight is None else _weights_of(weights),
        _vectors.from_list(_INT64, nodes) if are_ids else nodes,
        not are_ids,
    )
    return result


def to_networkx(graph, weight):
    """See Graph.to_networkx()."""
    import networkx

    sources, targets = graph.sources.tolist(), graph.targets.tolist()
    vertices = graph.vertices
    if isinstance(vertices, list):
        sources, targets = ([vertices[place] for place in ends] for ends in (sources, targets))
    else:
        vertices = vertices.tolist()
    has_parallel = len(set(zip(sources, targets, strict=True))) < len(sources)
    result = networkx.MultiDiGraph() if has_parallel else networkx.DiGraph()
    result.add_nodes_from(vertices)
    if graph.weights is None:
        result.add_edges_from(zip(sources, targets, strict=True))
    else:
        edges = zip(sources, targets, graph.weights.tolist(), strict=True)
        result.add_weighted_edges_from(edges, weight=weight)
    return result


def from_scipy(cls, matrix):
    """See Graph.from_scipy()."""
    import numpy

    if not all(hasattr(matrix, name) for name in ("tocoo", "shape", "dtype")):
        raise TypeError(
            f"expected a sparse matrix or array of SciPy, got a {type(matrix).__qualname__}"
        )
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            "the matrix of a graph has a row and a column for each vertex, so it is square; this "
            f"one has the shape {matrix.shape}"
        )
    entries = matrix.tocoo()
    weights = entries.data
    if weights.dtype.kind == "b":
        weights = weights.astype(numpy.uint8)
    result = cls.__new__(cls)
    result._fill(
        entries.row.astype(numpy.int64, copy=False),
        entries.col.astype(numpy.int64, copy=False),
        _weights_of(weights),
        numpy.arange(matrix.shape[0], dtype=numpy.int64),
        True,
    )
    return result


def to_scipy(graph):
    """See Graph.to_scipy()."""
    import numpy
    import scipy.sparse

    sources, targets = graph._ends_as_places()
    weights = numpy.ones(graph.num_edges) if graph.weights is None else graph.weights
    size = graph.num_vertices
    return scipy.sparse.coo_array((weights, (sources, targets)), shape=(size, size))
