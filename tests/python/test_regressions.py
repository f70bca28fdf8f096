# SPDX-License-Identifier: Apache-2.0
"""Linear and logistic regression over dataframes, against minima that SciPy and NumPy find."""

import io
import threading

import numpy as np
import pytest
import scipy.optimize
import scipy.special

import unity
from conftest import DEADLINE_S


def fitting(toolkit):
    """Calls a toolkit for its model, with a dict of columns for the data too."""

    def fit(data, target="y", **options):
        data = unity.DataFrame(data) if isinstance(data, dict) else data
        return toolkit(data=data, target=target, **options)["model"]

    return fit


@pytest.fixture
def logistic(private):
    return fitting(private.toolkits.logistic_regression)


@pytest.fixture
def linear(private):
    return fitting(private.toolkits.linear_regression)


def features_of(seed, rows):
    """Columns of very different scales, one of bools and one of ints."""
    rng = np.random.default_rng(seed)
    return {
        "small": rng.normal(0, 1e-3, rows),
        "large": rng.normal(5e4, 1e3, rows),
        "count": rng.integers(-5, 6, rows),
        "flag": rng.random(rows) < 0.3,
    }


def matrix_of(columns):
    return np.column_stack([np.asarray(column, np.float64) for column in columns.values()])


def logistic_data(seed, rows):
    columns = features_of(seed, rows)
    x = matrix_of(columns)
    z = 800 * x[:, 0] + 1e-3 * (x[:, 1] - 5e4) - 0.2 * x[:, 2] + x[:, 3] - 0.4
    y = np.random.default_rng(seed + 1).random(rows) < scipy.special.expit(z)
    return columns, x, y


def scipys_logistic(x, y, l2_penalty):
    """Coefficients and intercept that make the loss least, found by BFGS on scaled columns."""
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    scaled = (x - mean) / deviation
    sign = np.where(y, 1.0, -1.0)

    def loss(w):
        margins = sign * (scaled @ w[:-1] + w[-1])
        slopes = -sign * scipy.special.expit(-margins)
        value = np.logaddexp(0, -margins).sum() + l2_penalty * ((w[:-1] / deviation) ** 2).sum()
        gradient = np.append(scaled.T @ slopes, slopes.sum())
        gradient[:-1] += 2 * l2_penalty * w[:-1] / deviation**2
        return value / len(y), gradient / len(y)

    found = scipy.optimize.minimize(
        loss, np.zeros(x.shape[1] + 1), jac=True, method="BFGS", options={"gtol": 1e-9}
    )
    coefficients = found.x[:-1] / deviation
    return coefficients, found.x[-1] - coefficients @ mean


def values_of(model):
    return np.array(list(model.coefficients.values()))


@pytest.mark.parametrize("l2_penalty", [0.0, 1e-6, 0.5])
def test_logistic_coefficients_are_the_minimum_that_scipy_finds(logistic, l2_penalty):
    columns, x, y = logistic_data(1, 4000)
    model = logistic({**columns, "y": y}, l2_penalty=l2_penalty)
    expected, intercept = scipys_logistic(x, y, l2_penalty)
    assert list(model.coefficients) == list(columns) == model.features
    scale = x.std(axis=0)
    assert values_of(model) * scale == pytest.approx(expected * scale, rel=1e-4, abs=1e-6)
    assert model.intercept == pytest.approx(intercept, rel=1e-4, abs=1e-4)
    assert model.converged and 2 <= model.num_iterations <= 10
    assert (model.num_examples, model.num_dropped, model.l2_penalty) == (4000, 0, l2_penalty)


def test_at_the_minimum_nothing_pulls(logistic):
    columns, x, y = logistic_data(2, 3000)
    data = unity.DataFrame({**columns, "y": y})
    model = logistic(data, threshold=1e-12)
    p = model.predict_probability(data)
    assert p == pytest.approx(scipy.special.expit(x @ values_of(model) + model.intercept))
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    assert np.abs(scaled.T @ (p - y)).max() < 1e-6 and abs((p - y).sum()) < 1e-6
    loss = -np.log(np.where(y, p, 1 - p)).mean()
    assert model.training_loss == pytest.approx(loss, rel=1e-9)
    assert model.training_accuracy == ((p > 0.5) == y).mean()
    assert np.array_equal(model.predict(data), p > 0.5)


