/// Which bytes of two rows differ, up to the row's last byte and never past it.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "guarded_pages.h"
#include "simd_fixture.h"
#include "support/random.h"

namespace arloss::cpu {
namespace {

class MarkChangesTest : public SimdTest {};
ARLOSS_ON_EVERY_TARGET(MarkChangesTest);

TEST_P(MarkChangesTest, FlagsTheBytesThatDifferAndKeepsOtherFlags) {
  support::Random random(11);
  for (std::size_t count = 0; count < 200; count += count < 70 ? 1 : 13) {
    support::GuardedPages a(count), b(count), flags(count);
    std::vector<std::uint8_t> expected(count);
    for (std::size_t i = 0; i < count; ++i) {
      a.at_end()[i] = static_cast<std::uint8_t>(random.below(3));
      b.at_end()[i] = static_cast<std::uint8_t>(random.below(3));
      flags.at_end()[i] = static_cast<std::uint8_t>(random.below(2));
      expected[i] = static_cast<std::uint8_t>(flags.at_end()[i] | (a.at_end()[i] != b.at_end()[i] ? 2 : 0));
    }
    kernels().mark_changes(a.at_end(), b.at_end(), static_cast<std::int64_t>(count), 2, flags.at_end());
    EXPECT_EQ(std::vector<std::uint8_t>(flags.at_end(), flags.at_end() + count), expected) << count << " bytes";
  }
}

}  // namespace
}  // namespace arloss::cpu
