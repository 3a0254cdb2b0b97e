#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_DEVICE_ATTRIBUTES_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_DEVICE_ATTRIBUTES_H

#include <cuda_runtime_api.h>

namespace emulator::runtime {

/// Of a device of this compute capability times 10. What the emulated device does not have is 0.
int device_attribute(int architecture, cudaDeviceAttr attribute);
cudaDeviceProp device_properties(int architecture);

}  // namespace emulator::runtime

#endif