def test_classes_are_kept(logistic):
    columns, _, y = logistic_data(3, 500)
    expected = logistic({**columns, "y": y})
    names = np.where(y, "yes", "no")
    category = unity.Column.from_codes(y.astype(np.int8), ["no", "yes"])
    for target, classes in (
        (y, [False, True]),
        (y.astype(np.int64), [0, 1]),
        (y.astype(np.float32), [0, 1]),
        (names.tolist(), ["no", "yes"]),
        (category, ["no", "yes"]),
    ):
        model = logistic({**columns, "y": target})
        assert model.classes == classes
        assert [type(one) for one in model.classes] == [type(one) for one in classes]
        assert model.coefficients == expected.coefficients
        predicted = model.predict(unity.DataFrame(columns))
        assert type(predicted) is (list if classes[0] == "no" else np.ndarray)
        assert [classes[int(one)] for one in expected.predict(unity.DataFrame(columns))] == list(
            predicted
        )


def test_classes_that_a_plane_separates_have_no_best_coefficients(private, logistic):
    data = {"x": [1.0, 2.0, 3.0, 4.0], "y": [False, False, True, True]}
    lines, told = [], threading.Event()

    def note(name, fraction, text):
        lines.append(text)
        if "l2_penalty" in text:
            told.set()

    with private.watch("logistic_regression", note):
        model = logistic(data)
        assert told.wait(DEADLINE_S), lines
    assert not model.converged and model.training_accuracy == 1
    penalized = logistic(data, l2_penalty=0.1)
    assert penalized.converged
    coefficients, intercept = scipys_logistic(
        np.array([[1.0], [2.0], [3.0], [4.0]]), np.array(data["y"]), 0.1
    )
    assert values_of(penalized) == pytest.approx(coefficients, rel=1e-5)
    assert penalized.intercept == pytest.approx(intercept, rel=1e-5)


def test_too_few_iterations_are_told(logistic):
    columns, _, y = logistic_data(4, 500)
    model = logistic({**columns, "y": y}, max_iterations=1)
    assert (model.converged, model.num_iterations, model.max_iterations) == (False, 1, 1)


def linear_data(seed, rows):
    columns = features_of(seed, rows)
    x = matrix_of(columns)
    noise = np.random.default_rng(seed + 1).normal(0, 2, rows)
    return columns, x, 3000 * x[:, 0] - 0.01 * x[:, 1] + x[:, 2] + 4 * x[:, 3] + 7 + noise


@pytest.mark.parametrize("l2_penalty", [0.0, 0.01, 25.0])
def test_linear_coefficients_solve_the_normal_equations(linear, l2_penalty):
    columns, x, y = linear_data(5, 5000)
    model = linear({**columns, "y": y}, l2_penalty=l2_penalty)
    centered, shifted = x - x.mean(axis=0), y - y.mean()
    scale = np.sqrt((centered**2).sum(axis=0))
    # Penalties as more rows, so that an orthogonal solver of NumPy can do it.
    rows = np.vstack([centered / scale, np.diag(np.sqrt(l2_penalty) / scale)])
    expected = np.linalg.lstsq(rows, np.append(shifted, np.zeros(4)), rcond=None)[0] / scale
    assert values_of(model) == pytest.approx(expected, rel=1e-9)
    assert model.intercept == pytest.approx(y.mean() - x.mean(axis=0) @ expected, rel=1e-9)
    errors = y - model.predict(unity.DataFrame(columns))
    assert model.training_rmse == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-9)
    assert model.training_r2 == pytest.approx(1 - (errors**2).sum() / (shifted**2).sum(), rel=1e-9)
    assert model.num_examples == 5000


def test_an_exact_line_is_found_exactly(linear):
    x = np.arange(100.0)
    model = linear({"x": x, "y": 2 * x - 5})
    assert (model.coefficients["x"], model.intercept) == pytest.approx((2, -5), rel=1e-12)
    assert model.training_rmse < 1e-10 and model.training_r2 == pytest.approx(1)


