#include "runtime/transfer.h"

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "memory/block_memory.h"
#include "memory/device_heap.h"
#include "report.h"
#include "runtime/api.h"

namespace emulator::runtime {
namespace {

bool is_device(Address address) { return DeviceHeap::get().contains(address); }

std::byte* host_bytes(Address address) { return reinterpret_cast<std::byte*>(address); }

std::string hex(Address address) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
  return text;
}

bool overflows(const Rectangle& range) {
  std::size_t bytes = 0;
  return __builtin_mul_overflow(range.height, range.pitch, &bytes) ||
         __builtin_add_overflow(bytes, range.address, &bytes);
}

/// A direction says where both sides lie.
cudaError_t check_side(const Rectangle& side, bool is_on_device, const char* what) {
  if (is_on_device) return check_device_range(side, what);
  if (side.address == 0) return refuse(cudaErrorInvalidValue, std::string(what) + " host memory at a null pointer");
  if (!is_device(side.address)) return cudaSuccess;
  return refuse(cudaErrorInvalidValue, std::string(what) + " host memory at " + hex(side.address) + ", which is " +
                                           DeviceHeap::get().describe(side.address));
}

/// Calls body(first byte, bytes) for each row, or once where the rows have no gaps.
template <class Body>
void for_each_run(const Rectangle& range, Body&& body) {
  if (range.pitch == range.width) return body(range.address, range.width * range.height);
  for (std::size_t row = 0; row < range.height; ++row) body(range.address + row * range.pitch, range.width);
}

/// Device memory may have been released since the call, by another stream.
void require_live(const Rectangle& range, const char* what) {
  if (DeviceHeap::get().find_range(range.address, range.bytes())) return;
  fail_launch(Kind::kOutOfBounds, std::string(what) + ": when its turn comes, its memory is released: " +
                                      DeviceHeap::get().describe(range.address));
}

/// Where the emulator finds the bytes of a side; device memory is noted as read or written.
std::byte* reach(const Rectangle& side, bool is_on_device, bool is_write, const Execution& execution,
                 const char* what) {
  if (!is_on_device) return host_bytes(side.address);
  require_live(side, what);
  for_each_run(side, [&](Address address, std::size_t bytes) {
    (is_write ? note_host_write : note_host_read)(address, bytes, execution.order, what);
  });
  return DeviceHeap::get().backing(side.address);
}

void copy_rows(const Transfer& transfer, std::byte* to, const std::byte* from) {
  for (std::size_t row = 0; row < transfer.source.height; ++row) {
    std::memmove(to + row * transfer.destination.pitch, from + row * transfer.source.pitch, transfer.source.width);
  }
}

}  // namespace

Rectangle linear(const void* pointer, std::size_t bytes) {
  return {reinterpret_cast<Address>(pointer), bytes, bytes, 1};
}

cudaError_t check_device_range(const Rectangle& range, const char* what) {
  const DeviceHeap& heap = DeviceHeap::get();
  if (heap.find_range(range.address, range.bytes())) return cudaSuccess;
  const std::string where = heap.contains(range.address) ? heap.describe(range.address) : "not device memory";
  return refuse(cudaErrorInvalidValue, std::string(what) + " " + std::to_string(range.bytes()) +
                                           " bytes of device memory at " + hex(range.address) + ", which is " + where);
}

cudaError_t check_transfer(Transfer& transfer) {
  Rectangle& to = transfer.destination;
  Rectangle& from = transfer.source;
  if (to.is_empty()) return cudaSuccess;
  if (to.pitch < to.width || from.pitch < from.width) {
    return refuse(cudaErrorInvalidPitchValue, "rows of " + std::to_string(to.width) + " bytes, but pitches of " +
                                                  std::to_string(to.pitch) + " and " + std::to_string(from.pitch));
  }
  if (overflows(to) || overflows(from)) return cudaErrorInvalidValue;
  if (transfer.kind == cudaMemcpyDefault) {
    transfer.kind = is_device(to.address) ? is_device(from.address) ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice
                    : is_device(from.address) ? cudaMemcpyDeviceToHost
                                              : cudaMemcpyHostToHost;
  }
  switch (transfer.kind) {
    case cudaMemcpyHostToHost:
    case cudaMemcpyHostToDevice:
    case cudaMemcpyDeviceToHost:
    case cudaMemcpyDeviceToDevice: break;
    default: return cudaErrorInvalidMemcpyDirection;
  }
  const bool is_to_device = transfer.kind == cudaMemcpyHostToDevice || transfer.kind == cudaMemcpyDeviceToDevice;
  const bool is_from_device = transfer.kind == cudaMemcpyDeviceToHost || transfer.kind == cudaMemcpyDeviceToDevice;
  if (const cudaError_t error = check_side(to, is_to_device, "writes"); error != cudaSuccess) return error;
  return check_side(from, is_from_device, "reads");
}

Operation copy_operation(State& state, const Transfer& transfer, bool is_staged, const char* what) {
  const bool is_to_device = transfer.kind == cudaMemcpyHostToDevice || transfer.kind == cudaMemcpyDeviceToDevice;
  const bool is_from_device = transfer.kind == cudaMemcpyDeviceToHost || transfer.kind == cudaMemcpyDeviceToDevice;
  std::shared_ptr<const std::vector<std::byte>> staged;
  if (is_staged) {
    const std::byte* const begin = host_bytes(transfer.source.address);
    staged = std::make_shared<std::vector<std::byte>>(begin, begin + transfer.source.bytes());
  }
  return [=, &state](const Execution& execution) {
    const std::byte* const from =
        staged ? staged->data() : reach(transfer.source, is_from_device, false, execution, what);
    if (transfer.kind == cudaMemcpyDeviceToHost) {
      state.digest.add(execution, from, transfer.source.pitch, transfer.source.width, transfer.source.height);
    }
    if (!is_to_device && execution.is_exiting) return;
    copy_rows(transfer, reach(transfer.destination, is_to_device, true, execution, what), from);
  };
}

Operation fill_operation(const Rectangle& range, unsigned char value, const char* what) {
  return [=](const Execution& execution) {
    std::byte* const bytes = reach(range, true, true, execution, what);
    for (std::size_t row = 0; row < range.height; ++row) std::memset(bytes + row * range.pitch, value, range.width);
  };
}

}  // namespace emulator::runtime
