// SPDX-License-Identifier: Apache-2.0
#pragma once
// The status endpoint of the process: where it listens, and where its figures come from.

#include <cppipc/host.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/logging.h"
#include "server/passed_sockets.h"
#include "server/status_options.h"
#include "server/status_server.h"

namespace cppipc::server {

// Answers until the process ends, also while the host drains and after it is gone: then with its
// last figures. Owns: the listeners. Threads: host_ends() on any, everything else on the thread
// that runs the io_context.
class Status {
 public:
  // `addresses`: where clients find the server.
  Status(boost::asio::io_context& loop, const StatusOptions& options, Log& log,
         std::function<std::vector<std::string>()> addresses);
  ~Status();
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  // Takes a socket that was passed. Errors: std::runtime_error if other machines reach it and the
  // options do not allow that.
  void take(PassedSocket socket);
  // Listens where the options say. Errors: std::runtime_error.
  void listen();
  // Begins to answer.
  void start();
  // A line for each listener, such as "status on http://127.0.0.1:9100/".
  std::vector<std::string> announcements() const;

  // The figures are those of `host` from now on.
  void show(const Host& host);
  // The host is about to go.
  void host_ends();
  void set_draining() { is_draining_ = true; }
  void count_reload(bool has_failed);

 private:
  void add(ListeningSocket socket, const std::string& written);
  StatusFigures figures() const;

  boost::asio::io_context& loop_;
  const StatusOptions& options_;
  Log& log_;
  const std::function<std::vector<std::string>()> addresses_;
  std::vector<std::unique_ptr<StatusServer>> servers_;
  bool is_draining_ = false;
  std::uint64_t reloads_ = 0;
  std::uint64_t reloads_failed_ = 0;

  mutable std::mutex mutex_;
  const Host* host_ = nullptr;  // guarded, as the next
  HostStats last_;              // once the host is gone
};

}  // namespace cppipc::server
