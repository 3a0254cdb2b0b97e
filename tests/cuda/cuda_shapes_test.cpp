/// Few problems at the edges of the kernels' tiles, for as many schedules as the emulator is given.
#include <gtest/gtest.h>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"

namespace support {
namespace {

TEST(CudaShapes, AreWithinTheContract) {
  for (const CaseSpec& spec : shape_list()) expect_accurate_on_device(build_case(spec));
}

}  // namespace
}  // namespace support
