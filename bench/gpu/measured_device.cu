#include <thrust/device_vector.h>

#include <cstdint>

#include "instruction_rates.h"
#include "measured_device.h"

namespace bench {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerMultiprocessor = 8;  // derived: 2,048 threads, all that one holds
constexpr double kMmaFlops = 2.0 * 16 * 8 * 16;

__global__ void __launch_bounds__(kThreads) copy_kernel(uint4* to, const uint4* from, std::size_t count) {
  const std::size_t stride = std::size_t{gridDim.x} * kThreads;
  for (std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += stride) to[i] = from[i];
}

__global__ void empty_kernel() {}

}  // namespace

DeviceFacts measure_device(const ProbeSize& size) {
  DeviceFacts facts = query_device();
  const Stream stream;
  {
    const thrust::device_vector<unsigned char> from(size.copy_bytes, 1);
    thrust::device_vector<unsigned char> to(size.copy_bytes);
    void* const target = thrust::raw_pointer_cast(to.data());
    const void* const source = thrust::raw_pointer_cast(from.data());
    const double moved_bytes = 2.0 * static_cast<double>(size.copy_bytes);
    facts.memcpy_bytes_per_second =
        moved_bytes / seconds_of(stream, size.replays, [&] {
          check(cudaMemcpyAsync(target, source, size.copy_bytes, cudaMemcpyDeviceToDevice, stream.get()));
        });
    facts.copy_kernel_bytes_per_second = moved_bytes / seconds_of(stream, size.replays, [&] {
                                           copy_by_kernel(target, source, size.copy_bytes, stream.get());
                                         });
  }
  facts.empty_graph_microseconds = 1e6 * seconds_of(stream, size.replays, [&] {
                                     for (int i = 0; i < 2; ++i) empty_kernel<<<1, 1, 0, stream.get()>>>();
                                     check(cudaGetLastError());
                                   });
  const InstructionRates rates = measure_instruction_rates(size.instruction_steps, size.replays);
  facts.half_mma_flops_per_second = kMmaFlops * rates.mma;
  facts.ffma_warp_instructions_per_second = rates.ffma;
  return facts;
}

void copy_by_kernel(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  static const int blocks = kBlocksPerMultiprocessor * multiprocessors();
  copy_kernel<<<blocks, kThreads, 0, stream>>>(static_cast<uint4*>(to), static_cast<const uint4*>(from),
                                               bytes / sizeof(uint4));
  check(cudaGetLastError());
}

}  // namespace bench
