// SPDX-License-Identifier: Apache-2.0
#pragma once
// The interface of an account, for those who implement it and for those who call it.

#include <cppipc/interface.h>

#include <memory>
#include <string>
#include <vector>

namespace bank {

class Account {
 public:
  virtual ~Account() = default;
  virtual std::string owner() const = 0;
  virtual double balance() const = 0;
  // Adds money; returns the balance. Errors: std::invalid_argument for a negative amount.
  virtual double deposit(double amount) = 0;
  // Moves money to another account. Errors: std::domain_error if there is too little.
  virtual void pay(const std::shared_ptr<Account>& to, double amount) = 0;
  // Opens accounts for others and pays each of them the amount.
  virtual std::vector<std::shared_ptr<Account>> pay_new(const std::vector<std::string>& owners,
                                                        double amount) = 0;
};

// What clients know it by, and what it has. Both sides live from this list.
inline auto interface_of(const Account*) {
  using cppipc::parameter;
  return cppipc::interface<Account>("bank.Account", "Somebody's money.")
      .constructor<std::string>(parameter("owner"))
      .property<&Account::owner>("owner", "Whose it is.")
      .property<&Account::balance>("balance", "How much there is.")
      .method<&Account::deposit>("deposit", parameter("amount") = 1.0, "Adds; returns the balance.")
      .method<&Account::pay>("pay", parameter("to"), parameter("amount"), "Moves money.")
      .method<&Account::pay_new>("pay_new", parameter("owners"), parameter("amount"),
                                 "Opens accounts for others and pays each the amount.");
}

}  // namespace bank