def test_columns_that_depend_on_each_other_share(linear, logistic):
    rng = np.random.default_rng(6)
    x = rng.normal(size=1000)
    y = 3 * x + rng.normal(size=1000)
    alone = linear({"x": x, "y": y})
    model = linear({"x": x, "same": x, "twice": 2 * x, "constant": np.full(1000, 0.1), "y": y})
    sums = model.coefficients
    assert sums["constant"] == 0
    assert sums["x"] + sums["same"] + 2 * sums["twice"] == pytest.approx(alone.coefficients["x"])
    assert sums["x"] == pytest.approx(sums["same"])
    classes = rng.random(1000) < scipy.special.expit(x)
    both = logistic({"x": x, "same": x, "y": classes})
    single = logistic({"x": x, "y": classes})
    assert sum(both.coefficients.values()) == pytest.approx(single.coefficients["x"])


def test_a_target_of_one_value(linear):
    model = linear({"x": [1.0, 2.0, 4.0], "y": [3, 3, 3]})
    assert model.coefficients["x"] == pytest.approx(0, abs=1e-12)
    assert model.intercept == pytest.approx(3) and np.isnan(model.training_r2)


@pytest.fixture(scope="module")
def pandas():
    """pandas, with the threads that it starts."""
    pandas = pytest.importorskip("pandas")
    unity.DataFrame(pandas.DataFrame({"a": [1], "b": ["c"]}))
    return pandas


def test_some_features_of_a_table(pandas, linear):
    columns, x, y = linear_data(7, 300)
    table = pandas.DataFrame({"name": [f"row {i}" for i in range(300)], **columns, "y": y})
    model = linear(table, features=["count", "flag"])
    assert model.features == ["count", "flag"] and model.target == "y"
    expected = np.linalg.lstsq(np.column_stack([x[:, 2:], np.ones(300)]), y, rcond=None)[0]
    assert [*values_of(model), model.intercept] == pytest.approx(expected)
    assert model.predict(table[["flag", "count"]]) == pytest.approx(
        x[:, 2:] @ expected[:2] + expected[2]
    )


def test_rows_that_lack_a_value_are_refused_or_dropped(linear, logistic):
    data = {
        "a": [1.0, 2.0, float("nan"), 4.0, 5.0, 9.0, 2.0],
        "b": [1, None, None, 2, 7, 1, 0],
        "y": [1, 0, 1, 0, None, 1, 0],
    }
    whole = {name: [column[i] for i in (0, 3, 5, 6)] for name, column in data.items()}
    for fit in (linear, logistic):
        with pytest.raises(ValueError, match="column 'a' has no value .* in 1 row; .*'drop'"):
            fit(data)
        with pytest.raises(ValueError, match="column 'b' has no value .* in 2 rows"):
            fit(data, features=["b"])
        with pytest.raises(ValueError, match="column 'y' has no value"):
            fit({"x": [1.0] * 7, "y": data["y"]})
        model, expected = fit(data, missing="drop"), fit(whole)
        assert (model.num_examples, model.num_dropped) == (4, 3)
        assert model.coefficients == expected.coefficients
        with pytest.raises(ValueError, match="column 'a' has no value"):
            model.predict(unity.DataFrame(data))


