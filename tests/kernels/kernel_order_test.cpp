/// Every kernel begins by waiting for those before it: one that did not would let whatever waits for it alone start
/// while earlier ones still run, though it may itself read nothing of theirs.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

namespace kernel_tests {
namespace {

TEST(KernelOrder, EveryKernelFollowsTheEarlierOnes) {
  const std::filesystem::path folder = ARLOSS_KERNELS_FOLDER;
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no source files here";
  const std::regex kernel("__global__[^{;]*\\{\\s*([^;]*;)");
  int num_kernels = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".cuh" && entry.path().extension() != ".cu") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::sregex_iterator found(text.begin(), text.end(), kernel), end; found != end; ++found, ++num_kernels)
      EXPECT_EQ((*found)[1], "follow_earlier_kernels();") << entry.path() << ": " << found->str();
  }
  EXPECT_GT(num_kernels, 0);
}

}  // namespace
}  // namespace kernel_tests
