# SPDX-License-Identifier: Apache-2.0
"""`unity.Graph`: vertices and directed edges."""

from unity import _dtypes, _vectors
from unity._cells import ValueCells
from unity._column import _packed, _unpacked
from unity._column_sources import cells_of

_INT64 = f"{_dtypes._NATIVE}i8"
_INTS = range(-(2**63), 2**63)


class Graph:
    """A directed graph, a value that functions of a server take and return.

    The vertices are the sorted distinct ids of the edges, unless `vertices` is given; every result
    that has something for each vertex is in the order of `vertices`. Parallel edges and self-loops
    stay. It never changes.

    Two graphs are equal if they have the same vertices in the same order, the same edges in the
    same order, and the same weights, bit by bit.

    Args:
        edges: a tuple (sources, targets) of two arrays or lists of ids, as long as each other; or
            one array of shape (E, 2). Ids are ints; arrays of int64 are not copied. Together with
            `vertices` that are no ints they may be any of these.
        weights: a real number for each edge; an array of any dtype of real numbers, or a list.
        vertices: all vertices, in the order of results: an array or list of distinct ints; or a
            list of any distinct hashable values that can be sent. To be given if there are isolated
            ones. Not needed if the ids are all str: their vertices are the sorted ones.

    Raises:
        TypeError: ids are no ints (floats are not); weights are no real numbers.
        ValueError: lengths differ; a vertex is there twice; an edge has one that is not there.
        OverflowError: an id is beyond 64 bits.
    """

    __slots__ = ("__weakref__", "_found", "_is_indexed", "_places", "_sources", "_targets",
                 "_vertices", "_weights")  # fmt: skip

    def __init__(self, edges=((), ()), *, weights=None, vertices=None):
        sources, targets = [_listed_texts(ends) for ends in _pair_of(edges)]
        given = None if vertices is None else _vertices_of(vertices)
        if isinstance(given, list):
            places = {vertex: place for place, vertex in enumerate(given)}
            sources, targets = (_placed(ends, places) for ends in (sources, targets))
        elif given is None and _are_texts(sources) and _are_texts(targets):
            given = sorted({*sources, *targets})
            places = {vertex: place for place, vertex in enumerate(given)}
            sources, targets = (_placed(ends, places) for ends in (sources, targets))
        else:
            sources, targets = _ids_of(sources, "sources"), _ids_of(targets, "targets")
            if given is not None:
                _check_known(sources, given)
                _check_known(targets, given)
        self._fill(sources, targets, _weights_of(weights), given, isinstance(given, list))

    def _fill(self, sources, targets, weights, vertices, is_indexed):
        if len(sources) != len(targets):
            raise ValueError(
                f"edges have a source and a target each, but there are {len(sources)} sources and "
                f"{len(targets)} targets"
            )
        if weights is not None and len(weights) != len(sources):
            raise ValueError(f"there are {len(weights)} weights for {len(sources)} edges")
        self._sources, self._targets, self._weights = sources, targets, weights
        self._vertices, self._is_indexed = vertices, is_indexed
        self._found = None  # the vertices, if they were not given, once wanted
        self._places = None  # the ends of the edges as places in `vertices`, once wanted

    @classmethod
    def from_networkx(cls, graph, weight=None):
        """A Graph of one of networkx.

        An undirected graph gives both directions of each edge, but a self-loop once. The vertices
        are the nodes, in their order.

        Args:
            graph: a networkx Graph, DiGraph, MultiGraph or MultiDiGraph.
            weight: the name of the attribute of the edges that is their weight; 1 for edges without
                it. None gives no weights.

        Raises:
            TypeError: it is no such graph, or a weight is no real number.
        """
        from unity import _graph_interop

        return _graph_interop.from_networkx(cls, graph, weight)

    @classmethod
    def from_scipy(cls, matrix):
        """A Graph of a sparse matrix or array of SciPy: an edge from row to column for each entry
        that is stored, with it as the weight. The vertices are the numbers of all rows.

        Raises:
            TypeError: it is no such matrix, or of complex numbers.
            ValueError: it is not square.
        """
        from unity import _graph_interop

        return _graph_interop.from_scipy(cls, matrix)

    def to_networkx(self, *, weight="weight"):
        """A networkx.DiGraph; a MultiDiGraph if there are parallel edges. Weights, if there are
        any, are the attribute `weight` of the edges. ImportError without networkx."""
        from unity import _graph_interop

        return _graph_interop.to_networkx(self, weight)

    def to_scipy(self):
        """A scipy.sparse.coo_array with a row and a column for each vertex, in their order, and an
        entry for each edge: its weight, or 1.0 if there are none. Its `tocsr()` adds up parallel
        edges. ImportError without SciPy."""
        from unity import _graph_interop

        return _graph_interop.to_scipy(self)

    @property
    def sources(self):
        """Where each edge begins: an array of int64, with the ids of vertices if these are ints,
        else with their places in `vertices`. Not to be changed."""
        return self._ends(self._sources)

    @property
    def targets(self):
        """Where each edge ends, in the same way."""
        return self._ends(self._targets)

    def _ends(self, ends):
        if not self._is_indexed or isinstance(self._vertices, list):
            return ends
        if _is_counting(self._vertices):
            return ends
        numpy = _vectors.numpy_or_none()
        if numpy is not None:
            return self._vertices[ends]
        ids = self._vertices.tolist()
        return _vectors.from_list(_INT64, [ids[place] for place in ends.tolist()])

    @property
    def weights(self):
        """The weight of each edge, an array of real numbers; None if there are none."""
        return self._weights

    @property
    def vertices(self):
        """All vertices, in the order of results: an array of int64, or a list if they are no ints.
        If they were not given they are found now, which takes sorting, once."""
        if self._vertices is not None:
            return self._vertices
        if self._found is None:
            numpy = _vectors.numpy_or_none()
            if numpy is not None:
                ids = numpy.sort(numpy.concatenate([self._sources, self._targets]))
                self._found = ids[numpy.diff(ids, prepend=ids[:1] - 1) != 0]
            else:
                ids = sorted({*self._sources.tolist(), *self._targets.tolist()})
                self._found = _vectors.from_list(_INT64, ids)
        return self._found

    @property
    def num_vertices(self):
        """How many vertices there are."""
        return len(self.vertices)

    @property
    def num_edges(self):
        """How many edges there are; parallel ones all count."""
        return len(self._sources)

    def _ends_as_places(self):
        """The ends of all edges, as ndarrays of places in `vertices`."""
        import numpy

        if self._is_indexed:
            return self._sources, self._targets
        if self._places is None:
            vertices = self.vertices
            order = numpy.argsort(vertices, kind="stable")
            known = vertices[order]
            self._places = tuple(
                order[numpy.searchsorted(known, ends)] for ends in (self._sources, self._targets)
            )
        return self._places

    def __eq__(self, other):
        if not isinstance(other, Graph):
            return NotImplemented
        are_given = self._vertices is not None or other._vertices is not None
        if are_given and not _same_vertices(self.vertices, other.vertices):
            return False
        return (
            _vectors.same_elements(self.sources, other.sources, None)
            and _vectors.same_elements(self.targets, other.targets, None)
            and (self._weights is None) == (other._weights is None)
            and (
                self._weights is None or _vectors.same_elements(self._weights, other._weights, None)
            )
        )

    __hash__ = None

    def __copy__(self):
        return self

    def __reduce__(self):
        return _load, (_packed(tuple(self._to_parts())),)

    def _to_parts(self):
        return [self._sources, self._targets, self._weights, self._vertices, self._is_indexed]

    @classmethod
    def _from_parts(cls, parts):
        """The graph that crossed. Its edges are checked when they are used as places."""
        sources, targets, weights, vertices, is_indexed = parts
        if vertices is not None and not isinstance(vertices, list):
            vertices = _vectors.vector_from(vertices)
        sources, targets = _vectors.vector_from(sources), _vectors.vector_from(targets)
        for ends in (sources, targets):
            if _vectors.type_of(ends) != _INT64:
                raise ValueError(f"the ends of edges are {_vectors.type_of(ends)}, not {_INT64}")
        graph = cls.__new__(cls)
        graph._fill(
            sources,
            targets,
            None if weights is None else _vectors.vector_from(weights),
            vertices,
            bool(is_indexed),
        )
        return graph

    def __repr__(self):
        # It does not sort the ids to be shown.
        is_known = self._vertices is not None or self._found is not None
        count = f"{_plural(self.num_vertices, 'vertex')}, " if is_known else ""
        weighted = "" if self._weights is None else ", weighted"
        return f"<unity.Graph of {count}{_plural(self.num_edges, 'edge')}{weighted}>"


