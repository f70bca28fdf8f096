// SPDX-License-Identifier: Apache-2.0
#pragma once
// The list of references that were dropped and not yet reported to the peer.

#include <atomic>
#include <cstdint>
#include <memory>

namespace cppipc {

class Poller;

// Threads: push() from any thread in any state, a finaliser included: no lock, no allocation.
// take() from any thread.
class LetGoList {
 public:
  struct Note {
    explicit Note(std::uint32_t id) : id(id) {}
    std::uint32_t id;
    std::unique_ptr<Note> next;
  };

  // `poller`, if there is one, is woken for the first note after an arm().
  explicit LetGoList(std::shared_ptr<Poller> poller) : poller_(std::move(poller)) {}
  virtual ~LetGoList() { drop(take()); }
  LetGoList(const LetGoList&) = delete;
  LetGoList& operator=(const LetGoList&) = delete;

  void push(std::unique_ptr<Note> note) noexcept;
  bool is_empty() const { return head_.load(std::memory_order_acquire) == nullptr; }
  // All notes, newest first; null if there are none.
  std::unique_ptr<Note> take();
  // The next push() wakes the poller. Call it before the last look at is_empty().
  void arm() { is_armed_.store(true, std::memory_order_seq_cst); }

  // Destroys a chain of notes one by one.
  static void drop(std::unique_ptr<Note> notes);

 protected:
  // The first push() after an arm(). On its thread, in any state.
  virtual void wake() noexcept;

 private:
  std::atomic<Note*> head_{nullptr};
  std::atomic<bool> is_armed_{false};
  std::shared_ptr<Poller> poller_;
};

}  // namespace cppipc
