// SPDX-License-Identifier: Apache-2.0
#pragma once
// The two sides of a capability: what we offer to the peer, and what the peer offers to us.

#include <cstdint>
#include <memory>
#include <variant>

#include "rpc/let_go.h"

namespace cppipc {

class IncomingCall;

// Something of ours that the peer may call, as long as it holds a reference.
class Exported : public std::enable_shared_from_this<Exported> {
 public:
  virtual ~Exported() = default;
  // One call from the peer. Runs on the thread that reads the socket (or, for a pipelined call,
  // on the thread that answered the call before), with no lock held; must not block.
  virtual void call(IncomingCall call) = 0;
  // The peer has dropped its last reference, or the connection is gone. No lock held.
  virtual void released() {}
  // A part of some reply that the peer still has to fetch.
  virtual bool is_transfer() const { return false; }
};

class Import;

// What all imports of one connection share: how they are made, and the list of those that were
// dropped. A side that keeps something of its own with an import derives from both.
// Owned by the peer and by each import. Threads: any.
class ImportSource : public LetGoList, public std::enable_shared_from_this<ImportSource> {
 public:
  using LetGoList::LetGoList;
  virtual ~ImportSource() = default;
  // Called with the tables of the peer locked: it does nothing but make one, by make_shared().
  virtual std::shared_ptr<Import> make(std::uint32_t id);
};

// Our counted hold on something of the peer's. The destructor takes no lock and sends nothing:
// it leaves a note, which becomes a Release message when the connection is next used.
// While there is one of an id, everything that comes with that id is this one.
class Import {
 public:
  Import(std::shared_ptr<ImportSource> source, std::uint32_t id)
      : source_(std::move(source)), note_(std::make_unique<LetGoList::Note>(id)) {}
  ~Import() { source_->push(std::move(note_)); }
  Import(const Import&) = delete;
  Import& operator=(const Import&) = delete;

  std::uint32_t id() const { return note_->id; }
  // The same for all imports of one connection.
  const ImportSource* connection() const { return source_.get(); }

 private:
  std::shared_ptr<ImportSource> source_;
  std::unique_ptr<LetGoList::Note> note_;
};

inline std::shared_ptr<Import> ImportSource::make(std::uint32_t id) {
  return std::make_shared<Import>(shared_from_this(), id);
}

// A capability in a message; monostate for none.
using Cap = std::variant<std::monostate, std::shared_ptr<Exported>, std::shared_ptr<Import>>;

}  // namespace cppipc