Graph.__module__ = "unity"


def _plural(count, noun):
    many = {"vertex": "vertices", "edge": "edges"}[noun]
    return f"{count:,} {noun if count == 1 else many}"


def _pair_of(edges):
    """Sources and targets of what was given for edges."""
    if isinstance(edges, tuple) and len(edges) == 2:
        return edges
    shape = getattr(edges, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2 and shape[1] == 2 and hasattr(edges, "dtype"):
        if isinstance(edges.dtype, str):  # a unity.Buffer
            ends = [edge for pair in edges.tolist() for edge in pair]
            return ends[::2], ends[1::2]
        return edges[:, 0], edges[:, 1]
    found = f"a tuple of {len(edges)}" if isinstance(edges, tuple) else type(edges).__qualname__
    if shape is not None:
        found += f" of shape {shape}"
    raise TypeError(
        "edges are a tuple (sources, targets), or one array of shape (E, 2); got " + found
    )


def _listed_texts(ends):
    """An array of text as a list; all else as it is."""
    return ends.tolist() if getattr(getattr(ends, "dtype", 0), "kind", 0) in {*"UTO"} else ends


def _are_texts(ends):
    return isinstance(ends, (list, tuple)) and len(ends) > 0 and isinstance(ends[0], str)


def _ids_of(ends, what):
    """Ids of vertices as a vector of int64."""
    if hasattr(ends, "__len__") and not len(ends):  # of whatever type
        return _vectors.empty(_INT64, 0)
    if isinstance(ends, range):
        ends = list(ends)
    try:
        cells = cells_of(ends)
    except (TypeError, ValueError, OverflowError) as error:
        kinds = (OverflowError, TypeError, ValueError)
        kind = next(kind for kind in kinds if isinstance(error, kind))
        raise kind(f"{what}: {error}") from error
    text = _vectors.type_of(cells.array) if isinstance(cells, ValueCells) else "text"
    if text[1] not in "iu" or not cells.is_plain:
        raise TypeError(
            f"{what}: ids of vertices are ints, not {cells.type}"
            f"{' with nulls' if cells.validity() is not None else ''}; convert them, or give other "
            "values by a list of `vertices`"
        )
    return _as_int64(cells.array, text, what)


def _as_int64(array, text, what):
    if text == _INT64:
        return array
    numpy = _vectors.numpy_or_none()
    if numpy is None:
        values = array.tolist()
        if any(value not in _INTS for value in values):
            raise OverflowError(f"{what}: an id is beyond the 63 bits and sign that ids have")
        return _vectors.from_list(_INT64, values)
    if text[1:] == "u8" and len(array) and int(array.max()) not in _INTS:
        raise OverflowError(
            f"{what}: the id {int(array.max())} is beyond the 63 bits and sign that ids have"
        )
    return array.astype(numpy.int64)


def _vertices_of(vertices):
    """Vertices as a vector of int64; a list if they are no ints."""
    if isinstance(vertices, range):
        vertices = list(vertices)
    if isinstance(vertices, (list, tuple)):
        if not all(_is_id(vertex) for vertex in vertices):
            vertices = list(vertices)
            _check_distinct(vertices)
            return vertices
        vertices = list(vertices)
    ids = _ids_of(vertices, "vertices")
    _check_distinct(ids.tolist())
    return ids


def _is_id(vertex):
    return (
        type(vertex) is int
        and vertex in _INTS
        or (type(vertex).__module__ == "numpy" and hasattr(vertex, "__index__"))
    )


def _check_distinct(vertices):
    seen = set()
    for vertex in vertices:
        try:
            is_there = vertex in seen
        except TypeError:
            raise TypeError(f"the vertex {vertex!r} is not hashable") from None
        if is_there:
            raise ValueError(f"the vertex {vertex!r} is there more than once")
        seen.add(vertex)


def _placed(ends, places):
    """The ends of edges as places of vertices."""
    ends = ends.tolist() if hasattr(ends, "tolist") else list(ends)
    try:
        return _vectors.from_list(_INT64, [places[end] for end in ends])
    except KeyError as error:
        raise ValueError(
            f"an edge has {error.args[0]!r}, which is not one of the vertices"
        ) from None


def _check_known(ends, vertices):
    numpy = _vectors.numpy_or_none()
    if numpy is not None:
        unknown = ends[~numpy.isin(ends, vertices)][:1].tolist()
    else:
        known = set(vertices.tolist())
        unknown = [end for end in ends.tolist() if end not in known][:1]
    if unknown:
        raise ValueError(f"an edge has {unknown[0]}, which is not one of the vertices")


def _weights_of(weights):
    if weights is None:
        return None
    try:
        cells = cells_of(weights)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"weights: {error}") from error
    if cells.layout != "values" or _vectors.type_of(cells.array)[1] not in "iuf":
        raise TypeError(f"weights are real numbers, not {cells.type}")
    if not cells.is_plain:
        raise TypeError("weights: some are null; each edge has one")
    return cells.array


def _is_counting(vertices):
    """Whether ids are 0, 1, 2, ..., so that each is its place."""
    numpy = _vectors.numpy_or_none()
    if numpy is not None:
        return bool((vertices == numpy.arange(len(vertices))).all())
    return vertices.tolist() == list(range(len(vertices)))


def _same_vertices(mine, others):
    if isinstance(mine, list) or isinstance(others, list):
        return isinstance(mine, list) and isinstance(others, list) and mine == others
    return _vectors.same_elements(mine, others, None)


def _load(parts):
    """The Graph of a pickle."""
    return Graph._from_parts(_unpacked(parts))
