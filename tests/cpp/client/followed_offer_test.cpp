// SPDX-License-Identifier: Apache-2.0
#include "client/followed_offer.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <string>

#include "wire/marshal.h"

namespace cppipc::followed_offer_test {
namespace {

void take(FollowedOffer& offers, std::uint64_t version) {
  capnp::MallocMessageBuilder message;
  auto builder = message.initRoot<wire::Description>();
  Description description;
  description.version = std::to_string(version);
  marshal(description, builder);
  const capnp::byte hash[] = {static_cast<capnp::byte>(version)};
  offers.take(builder.asReader(), {hash, 1}, version);
}

TEST(FollowedOffer, TheLatestVersionStaysWhateverTheOrderTheyComeIn) {
  FollowedOffer offers;
  EXPECT_EQ(offers.now(), nullptr);
  take(offers, 2);
  const auto second = offers.now();
  take(offers, 1);
  EXPECT_EQ(offers.now(), second);
  EXPECT_EQ(offers.version(), 2u);
  take(offers, 3);
  EXPECT_EQ(offers.now()->description.version, "3");
  EXPECT_EQ(offers.now()->hash, "\x03");
  EXPECT_EQ(offers.version(), 3u);
  EXPECT_EQ(second->description.version, "2");
}

}  // namespace
}  // namespace cppipc::followed_offer_test
