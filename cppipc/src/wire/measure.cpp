// SPDX-License-Identifier: Apache-2.0
// Looks at a value before it is marshalled: how deep it is, how many words its message takes, and
// whether everything in it can cross.
//
// The walk keeps its own stack, so the depth of a value costs no stack of the thread. A value
// without containers in containers costs no heap.

#include "wire/marshal.h"
#include "wire/packing.h"
#include "wire/sizes.h"
#include "wire/validity.h"
#include "wire/words.h"

#include "values/utf8.h"

#include <string>
#include <vector>

namespace cppipc {
namespace {

using words::kVariantWords;
constexpr std::uint64_t kComplexWords = 2;
constexpr std::uint64_t kDateTimeWords = 3;
constexpr std::uint64_t kTimeDeltaWords = 2;
constexpr std::uint64_t kUuidWords = 2;
constexpr std::uint64_t kLargeBytesWords = words::kLargeBytesData + 1;
constexpr std::uint64_t kArrayWords = 7;
constexpr std::uint64_t kReferenceWords = 3;
constexpr std::uint64_t kEnumMemberWords = 2;
constexpr std::uint64_t kArgumentsWords = 2;
constexpr std::uint64_t kListTagWords = 1;

std::uint64_t data_words(std::uint64_t size_bytes) { return size_bytes / 8 + 1; }

class Measurer {
 public:
  explicit Measurer(const MarshalLimits& limits)
      : inline_bytes_(inline_bytes_of(limits)), message_bytes_(message_bytes_of(limits)) {}

  void add(const Variant& value) {
    words_ += kVariantWords;
    look_at(value);
    walk();
  }

  void add(const Arguments& arguments) {
    if (arguments.names.size() > arguments.values.size()) {
      refuse_if("there are more argument names than arguments");
    }
    words_ += kArgumentsWords + kListTagWords + kVariantWords * arguments.values.size();
    for (const std::string& name : arguments.names) words_ += 1 + text_words(name);
    current_ = Frame{Children(std::span<const Variant>(arguments.values))};
    walk();
  }

  std::uint64_t words() const {
    if (words_ <= message_bytes_ / 8) return words_;
    refuse_size("the message would take", 8 * words_, message_bytes_);
  }

 private:
  struct Frame {
    Children children;
    std::size_t next = 0;
  };

  // Looks at everything below the current frame.
  void walk() {
    while (true) {
      if (current_.next < current_.children.size()) {
        look_at(current_.children[current_.next++]);
      } else if (!parents_.empty()) {
        current_ = parents_.back();
        parents_.pop_back();
      } else {
        return;
      }
    }
  }

  void check_depth() const {
    if (parents_.size() < static_cast<std::size_t>(kDepthMax)) return;
    throw Error(ErrorKind::kInvalidArgument, "a value is nested deeper than 1,000");
  }

  void enter(Children children) {
    check_depth();
    words_ += kListTagWords + kVariantWords * children.size();
    if (children.size() == 0) return;
    if (parents_.capacity() == 0) parents_.reserve(kFramesAtFirst);
    parents_.push_back(current_);
    current_ = Frame{children};
  }

  void look_at_sequence(std::span<const Variant> items) {
    if (packing_of(items) == Packing::kNone) return enter(Children(items));
    check_depth();
    words_ += items.size();
  }

  static void check_text(std::string_view text) {
    if (is_utf8(text)) return;
    throw Error(ErrorKind::kInvalidArgument, "a text is not valid UTF-8; pass bytes instead");
  }

  static std::uint64_t text_words(std::string_view text) {
    check_text(text);
    if (text.size() > kTextBytesMax) refuse_size("a name takes", text.size(), kTextBytesMax);
    return data_words(text.size());
  }

  std::uint64_t bulk_words(std::uint64_t size_bytes) const {
    if (size_bytes <= inline_bytes_) return data_words(size_bytes);
    if (size_bytes > kBlobBytesMax) refuse_size("a value takes", size_bytes, kBlobBytesMax);
    return kLargeBytesWords;
  }

