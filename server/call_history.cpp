// SPDX-License-Identifier: Apache-2.0
// A ring of entries whose every word is atomic, so that a reader needs no agreement with writers.
// It has more entries than it shows: a writer is not overtaken by a whole round while it writes.
#include "server/call_history.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cppipc::server {
namespace {

// The number of the call that this thread began last; 0 for none.
thread_local std::uint64_t own_call = 0;

// Text as words, and back. As much as there is room for, and a zero.
template <std::size_t kWords>
void store(std::array<std::atomic<std::uint64_t>, kWords>& to, std::string_view text) {
  constexpr std::size_t kBytes = kWords * sizeof(std::uint64_t);
  std::array<std::uint64_t, kWords> words{};
  const std::size_t size = std::min(text.size(), kBytes - 1);
  if (size != 0) std::memcpy(words.data(), text.data(), size);  // an empty text may be nowhere
  // Of a short text only the words that it has, with its zero.
  for (std::size_t i = 0; i <= size / sizeof(std::uint64_t); ++i) {
    to[i].store(words[i], std::memory_order_relaxed);
  }
}

std::string_view end_of(std::string_view file) {
  return file.substr(file.size() - std::min(file.size(), CallHistory::kFileBytes - 1));
}

template <std::size_t kWords>
void load(const std::array<std::atomic<std::uint64_t>, kWords>& from, char* text) {
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint64_t word = from[i].load(std::memory_order_relaxed);
    std::memcpy(text + i * sizeof word, &word, sizeof word);
  }
  text[kWords * sizeof(std::uint64_t) - 1] = '\0';
}

}  // namespace

void CallHistory::began(std::uint64_t session, std::string_view name,
                        std::string_view file) noexcept {
  const std::uint64_t number = last_.fetch_add(1, std::memory_order_acq_rel) + 1;
  Entry& entry = entries_[number % entries_.size()];
  store(entry.name, name);
  store(entry.file, end_of(file));
  entry.session.store(session, std::memory_order_relaxed);
  entry.is_running.store(true, std::memory_order_release);
  own_call = number;
}

CallHistory::Entry* CallHistory::find(std::uint64_t number) noexcept {
  // A call that took long may have lost its entry to a newer one.
  if (number == 0 || last_.load(std::memory_order_relaxed) - number >= entries_.size()) {
    return nullptr;
  }
  return &entries_[number % entries_.size()];
}

void CallHistory::ended() noexcept {
  Entry* entry = find(std::exchange(own_call, 0));
  if (entry != nullptr) entry->is_running.store(false, std::memory_order_release);
}

void CallHistory::enters(std::string_view file) noexcept {
  Entry* entry = find(own_call);
  if (entry != nullptr) store(entry->file, end_of(file));
}

CallHistory::Call CallHistory::load(std::uint64_t number) const noexcept {
  const Entry& entry = entries_[number % entries_.size()];
  Call call;
  call.is_running = entry.is_running.load(std::memory_order_acquire);
  call.session = entry.session.load(std::memory_order_relaxed);
  server::load(entry.name, call.name);
  server::load(entry.file, call.file);
  call.is_own = number == own_call;
  return call;
}

CallHistory& call_history() noexcept {
  static CallHistory history;
  return history;
}

}  // namespace cppipc::server
