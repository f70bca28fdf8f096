// SPDX-License-Identifier: Apache-2.0
#include "rpc/outgoing.h"

#include <cppipc/broker.capnp.h>

#include <gtest/gtest.h>

#include "support/peers.h"

namespace cppipc::outgoing_test {
namespace {

using test::Servant;
namespace rpc = capnp::rpc;

// A Return with a wire::Reference as its results.
class OutgoingTest : public testing::Test {
 public:
  ~OutgoingTest() noexcept override = default;  // those of Cap'n Proto may throw

 protected:
  wire::Reference::Builder init() {
    message_.root().initReturn().initResults();
    return message_.content(results()).initAs<wire::Reference>();
  }
  rpc::Payload::Builder results() { return message_.root().getReturn().getResults(); }
  // What a path of pointer fields leads to.
  Cap at(const std::vector<std::uint16_t>& fields) {
    capnp::MallocMessageBuilder path;
    auto steps =
        path.initRoot<rpc::PromisedAnswer>().initTransform(static_cast<unsigned>(fields.size()));
    for (unsigned i = 0; i < fields.size(); ++i) steps[i].setGetPointerField(fields[i]);
    return message_.at(results(), steps.asReader());
  }
  static bool is_nothing(const Cap& cap) { return std::holds_alternative<std::monostate>(cap); }
  static const Exported* exported_in(const Cap& cap) {
    const auto* exported = std::get_if<std::shared_ptr<Exported>>(&cap);
    return exported == nullptr ? nullptr : exported->get();
  }

  OutgoingMessage message_{16};
  std::shared_ptr<Servant> servant_ = std::make_shared<Servant>();
};

TEST_F(OutgoingTest, AMessageWithoutCapabilitiesHasAnEmptyTable) {
  init();
  EXPECT_FALSE(message_.has_caps());
  EXPECT_TRUE(message_.table().empty());
}

TEST_F(OutgoingTest, TheTableHasTheCapabilitiesInTheirOrder) {
  const auto other = std::make_shared<Servant>();
  message_.root().initReturn().initResults();
  auto list = message_.content(results()).initAs<capnp::List<wire::Object>>(2);
  list.set(0, message_.add(servant_).castAs<wire::Object>());
  list.set(1, message_.add(other).castAs<wire::Object>());
  const auto table = message_.table();
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(exported_in(table[0]), servant_.get());
  EXPECT_EQ(exported_in(table[1]), other.get());
}

TEST_F(OutgoingTest, CapabilitiesStoredInAnotherOrderKeepTheirIndices) {
  const auto other = std::make_shared<Servant>();
  auto first = message_.add(servant_);
  auto second = message_.add(other);
  message_.root().initReturn().initResults();
  auto list = message_.content(results()).initAs<capnp::List<wire::Object>>(2);
  list.set(0, second.castAs<wire::Object>());
  list.set(1, first.castAs<wire::Object>());
  const auto table = message_.table();
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(exported_in(table[0]), other.get());
  EXPECT_EQ(exported_in(table[1]), servant_.get());
}

TEST_F(OutgoingTest, APathLeadsToItsCapability) {
  init().setObject(message_.add(servant_).castAs<wire::Object>());
  EXPECT_EQ(exported_in(at({0})), servant_.get());
}

TEST_F(OutgoingTest, OtherPathsLeadNowhere) {
  auto reference = init();
  reference.setType("text");
  reference.setObject(message_.add(servant_).castAs<wire::Object>());
  for (const auto& path : std::vector<std::vector<std::uint16_t>>{
           {}, {1}, {2}, {7}, {0xffff}, {0, 0}, {1, 0}, {1, 1, 1}}) {
    EXPECT_TRUE(is_nothing(at(path)));
  }
}

TEST_F(OutgoingTest, ACapabilityThatIsNotStoredIsOfNoConsequence) {
  message_.add(servant_);
  init();
  EXPECT_TRUE(message_.table().empty());
}

TEST_F(OutgoingTest, AnImportIsFoundToo) {
  const auto import = std::make_shared<Import>(std::make_shared<ImportSource>(nullptr), 17);
  init().setObject(message_.add(import).castAs<wire::Object>());
  EXPECT_EQ(std::get<std::shared_ptr<Import>>(at({0})), import);
}

}  // namespace
}  // namespace cppipc::outgoing_test
