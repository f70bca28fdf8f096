// SPDX-License-Identifier: Apache-2.0
#pragma once
// The client behind the public interface.

#include <cppipc/client.h>

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "client/callback.h"
#include "client/driver.h"
#include "client/followed_offer.h"
#include "client/reference.h"
#include "rpc/fork_guard.h"
#include "rpc/memory_share.h"
#include "rpc/message_caps.h"
#include "rpc/waited_reply.h"

namespace cppipc {

class ClientImpl;
class ClientCall;

// Owns: the connection and its watcher, a share of what its references share.
class ClientImpl final : public Client, public ObjectMap {
 public:
  ClientImpl(Descriptor socket, std::unique_ptr<Channel> channel, std::string address,
             std::string transport, ConnectOptions options);
  ~ClientImpl() override;
  // The handshake: bootstrap, open, describe. Errors: as Client::connect().
  void open();

  std::shared_ptr<const Offer> offer() const override { return offers_->now(); }
  std::uint64_t offer_version() const override { return offers_->version(); }
  const std::string& address() const override { return address_; }
  const std::string& transport() const override { return transport_; }
  std::string tls_version() const override;
  std::int64_t server_pid() const override { return server_pid_; }
  bool shares_memory() const override { return limits_.pool != nullptr; }
  std::array<std::uint8_t, 16> server_id() const override { return server_id_; }

  CallPtr call(const std::shared_ptr<RemoteObject>& target, const std::string& method,
               Arguments arguments, CallOptions options) override;
  CallPtr create(const std::string& type, Arguments arguments, CallOptions options) override;
  CallPtr run(const std::string& function, Arguments arguments, CallOptions options) override;
  const MarshalLimits& limits() const override { return limits_; }
  CallPtr call(const std::shared_ptr<RemoteObject>& target, const std::string& method,
               ValueWriter& arguments, CallOptions options) override;
  CallPtr create(const std::string& type, ValueWriter& arguments, CallOptions options) override;
  CallPtr run(const std::string& function, ValueWriter& arguments, CallOptions options) override;
  CallPtr stats(CallOptions options) override;
  CallPtr ping(CallOptions options) override;
  CallPtr save(const std::shared_ptr<RemoteObject>& object, std::span<const std::uint8_t> earlier,
               CallOptions options) override;
  CallPtr save_once(const std::shared_ptr<RemoteObject>& object, CallOptions options) override;
  CallPtr restore(std::span<const std::uint8_t> token, CallOptions options) override;
  CallPtr watch(const std::string& prefix, const CallablePtr& watcher,
                CallOptions options) override;
  CallPtr unwatch(std::uint64_t watch, CallOptions options) override;
  CallPtr give_file(int fd, CallOptions options) override;
  void close() override;
  bool is_closed() const override {
    return is_closed_ || guard_.is_child() || peer_->is_disconnected();
  }
  void abandon() noexcept override;

  // Used by calls.
  bool wait(Waiter& waiter, std::optional<Driver::Clock::time_point> until,
            const std::function<void()>& work = {});
  void ask_cancel(std::uint64_t id);
  void throw_if_child() const;
  bool is_of_parent() const { return guard_.is_child(); }

  // Used by functions of this side: a call of one has arrived; it is to be run where no call is
  // waited for; it was answered; the server has let one go.
  void post(std::unique_ptr<Callback> callback);
  void run_elsewhere(std::unique_ptr<Callback> callback);
  void sent_answer() { driver_->see_to_unsent(); }
  void forget(const LocalServant& servant);

  // ObjectMap.
  Cap cap_of(const ObjectPtr& object) override;
  std::array<std::uint8_t, 16> id_of(const ObjectPtr& object) override;
  ObjectPtr object_of(const Cap& cap, std::string_view type,
                      std::span<const std::uint8_t> id) override;
  void wait(Waiter& waiter) override;
  void count_bulk(std::uint64_t) override {}
  std::shared_ptr<MemoryShare> memory() override { return share_; }

 private:
  friend class ClientCall;
  friend class Reply;
  // Sends a call whose params have `call` and `arguments`; `name` sets what they have beside.
  template <class Params, class Name>
  CallPtr start(const std::shared_ptr<Import>& target, std::uint64_t interface_id,
                std::uint16_t method_id, ValueWriter& arguments, const CallOptions& options,
                Name&& name);
  ValueWriter written(const Arguments& arguments) const;
  // Sends a call of the session that is none of registered code; `fill` sets its params, and
  // `descriptor` goes with it if there is one.
  template <class Params, class Fill>
  CallPtr start_plain(std::uint16_t method_id, int results, const CallOptions& options, Fill&& fill,
                      int descriptor = -1);
  std::uint64_t next_call_id() { return 1 + last_call_id_.fetch_add(1); }
  // Opens the session on what the question for the broker will be answered with.
  std::shared_ptr<WaitedReply> send_open(std::uint32_t bootstrap);
  void opened(Returned returned);
  void fetch_description(Driver::Clock::time_point until);
  // `descriptor` goes with the message; -1 for none.
  Returned ask(Peer::CallBuilder call, Driver::Clock::time_point until, int descriptor = -1);
  void share_memory(const Returned& returned);
  // What ended the connection, in words for those who call: why, and what to do.
  Error loss(const Error& error);
  Error closed() const;
  std::shared_ptr<LocalServant> servant_of(const ObjectPtr& object);
  std::shared_ptr<LocalServant> find_servant_locked(const void* identity) const;
  void ended(const Error& error);

  ForkGuard guard_;
  ConnectOptions options_;
  std::string address_;
  std::string transport_;
  std::shared_ptr<Poller> poller_;
  std::shared_ptr<ReferenceSource> references_;
  std::shared_ptr<Peer> peer_;
  std::shared_ptr<Driver> driver_;
  std::shared_ptr<Import> session_;
  const std::shared_ptr<MemoryShare> share_;
  WaitedCalls waited_;
  LeftCallbacks left_;
  std::shared_ptr<CallbackThread> callback_thread_ = std::make_shared<CallbackThread>();
  std::mutex servants_mutex_;
  // Those that live, and those whose destructor is about to take them out.
  std::unordered_map<const void*, LocalServant*> servants_;
  MarshalLimits limits_;
  const std::shared_ptr<FollowedOffer> offers_ = std::make_shared<FollowedOffer>();
  std::int64_t server_pid_ = 0;
  std::array<std::uint8_t, 16> server_id_{};
  std::atomic<std::uint64_t> last_call_id_{0};
  std::atomic<bool> is_open_{false};  // the handshake is over
  bool is_described_ = false;         // before that: the offer is known
  std::atomic<bool> is_closed_{false};
  std::atomic<bool> is_explained_{false};
};

}  // namespace cppipc
