#include <cuda_runtime_api.h>

#include <string>
#include <utility>

#include "runtime/api.h"
#include "runtime/submit.h"
#include "runtime/transfer.h"

namespace emulator::runtime {
namespace {

/// Whether the host goes on at once. Copies on the device and fills are asynchronous even without a stream.
enum class Host { kGoesOn, kWaits };

cudaError_t copy(State& state, Transfer transfer, cudaStream_t handle, Host host) {
  StreamObject* stream = nullptr;
  if (const cudaError_t error = find_issuing_stream(state, handle, &stream); error != cudaSuccess) return error;
  // A call that waits is no stream work a capture could see.
  if (host == Host::kWaits) {
    if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
  }
  if (const cudaError_t error = check_transfer(transfer); error != cudaSuccess) return error;
  if (transfer.destination.is_empty()) return cudaSuccess;

  const Rectangle& source = transfer.source;
  const bool is_captured = stream->point.capture != nullptr;
  const bool is_staged = transfer.kind == cudaMemcpyHostToDevice && !is_captured &&
                         !state.host_memory.find(reinterpret_cast<const void*>(source.address), source.bytes());
  issue(state, *stream, Graph::NodeKind::kCopy, copy_operation(state, transfer, is_staged, current_function()));
  const bool waits =
      host == Host::kWaits ? transfer.kind != cudaMemcpyDeviceToDevice : transfer.kind == cudaMemcpyHostToHost;
  if (waits && !is_captured) state.streams.finish(stream->index);
  return cudaSuccess;
}

cudaError_t fill(State& state, const Rectangle& range, int value, cudaStream_t handle) {
  StreamObject* stream = nullptr;
  if (const cudaError_t error = find_issuing_stream(state, handle, &stream); error != cudaSuccess) return error;
  if (range.is_empty()) return cudaSuccess;
  if (range.pitch < range.width) return refuse(cudaErrorInvalidPitchValue, "the rows are wider than the pitch");
  if (const cudaError_t error = check_device_range(range, "writes"); error != cudaSuccess) return error;
  issue(state, *stream, Graph::NodeKind::kMemset,
        fill_operation(range, static_cast<unsigned char>(value), current_function()));
  return cudaSuccess;
}

Transfer rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
              std::size_t height, cudaMemcpyKind kind) {
  return {{reinterpret_cast<Address>(to), to_pitch, width, height},
          {reinterpret_cast<Address>(from), from_pitch, width, height},
          kind};
}

/// The part of a variable a copy names, as a pointer.
cudaError_t find_part(State& state, const void* symbol, std::size_t bytes, std::size_t offset, void** part) {
  DeviceVariable variable{};
  if (const cudaError_t error = state.modules.find_symbol(symbol, &variable); error != cudaSuccess) return error;
  if (offset > variable.bytes || bytes > variable.bytes - offset) {
    return refuse(cudaErrorInvalidValue, std::to_string(bytes) + " bytes at offset " + std::to_string(offset) +
                                             " of a variable of " + std::to_string(variable.bytes) + " bytes");
  }
  *part = reinterpret_cast<void*>(variable.address + offset);
  return cudaSuccess;
}

cudaError_t copy_to_symbol(State& state, const void* symbol, const void* from, std::size_t bytes, std::size_t offset,
                           cudaMemcpyKind kind, cudaStream_t stream, Host host) {
  void* to = nullptr;
  if (const cudaError_t error = find_part(state, symbol, bytes, offset, &to); error != cudaSuccess) return error;
  if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost) return cudaErrorInvalidMemcpyDirection;
  return copy(state, {linear(to, bytes), linear(from, bytes), kind}, stream, host);
}

cudaError_t copy_from_symbol(State& state, void* to, const void* symbol, std::size_t bytes, std::size_t offset,
                             cudaMemcpyKind kind, cudaStream_t stream, Host host) {
  void* from = nullptr;
  if (const cudaError_t error = find_part(state, symbol, bytes, offset, &from); error != cudaSuccess) return error;
  if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost) return cudaErrorInvalidMemcpyDirection;
  return copy(state, {linear(to, bytes), linear(from, bytes), kind}, stream, host);
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator;
using namespace emulator::runtime;

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return api([&](State& state) {
    return copy(state, {linear(to, bytes), linear(from, bytes), kind}, cudaStreamLegacy, Host::kWaits);
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return api([&](State& state) {
    return copy(state, {linear(to, bytes), linear(from, bytes), kind}, stream, Host::kGoesOn);
  });
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t height, cudaMemcpyKind kind) {
  return api([&](State& state) {
    return copy(state, rows(to, to_pitch, from, from_pitch, width, height, kind), cudaStreamLegacy, Host::kWaits);
  });
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return api([&](State& state) {
    return copy(state, rows(to, to_pitch, from, from_pitch, width, height, kind), stream, Host::kGoesOn);
  });
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  return api([&](State& state) { return fill(state, linear(pointer, bytes), value, cudaStreamLegacy); });
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  return api([&](State& state) { return fill(state, linear(pointer, bytes), value, stream); });
}

cudaError_t cudaMemset2D(void* pointer, std::size_t pitch, int value, std::size_t width, std::size_t height) {
  return api([&](State& state) {
    return fill(state, {reinterpret_cast<Address>(pointer), pitch, width, height}, value, cudaStreamLegacy);
  });
}

cudaError_t cudaMemset2DAsync(void* pointer, std::size_t pitch, int value, std::size_t width, std::size_t height,
                              cudaStream_t stream) {
  return api([&](State& state) {
    return fill(state, {reinterpret_cast<Address>(pointer), pitch, width, height}, value, stream);
  });
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, std::size_t bytes, std::size_t offset,
                               cudaMemcpyKind kind) {
  return api([&](State& state) {
    return copy_to_symbol(state, symbol, from, bytes, offset, kind, cudaStreamLegacy, Host::kWaits);
  });
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, std::size_t bytes, std::size_t offset,
                                    cudaMemcpyKind kind, cudaStream_t stream) {
  return api(
      [&](State& state) { return copy_to_symbol(state, symbol, from, bytes, offset, kind, stream, Host::kGoesOn); });
}

cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, std::size_t bytes, std::size_t offset,
                                 cudaMemcpyKind kind) {
  return api([&](State& state) {
    return copy_from_symbol(state, to, symbol, bytes, offset, kind, cudaStreamLegacy, Host::kWaits);
  });
}

cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, std::size_t bytes, std::size_t offset,
                                      cudaMemcpyKind kind, cudaStream_t stream) {
  return api(
      [&](State& state) { return copy_from_symbol(state, to, symbol, bytes, offset, kind, stream, Host::kGoesOn); });
}

cudaError_t cudaGetSymbolAddress(void** address, const void* symbol) {
  return api([&](State& state) {
    if (!address) return cudaErrorInvalidValue;
    DeviceVariable variable{};
    const cudaError_t error = state.modules.find_symbol(symbol, &variable);
    if (error == cudaSuccess) *address = reinterpret_cast<void*>(variable.address);
    return error;
  });
}

cudaError_t cudaGetSymbolSize(std::size_t* bytes, const void* symbol) {
  return api([&](State& state) {
    if (!bytes) return cudaErrorInvalidValue;
    DeviceVariable variable{};
    const cudaError_t error = state.modules.find_symbol(symbol, &variable);
    if (error == cudaSuccess) *bytes = variable.bytes;
    return error;
  });
}
