#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "self_test/checks.h"

namespace emulator::self_test {
namespace {

/// Ends the program's output with the line that docs/emulator.md records of a run on a real device.
class Summary : public ::testing::Environment {
  void TearDown() override {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return;
    std::printf("instruction self test on %s (compute capability %d.%d): %zu checks, %s\n", properties.name,
                properties.major, properties.minor, Checks::total(),
                ::testing::UnitTest::GetInstance()->Passed() ? "all passed" : "some FAILED");
  }
};

// GoogleTest owns it and calls it, whichever main() the program is linked with.
const ::testing::Environment* const kSummary = ::testing::AddGlobalTestEnvironment(new Summary);

}  // namespace
}  // namespace emulator::self_test
