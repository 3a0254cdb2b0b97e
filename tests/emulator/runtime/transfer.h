#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_TRANSFER_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_TRANSFER_H

#include <cuda_runtime_api.h>

#include <cstddef>

#include "memory/lanes.h"
#include "runtime/state.h"

namespace emulator::runtime {

/// A rectangle of bytes in memory: `height` rows of `width` bytes, their starts `pitch` bytes apart.
struct Rectangle {
  Address address = 0;
  std::size_t pitch = 0;
  std::size_t width = 0;
  std::size_t height = 1;

  bool is_empty() const { return width == 0 || height == 0; }
  std::size_t bytes() const { return is_empty() ? 0 : (height - 1) * pitch + width; }
};

/// `bytes` in a row.
Rectangle linear(const void* pointer, std::size_t bytes);

struct Transfer {
  Rectangle destination, source;  // of the same width and height
  cudaMemcpyKind kind = cudaMemcpyDefault;
};

/// Replaces cudaMemcpyDefault by what the addresses say, and checks pitches, directions and bounds; what is wrong with
/// an address is reported.
cudaError_t check_transfer(Transfer& transfer);

/// cudaSuccess where all of the rectangle lies in one allocation of the device, else cudaErrorInvalidValue, reported.
/// `what` says what is done with it: "writes", "reads".
cudaError_t check_device_range(const Rectangle& range, const char* what);

/// The work of a checked transfer. `is_staged`: the host's bytes are taken now and not when the work is executed.
/// `what` names the call and lives as long as the process.
Operation copy_operation(State& state, const Transfer& transfer, bool is_staged, const char* what);

/// The work of a memset of a checked range.
Operation fill_operation(const Rectangle& range, unsigned char value, const char* what);

}  // namespace emulator::runtime

#endif
