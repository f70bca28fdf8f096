// SPDX-License-Identifier: Apache-2.0
#pragma once
// Walks through the elements of an array in C order, a row at a time.

#include <cppipc/array.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cppipc::detail {

// One dimension of an array: how many elements, and how many bytes from one to the next.
struct Dimension {
  std::int64_t length;
  std::int64_t stride;
};

// The dimensions of an array, outermost first, where those of length 1 are left out and
// neighbours that lie behind each other in memory are joined. Never empty.
std::vector<Dimension> joined_dimensions(const AnyArray& array);

// Calls `row(first, count, stride)` for every row of the innermost joined dimension, in C order.
template <class Row>
void for_each_row(const AnyArray& array, Row&& row) {
  if (array.size() == 0) return;
  std::vector<Dimension> outer = joined_dimensions(array);
  const Dimension inner = outer.back();
  outer.pop_back();
  std::vector<std::int64_t> index(outer.size(), 0);
  const std::byte* first = array.data;
  for (;;) {
    row(first, inner.length, inner.stride);
    std::size_t d = outer.size();
    for (; d > 0; --d) {
      const Dimension& dimension = outer[d - 1];
      first += dimension.stride;
      if (++index[d - 1] < dimension.length) break;
      first -= dimension.stride * dimension.length;
      index[d - 1] = 0;
    }
    if (d == 0) return;
  }
}

}  // namespace cppipc::detail
