// SPDX-License-Identifier: Apache-2.0
#pragma once
// Results that callers go through item by item: a function that returns an Iterator<T> gives a
// Python iterator, which fetches many items with each call.

#include <cppipc/detail/convert_objects.h>
#include <cppipc/variant.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cppipc {

// Items that are made one by one, when they are asked for. `next` gives the next one, and nothing
// at the end. It is called while the objects are held that the call held which made the iterator,
// so it may refer to them; what they keep between two calls it must not rely on: iterators of a
// container may be invalid by then. Where errors come from `next`, the caller gets the items that
// came before, and then the error.
template <class T>
class Iterator {
 public:
  using Next = std::function<std::optional<T>()>;

  explicit Iterator(Next next) : next_(std::move(next)) {}
  Next take_next() { return std::move(next_); }

 private:
  Next next_;
};

// An iterator as it is offered to callers, whatever its items are.
// Threads: batches are made one at a time; the rest from any thread.
class IteratorSource : public Object {
 public:
  // No registered type may have that name.
  static constexpr std::string_view kTypeName = "iterator";
  static constexpr std::int64_t kBatchMax = 1 << 16;
  std::string_view type_name() const final { return kTypeName; }

  // The next items, at most `count`, and whether there are no more. Fewer come if they are large
  // or slow to make; none only at the end. Errors: what making them throws.
  std::pair<List, bool> next_batch(std::size_t count);

  // Whoever runs the iterator keeps here, once, what must be held while items are made.
  void hold(std::vector<std::shared_ptr<void>> objects);
  std::vector<std::shared_ptr<void>> held() const;

 protected:
  // The next item; nothing at the end.
  virtual std::optional<Variant> next() = 0;
  // There will be no more items: lets go of what makes them.
  virtual void end() noexcept = 0;

 private:
  bool is_done_ = false;
  std::exception_ptr failure_;  // which follows the items that are sent already
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<void>> held_;
};

namespace detail {

template <class T>
class TypedSource final : public IteratorSource {
 public:
  TypedSource(typename Iterator<T>::Next next, const Place& place)
      : next_(std::move(next)), registry_(place.registry), what_(place.text() + " item") {}

 protected:
  std::optional<Variant> next() override {
    std::optional<T> item = next_();
    if (!item) return std::nullopt;
    Place place;
    place.registry = registry_;
    place.name = what_;
    return Converter<T>::store(std::move(*item), place);
  }
  void end() noexcept override { next_ = nullptr; }

 private:
  typename Iterator<T>::Next next_;
  const Registry* const registry_;
  const std::string what_;
};

// Results only.
template <class T>
struct Converter<Iterator<T>> {
  static Variant store(Iterator<T> iterator, const Place& place) {
    return ObjectPtr(std::make_shared<TypedSource<T>>(iterator.take_next(), place));
  }
  static std::string spell(const Speller& speller) {
    return "Iterator[" + Converter<T>::spell(speller) + "]";
  }
};

// What the elements of a range are when they are copied out of it.
template <class T>
struct Copied {
  using Type = T;
};
template <class K, class V>
struct Copied<std::pair<const K, V>> {
  using Type = std::pair<K, V>;
};

// Goes through a copy of the elements.
template <class First, class Last>
auto iterator_over(First first, Last last) {
  using Item = typename Copied<std::iter_value_t<First>>::Type;
  auto items = std::make_shared<std::vector<Item>>();
  if constexpr (std::sized_sentinel_for<Last, First>) {
    items->reserve(static_cast<std::size_t>(last - first));
  }
  for (; first != last; ++first) items->push_back(*first);
  return Iterator<Item>([items, at = std::size_t{0}]() mutable -> std::optional<Item> {
    if (at == items->size()) return std::nullopt;
    return std::move((*items)[at++]);
  });
}

template <class T>
inline constexpr bool is_iterator = false;
template <class T>
inline constexpr bool is_iterator<Iterator<T>> = true;

// From what the callable of TypeBuilder::iterable() returns: an Iterator, a generator (a callable
// that gives an optional), or a range. The elements of a range are copied, for it may change, or be
// gone, before the end; those of a container that is given away are moved.
template <class Made>
auto as_iterator(Made&& made) {
  using Plain = std::remove_cvref_t<Made>;
  if constexpr (is_iterator<Plain>) {
    return Plain(std::forward<Made>(made));
  } else if constexpr (std::is_invocable_v<Plain&>) {
    using Item = typename std::invoke_result_t<Plain&>::value_type;
    return Iterator<Item>(std::forward<Made>(made));
  } else {
    static_assert(std::ranges::input_range<Plain>,
                  "neither a range, nor a callable that returns an optional, nor an Iterator");
    constexpr bool is_given_away = !std::is_lvalue_reference_v<Made> &&
                                   !std::ranges::borrowed_range<Plain> &&
                                   !std::ranges::view<Plain> && std::ranges::common_range<Plain>;
    if constexpr (is_given_away) {
      return iterator_over(std::make_move_iterator(made.begin()),
                           std::make_move_iterator(made.end()));
    } else {
      return iterator_over(std::ranges::begin(made), std::ranges::end(made));
    }
  }
}

}  // namespace detail
}  // namespace cppipc
