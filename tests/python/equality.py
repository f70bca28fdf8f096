# SPDX-License-Identifier: Apache-2.0
"""When a value that came back is the one that was sent."""

import collections
import math

import numpy as np


def same(a, b):
    """Equal, and of the same types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return same_array(a, b)
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b) or a != a and b != b
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(p, q) for p, q in zip(a.items(), b.items(), strict=True)
        )
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(p, q) for p, q in zip(a, b, strict=True))
    if isinstance(a, (set, frozenset)):
        return a == b and collections.Counter(map(type, a)) == collections.Counter(map(type, b))
    return a == b


def same_array(a, b):
    """Arrays, or NumPy's scalars, of the same type, dtype, shape and bytes."""
    return (
        type(a) is type(b)
        and a.dtype == b.dtype
        and a.dtype.char == b.dtype.char
        and a.shape == b.shape
        and a.tobytes() == b.tobytes()
    )
