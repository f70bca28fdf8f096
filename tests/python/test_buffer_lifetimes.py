# SPDX-License-Identifier: Apache-2.0
"""How long the memory of a `unity.Buffer` lives, who keeps it, and who may write to it."""

import gc
import hashlib
import pickle
import weakref

import numpy as np
import pytest

import unity
from unity._messages import as_buffer, round_trip


@pytest.fixture
def diagnostics(private):
    return private.toolkits.diagnostics


def read_only(x):
    x = x.view()
    x.flags.writeable = False
    return x


def test_a_buffer_in_use_is_not_released():
    buffer = as_buffer(np.arange(5))
    one, other = memoryview(buffer), memoryview(buffer)[1:]
    with pytest.raises(BufferError, match="2 exports"):
        buffer.release()
    one.release()
    one.release()
    with pytest.raises(BufferError, match="1 export"):
        buffer.release()
    assert other.tolist() == [1, 2, 3, 4] and buffer.tolist() == [0, 1, 2, 3, 4]
    other.release()
    buffer.release()
    buffer.release()


def test_nothing_can_be_done_with_a_released_buffer():
    buffer = as_buffer(np.arange(5))
    with buffer as same:
        assert same is buffer
    properties = "dtype format itemsize shape strides ndim nbytes readonly is_fortran"
    methods = "tobytes tolist __len__ __enter__ __dlpack__ __arrow_c_array__"
    uses = [
        *(lambda name=name: getattr(buffer, name) for name in properties.split()),
        *(lambda name=name: getattr(buffer, name)() for name in methods.split()),
        lambda: buffer[0],
        lambda: buffer.__setitem__(0, 1),
        lambda: memoryview(buffer),
        lambda: hashlib.sha256(buffer),
    ]
    for use in uses:
        with pytest.raises(ValueError, match="released"):
            use()
    assert repr(buffer) == "<unity.Buffer, released>"
    with pytest.raises(unity.WrongType, match="released"):
        round_trip(buffer)


def test_a_with_block_ends_with_an_error_while_there_are_exports():
    buffer = as_buffer(np.arange(5))
    with pytest.raises(BufferError), buffer:
        view = memoryview(buffer)
    assert view[4] == 4
    view.release()
    buffer.release()


def test_release_gives_the_memory_back():
    x = np.arange(5)
    buffer, gone = as_buffer(x), weakref.ref(x)
    del x
    gc.collect()
    assert gone() is not None
    buffer.release()
    gc.collect()
    assert gone() is None


def test_an_export_outlives_the_buffer():
    x = np.arange(5)
    view, gone = memoryview(as_buffer(x)), weakref.ref(x)
    y = np.asarray(view)
    del x, view
    gc.collect()
    assert gone() is not None and y.tolist() == [0, 1, 2, 3, 4]
    del y
    gc.collect()
    assert gone() is None


def test_arrays_that_say_nothing_keep_the_memory():
    x = np.arange(1000)
    buffer, gone = as_buffer(x), weakref.ref(x)
    y = np.ndarray(1000, x.dtype, buffer)  # gives its view back at once, and goes on
    del x
    buffer.release()
    gc.collect()
    assert gone() is not None and y.sum() == 499500
    del y, buffer
    gc.collect()
    assert gone() is None


def test_the_memory_under_a_result_stays(diagnostics):
    y = diagnostics.copy(np.arange(100_000))
    base = y
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, unity.Buffer)
    base.release()
    y += 1
    assert y.sum() == 100_000 * 100_001 // 2
    assert diagnostics.total(y.astype("f8")) == y.sum()


def test_structures_that_are_submitted_are_sent_as_they_were(diagnostics):
    x = np.zeros(100_000, [("a", "i4"), ("b", "f8")])
    call = diagnostics.echo.submit(x)
    x["a"] = 7
    assert not call.result()["a"].any()


def test_an_index_that_releases_the_buffer():
    class Sly:
        def __index__(self):
            buffer.release()
            return 1

    for x in (np.arange(5), np.array([1j, 2j, 3j])):
        buffer = as_buffer(x)
        with pytest.raises((ValueError, BufferError)):
            buffer[Sly()]


def test_a_read_only_buffer_is_not_written():
    x = np.arange(5)
    buffer = as_buffer(read_only(x))
    assert buffer.readonly and not as_buffer(x).readonly
    with pytest.raises(TypeError):
        buffer[0] = 1
    view = np.asarray(buffer)
    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True
    with pytest.raises(ValueError):
        view[0] = 1


def test_out_of_band_pickles():
    x = np.arange(12.0).reshape(3, 4)
    for order in (x, np.asfortranarray(x)):
        buffers = []
        data = pickle.dumps(
            pickle.PickleBuffer(as_buffer(order)), 5, buffer_callback=buffers.append
        )
        assert bytes(buffers[0].raw()) == order.tobytes("A")
        assert np.array_equal(np.asarray(pickle.loads(data, buffers=buffers)), x)