REFUSED = {
    "no such target": ({"target": "z"}, LookupError, "target: .* no column 'z'; it has 'x', 't'"),
    "no such feature": ({"features": ["z"]}, LookupError, "features: .* no column 'z'"),
    "text among the features": ({"features": ["t"]}, TypeError, "column 't' is text"),
    "the target as a feature": ({"features": ["y"]}, ValueError, "features: 'y' is the target"),
    "a feature twice": ({"features": ["x", "x"]}, ValueError, "features: 'x' is there twice"),
    "no feature": ({"features": []}, ValueError, "features: there is no column"),
    "a penalty below 0": ({"l2_penalty": -1.0}, ValueError, "l2_penalty"),
    "a penalty that is none": ({"l2_penalty": float("nan")}, ValueError, "l2_penalty"),
    "infinity": ({"features": ["i"]}, ValueError, "column 'i' is infinite in 1 row;"),
    "huge numbers": ({"features": ["h"]}, ValueError, "column 'h' has numbers too large"),
    "another way with nulls": ({"missing": "fill"}, ValueError, "missing .*'fill'"),
    "no data": ({"data": 5}, TypeError, "data"),
    "no rows": ({"data": {"x": np.zeros(0), "y": np.zeros(0)}}, ValueError, "no rows"),
    "only nulls": (
        {"data": {"x": [None, None], "y": [0, 1]}, "missing": "drop"},
        ValueError,
        "each of its 2 rows lacks a value",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_by_name(private, name):
    change, error, text = REFUSED[name]
    data = {
        "x": [1.0, 2.0, 3.0, 2.0],
        "t": ["a", "b", "c", "d"],
        "y": [0, 1, 1, 0],
        "i": [1.0, 2.0, float("inf"), 3.0],
        "h": [1e300, 1.0, 2.0, -1e300],
    }
    given = {"data": unity.DataFrame(data), "target": "y", "features": ["x"], **change}
    if isinstance(given["data"], dict):
        given["data"] = unity.DataFrame(given["data"])
    for fit in (private.toolkits.linear_regression, private.toolkits.logistic_regression):
        with pytest.raises(unity.ToolkitError, match=text) as raised:
            fit(**given)
        assert isinstance(raised.value, error)


def test_targets_without_two_classes(logistic):
    for y, text in (
        ([0, 1, 2], "target 'y' has the number 2.0* in row 2"),
        ([0.5, 1.0, 0.0], "target 'y' has the number 0.50* in row 0"),
        (["a", "b", "c"], "more than two values: 'a', 'b', 'c'"),
        ([1, 1, 1], "the same value in all rows"),
        ([False, False, None], "the same value in all rows"),
        (["a", "a", "a"], "the same value in all rows"),
    ):
        with pytest.raises(ValueError, match=text):
            logistic({"x": [1.0, 2.0, 3.0], "y": y}, missing="drop")
    with pytest.raises(TypeError, match="y"):
        logistic({"x": [1.0, 2.0], "y": np.array([1, 2], "M8[s]")})
    for option in ({"max_iterations": 0}, {"threshold": -1.0}):
        with pytest.raises(ValueError, match=next(iter(option))):
            logistic({"x": [1.0, 2.0], "y": [0, 1]}, **option)


def test_numbers_are_no_text_for_a_linear_target(linear):
    with pytest.raises(TypeError, match="target 'y' is text"):
        linear({"x": [1.0, 2.0], "y": ["a", "b"]})


def test_regressions_come_back_from_a_file(private, linear, logistic):
    columns, _, y = logistic_data(8, 400)
    frame = unity.DataFrame(columns)
    text = np.where(y, "yes", "no").tolist()
    for model in (
        linear({**columns, "y": y}),
        logistic({**columns, "y": y}),
        logistic({**columns, "y": text}),
    ):
        file = io.BytesIO()
        private.save(model, file)
        file.seek(0)
        loaded = private.load(file)
        assert type(loaded) is type(model) and isinstance(loaded, private.types.Model)
        assert loaded.fields() == model.fields()
        assert np.array_equal(loaded.predict(frame), model.predict(frame))


def test_summaries_show_all_fields(private, linear, logistic):
    columns, _, y = logistic_data(9, 200)
    for model in (linear({**columns, "y": y}), logistic({**columns, "y": y})):
        described = private.server.describe(type(model).__name__)
        fields = model.fields()
        assert set(fields) == set(described.properties)
        assert {name: getattr(model, name) for name in fields} == fields
        assert all(f"\n{name} " in model.summary() for name in fields)
        assert "large: " in model.summary() and "small" in model._repr_html_()


def test_progress_names_iteration_and_loss(logistic, eventually):
    columns, _, y = logistic_data(10, 500)
    seen = []
    with unity.progress(lambda *report: seen.append(report)):
        model = logistic({**columns, "y": y}, threshold=0.0, max_iterations=6)
        eventually(lambda: len(seen) == 6)
    assert model.num_iterations == 6
    assert [round(fraction * 6) for _, fraction, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert all(
        text.startswith(f"iteration {i}: mean loss ") for i, (*_, text) in enumerate(seen, 1)
    )


def test_a_running_regression_can_be_cancelled(private, eventually):
    columns, _, y = logistic_data(11, 20_000)
    call = private.toolkits.logistic_regression.submit(
        data=unity.DataFrame({**columns, "y": y}), target="y", threshold=0.0, max_iterations=2**62
    )
    eventually(lambda: private.stats()["calls_running"] >= 1)
    assert call.cancel()
    eventually(lambda: private.stats()["calls_running"] == 0)
    with pytest.raises(unity.Cancelled):
        call.result(DEADLINE_S)
