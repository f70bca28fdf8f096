// SPDX-License-Identifier: Apache-2.0
#include "rpc/let_go.h"

#include "rpc/fork_guard.h"
#include "rpc/poller.h"

namespace cppipc {

void LetGoList::push(std::unique_ptr<Note> note) noexcept {
  Note* added = note.release();
  Note* old = head_.load(std::memory_order_relaxed);
  do {
    added->next.release();
    added->next.reset(old);
  } while (!head_.compare_exchange_weak(old, added, std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
  if (is_armed_.load(std::memory_order_seq_cst) &&
      is_armed_.exchange(false, std::memory_order_seq_cst)) {
    wake();
  }
}

void LetGoList::wake() noexcept {
  if (poller_ && !poller_->is_inherited()) poller_->wake();
}

std::unique_ptr<LetGoList::Note> LetGoList::take() {
  return std::unique_ptr<Note>(head_.exchange(nullptr, std::memory_order_acq_rel));
}

void LetGoList::drop(std::unique_ptr<Note> notes) {
  while (notes) notes = std::move(notes->next);
}

}  // namespace cppipc
