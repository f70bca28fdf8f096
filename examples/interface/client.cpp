// SPDX-License-Identifier: Apache-2.0
// A client in C++:
//   g++ client.cpp -o client $(python -m unity flags --client)
//   ./client unix:/path/of/a/server
#include <iostream>

#include "account_proxy.h"

namespace {

// Knows nothing of servers: any account will do.
void save_up(bank::Account& account, double goal) {
  while (account.balance() < goal) account.deposit(10.0);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("usage: client ADDRESS");
  const auto client = cppipc::Client::connect(argv[1]);  // keep it as long as its objects

  const std::shared_ptr<bank::Account> ada = cppipc::create<bank::Account>(client, "Ada");
  save_up(*ada, 100.0);
  const auto others = ada->pay_new({"Grace", "Edsger"}, 25.0);
  others[0]->pay(others[1], 5.0);
  for (const auto& account : others) {
    std::cout << account->owner() << " has " << account->balance() << "\n";
  }
  std::cout << ada->owner() << " has " << ada->balance() << "\n";

  try {
    ada->pay(others[0], 1000.0);
  } catch (const cppipc::Error& error) {
    std::cout << error.where << ": " << error.what() << "\n";
  }

  const auto sent = cppipc::submit<&bank::Account::deposit>(ada, 1.0);  // does not wait
  std::cout << "Ada has " << sent.wait() << "\n";
  const auto hasty = cppipc::with_options(ada, {.timeout_s = 5.0});  // the same account
  std::cout << "still " << hasty->balance() << "\n";
} catch (const std::exception& error) {
  std::cerr << "client: " << error.what() << "\n";
  return 1;
}