  void look_at_array(const AnyArray& array) {
    refuse_if(problem_of(array.dtype));
    refuse_if(problem_of_shape(array.shape, array.dtype.itemsize));
    if (array.strides.size() != array.shape.size()) {
      refuse_if("an array's strides are not as many as its dimensions");
    }
    const std::uint64_t size_bytes = nbytes_of(array.shape, array.dtype.itemsize);
    if (size_bytes > 0 && array.data == nullptr) refuse_if("an array has no memory");
    words_ +=
        kArrayWords + text_words(array.dtype.text) + array.shape.size() + bulk_words(size_bytes);
  }

  void look_at(const Variant& value);
  void look_at_moment(const Variant& value);

  const std::uint64_t inline_bytes_;
  const std::uint64_t message_bytes_;
  std::uint64_t words_ = 0;
  Frame current_;
  std::vector<Frame> parents_;
};

void Measurer::look_at(const Variant& value) {
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
      return;
    case Kind::kComplex:
      words_ += kComplexWords;
      return;
    case Kind::kStr:
      check_text(*value.get_if<std::string>());
      words_ += bulk_words(value.get_if<std::string>()->size());
      return;
    case Kind::kBytes:
      words_ += bulk_words(value.get_if<Bytes>()->size());
      return;
    case Kind::kMessage: {
      const Message& message = *value.get_if<Message>();
      words_ += kListTagWords + kVariantWords * message.size();
      for (const Bytes& segment : message.segments()) words_ += bulk_words(segment.size());
      return;
    }
    case Kind::kDataFrame:
      return enter(Children(value.get_if<DataFrame>()->parts()));
    case Kind::kGraph:
      return enter(Children(value.get_if<Graph>()->parts()));
    case Kind::kList:
      return look_at_sequence(value.get_if<List>()->items);
    case Kind::kTuple:
      return look_at_sequence(value.get_if<Tuple>()->items);
    case Kind::kSet:
      return enter(Children(value.get_if<Set>()->items));
    case Kind::kFrozenSet:
      return enter(Children(value.get_if<FrozenSet>()->items));
    case Kind::kDict:
      return enter(Children(*value.get_if<Dict>()));
    case Kind::kDateTime:
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimeDelta:
      return look_at_moment(value);
    case Kind::kDecimal:
      refuse_if(problem_of(*value.get_if<Decimal>()));
      words_ += text_words(value.get_if<Decimal>()->text);
      return;
    case Kind::kUuid:
      words_ += kUuidWords;
      return;
    case Kind::kArray:
      return look_at_array(value.as_array());
    case Kind::kObject:
      words_ +=
          kReferenceWords + text_words((*value.get_if<ObjectPtr>())->type_name()) + kUuidWords;
      return;
    case Kind::kEnum:
      words_ += kEnumMemberWords + text_words(value.get_if<EnumMember>()->type) +
                text_words(value.get_if<EnumMember>()->name);
      return;
    case Kind::kCallable:
      words_ += kReferenceWords + text_words(Callable::kTypeName) + kUuidWords +
                text_words((*value.get_if<CallablePtr>())->registered_name());
      return;
  }
}

void Measurer::look_at_moment(const Variant& value) {
  switch (value.kind()) {
    case Kind::kDateTime:
      refuse_if(problem_of(value.get_if<DateTime>()->date));
      refuse_if(problem_of(value.get_if<DateTime>()->time));
      words_ += kDateTimeWords;
      return;
    case Kind::kDate:
      refuse_if(problem_of(*value.get_if<Date>()));
      words_ += kDateTimeWords;
      return;
    case Kind::kTime:
      refuse_if(problem_of(*value.get_if<TimeOfDay>()));
      words_ += kDateTimeWords;
      return;
    default:
      refuse_if(problem_of(*value.get_if<TimeDelta>()));
      words_ += kTimeDeltaWords;
      return;
  }
}

}  // namespace

std::uint64_t measure(const Variant& value, const MarshalLimits& limits) {
  Measurer measurer(limits);
  measurer.add(value);
  return measurer.words();
}

std::uint64_t measure(const Arguments& arguments, const MarshalLimits& limits) {
  Measurer measurer(limits);
  measurer.add(arguments);
  return measurer.words();
}

}  // namespace cppipc
