#include "instruction_rates.h"

#include <thrust/device_vector.h>

#include <cstdint>

#include "kernels/ptx/mma.cuh"
#include "measured_device.h"

namespace bench {
namespace {

constexpr int kThreads = 256;
constexpr int kChains = 8;  // chosen: independent sums, to hide an instruction's latency
constexpr int kMmaBlocksPerMultiprocessor = 2, kFfmaBlocksPerMultiprocessor = 8;

/// Nothing but matrix products; operands of magnitudes between 1/2 and 1 and both signs, as zeros would cost less
/// power.
__global__ void __launch_bounds__(kThreads) mma_kernel(float* sums, int steps) {
  const auto operand = [](std::uint32_t salt) {
    return ((threadIdx.x + salt) * 2654435761u & 0x83ff83ffu) | 0x38003800u;
  };
  const std::uint32_t a[4] = {operand(1), operand(2), operand(3), operand(4)};
  const std::uint32_t b[2] = {operand(5), operand(6)};
  float d[kChains][4];
  for (int chain = 0; chain < kChains; ++chain) {
    for (float& sum : d[chain]) sum = static_cast<float>(chain);
  }
  for (int step = 0; step < steps; ++step) {
    for (int chain = 0; chain < kChains; ++chain) arloss::kernels::ptx::mma_m16n8k16(d[chain], a, b);
  }
  float total = 0;
  for (int chain = 0; chain < kChains; ++chain) {
    for (const float sum : d[chain]) total += sum;
  }
  sums[blockIdx.x * kThreads + threadIdx.x] = total;
}

/// Nothing but multiply-adds, whose sums stay between 1 and 2.
__global__ void __launch_bounds__(kThreads) ffma_kernel(float* sums, float factor, int steps) {
  float d[kChains];
  for (int chain = 0; chain < kChains; ++chain) d[chain] = 1 + 0.125f * static_cast<float>(chain);
#pragma unroll 16
  for (int step = 0; step < steps; ++step) {
    for (float& sum : d) sum = fmaf(sum, factor, 0.5f);
  }
  float total = 0;
  for (const float sum : d) total += sum;
  sums[blockIdx.x * kThreads + threadIdx.x] = total;
}

/// launch(blocks, sums, stream) of `steps` steps.
template <class Launch>
double rate_of(int blocks_per_multiprocessor, int steps, const Replays& replays, const Launch& launch) {
  const Stream stream;
  const int blocks = blocks_per_multiprocessor * multiprocessors();
  thrust::device_vector<float> sums(static_cast<std::size_t>(blocks) * kThreads);
  const double seconds = seconds_of(stream, replays, [&] {
    launch(blocks, thrust::raw_pointer_cast(sums.data()), stream.get());
    check(cudaGetLastError());
  });
  return static_cast<double>(steps) * kChains * blocks * (kThreads / 32) / seconds;
}

}  // namespace

InstructionRates measure_instruction_rates(int steps, const Replays& replays) {
  const double mma = rate_of(
      kMmaBlocksPerMultiprocessor, steps, replays,
      [&](int blocks, float* sums, cudaStream_t stream) { mma_kernel<<<blocks, kThreads, 0, stream>>>(sums, steps); });
  const double ffma =
      rate_of(kFfmaBlocksPerMultiprocessor, steps, replays, [&](int blocks, float* sums, cudaStream_t stream) {
        ffma_kernel<<<blocks, kThreads, 0, stream>>>(sums, 0.5f, steps);
      });
  return {mma, ffma};
}

}  // namespace bench
