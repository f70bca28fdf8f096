# SPDX-License-Identifier: Apache-2.0
# The functions of column_loops.h.

from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp cimport bool as cbool

from unity.cppipc cimport byte

cdef extern from "column_loops.h" namespace "unity" nogil:
    int64_t bits_to_bytes(const uint8_t*, int64_t, int64_t, uint8_t*)
    void bytes_to_bits(const uint8_t*, int64_t, uint8_t*)
    int64_t count_zeros(const uint8_t*, int64_t)
    int64_t mark_no_times(const int64_t*, int64_t, uint8_t*)
    cbool same_where(const byte*, const byte*, size_t, const uint8_t*, int64_t)

    cdef cppclass Texts:
        const int64_t* offsets
        const char* characters
        int64_t size
        cbool has(int64_t)
    cbool are_offsets(const Texts&, int64_t)
    cbool same_texts(const Texts&, const Texts&, const uint8_t*, int64_t)
    cbool are_codes(const void*, size_t, int64_t, int64_t)
    void widen_codes(const void*, size_t, int64_t, int64_t*)
    cbool rebase32 "unity::rebase<std::int32_t>" (const int32_t*, int64_t, int64_t, int64_t*)
    cbool rebase64 "unity::rebase<std::int64_t>" (const int64_t*, int64_t, int64_t, int64_t*)

    cdef cppclass StringView:
        pass
    cbool measure_views(
        const StringView*, int64_t, int64_t, const uint8_t*, int64_t, int64_t*)
    void gather_views(const StringView*, int64_t, const void**, const int64_t*, char*)
