// SPDX-License-Identifier: Apache-2.0
// An extension that implements the interface:
//   python -m unity build bank.cpp
#include <cppipc/ext/implement.h>
#include <cppipc/extension.h>

#include <stdexcept>

#include "account.h"

namespace {

class SimpleAccount final : public bank::Account {
 public:
  explicit SimpleAccount(std::string owner) : owner_(std::move(owner)) {}

  std::string owner() const override { return owner_; }
  double balance() const override { return balance_; }
  double deposit(double amount) override {
    if (amount < 0) throw std::invalid_argument("deposit() takes no negative amount; use pay()");
    return balance_ += amount;
  }
  void pay(const std::shared_ptr<bank::Account>& to, double amount) override {
    if (!to) throw std::invalid_argument("pay() needs an account to pay to, got none");
    if (amount > balance_) throw std::domain_error("there is too little on " + owner_ + "'s");
    balance_ -= amount;
    to->deposit(amount);
  }
  std::vector<std::shared_ptr<bank::Account>> pay_new(const std::vector<std::string>& owners,
                                                      double amount) override {
    std::vector<std::shared_ptr<bank::Account>> accounts;
    for (const std::string& owner : owners) {
      accounts.push_back(std::make_shared<SimpleAccount>(owner));
      pay(accounts.back(), amount);
    }
    return accounts;
  }

 private:
  std::string owner_;
  double balance_ = 0;
};

}  // namespace

CPPIPC_EXTENSION(bank, m) { cppipc::ext::implement<bank::Account, SimpleAccount>(m); }
