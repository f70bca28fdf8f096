# SPDX-License-Identifier: Apache-2.0
"""Where NumPy keeps its C API, which the seam is not compiled against."""


def array_api():
    """The capsule with the table of functions of NumPy's C API.

    Raises:
        ImportError: NumPy is not installed.
    """
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "shared arrays need NumPy, which is not installed here: "
            "pip install 'unity-broker[numpy]'"
        ) from error
    try:
        from numpy._core import _multiarray_umath
    except ImportError:  # before NumPy 2.0
        from numpy.core import _multiarray_umath
    return _multiarray_umath._ARRAY_API
