# SPDX-License-Identifier: Apache-2.0
"""Texts one after the other: a vector of offsets and one of characters, in UTF-8."""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_Check, PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from unity cimport column_loops as loops
from unity cimport cppipc
from unity._vectors cimport elements_of, empty, marks_of, start_of

from unity import _dtypes
from unity._vectors import part


cdef loops.Texts texts_of(offsets, characters):
    cdef loops.Texts texts
    cdef cppipc.AnyArray elements = elements_of(characters)
    texts.offsets = <const int64_t*>start_of(offsets)
    texts.characters = <const char*>elements.data
    texts.size = elements.shape[0]
    return texts


def are_offsets(offsets, characters):
    """Whether the offsets begin at 0, never decrease, and end where the characters do."""
    return loops.are_offsets(texts_of(offsets, characters), len(offsets) - 1)


def join_offsets(pieces):
    """The offsets of texts, each of which begin at 0, for their characters joined."""
    cdef int64_t shift = 0, at = 0, count
    cdef const int64_t* offsets
    result = empty(f"{_dtypes._NATIVE}i8", sum(len(piece) - 1 for piece in pieces) + 1)
    cdef int64_t* out = <int64_t*>start_of(result)
    out[0] = 0
    for piece in pieces:
        count = len(piece) - 1
        offsets = <const int64_t*>start_of(piece)
        loops.rebase64(offsets, count, shift, out + at)
        shift += offsets[count]
        at += count
    return result


def part_of_texts(offsets, characters, int64_t start, int64_t stop):
    """Offsets and characters of the texts from `start` to `stop`; the characters share memory."""
    cdef const int64_t* given = <const int64_t*>start_of(offsets)
    result = empty(f"{_dtypes._NATIVE}i8", stop - start + 1)
    loops.rebase64(given + start, stop - start, 0, <int64_t*>start_of(result))
    return result, part(characters, given[start], given[stop])


def same_texts(texts, others, valid):
    """Whether (offsets, characters) are the same texts wherever `valid`, or None, is true."""
    cdef int64_t count = len(texts[0]) - 1
    cdef const uint8_t* where = marks_of(valid)
    return count == len(others[0]) - 1 and loops.same_texts(
        texts_of(texts[0], texts[1]), texts_of(others[0], others[1]), where, count)


def decode(offsets, characters, valid):
    """The texts as a list, None where `valid` is false.

    Raises:
        ValueError: an offset lies outside of the characters, or they are no UTF-8.
    """
    cdef loops.Texts texts = texts_of(offsets, characters)
    cdef const uint8_t* where = marks_of(valid)
    cdef int64_t i, count = len(offsets) - 1
    cdef list result = [None] * count
    for i in range(count):
        if where != NULL and not where[i]:
            continue
        if not texts.has(i):
            raise ValueError(f"the text in row {i} lies outside of the characters")
        result[i] = PyUnicode_DecodeUTF8(
            texts.characters + texts.offsets[i], texts.offsets[i + 1] - texts.offsets[i], NULL)
    return result


def encode(values, is_missing):
    """A sequence of str, and of what `is_missing(value)`, as offsets, characters, validity.

    Raises:
        TypeError: one of them is something else.
        ValueError: one is no Unicode text: it has a lone surrogate.
    """
    cdef tuple texts = tuple(values)  # nobody changes it meanwhile
    cdef int64_t i, nulls = 0, count = len(texts)
    cdef Py_ssize_t size = 0
    cdef const char* characters
    offsets, valid = empty(f"{_dtypes._NATIVE}i8", count + 1), empty("|b1", count)
    cdef int64_t* ends = <int64_t*>start_of(offsets)
    cdef uint8_t* marks = <uint8_t*>start_of(valid)
    ends[0] = 0
    for i in range(count):
        marks[i] = PyUnicode_Check(texts[i])
        if marks[i]:
            size = size_of(texts[i], i)
        elif is_missing(texts[i]):
            size = 0
        else:
            raise TypeError(f"row {i} is a {type(texts[i]).__qualname__}, not a str or None")
        nulls += not marks[i]
        ends[i + 1] = ends[i] + size
    result = empty("|u1", ends[count])
    cdef char* out = <char*>start_of(result)
    for i in range(count):
        if marks[i]:
            characters = PyUnicode_AsUTF8AndSize(texts[i], &size)
            memcpy(out + ends[i], characters, size)
    return offsets, result, valid if nulls else None


cdef Py_ssize_t size_of(text, int64_t row) except -1:
    # How many bytes it has in UTF-8.
    cdef Py_ssize_t size = 0
    try:
        PyUnicode_AsUTF8AndSize(text, &size)
    except UnicodeEncodeError as error:
        raise ValueError(f"the text in row {row} is no Unicode: {error}") from None
    return size
