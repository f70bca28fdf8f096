// SPDX-License-Identifier: Apache-2.0
#pragma once
// What stands for an account of a server. Each member is one call, checked by the compiler.

#include <cppipc/proxy.h>

#include "account.h"

namespace bank {

class AccountProxy final : public cppipc::Proxy<Account> {
 public:
  using Proxy::Proxy;
  std::string owner() const override { return call<&Account::owner>(); }
  double balance() const override { return call<&Account::balance>(); }
  double deposit(double amount) override { return call<&Account::deposit>(amount); }
  void pay(const std::shared_ptr<Account>& to, double amount) override {
    call<&Account::pay>(to, amount);
  }
  std::vector<std::shared_ptr<Account>> pay_new(const std::vector<std::string>& owners,
                                                double amount) override {
    return call<&Account::pay_new>(owners, amount);
  }
};
AccountProxy* proxy_of(const Account*);  // never defined: only its type is looked at

}  // namespace bank
