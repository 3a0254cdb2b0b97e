#include "cache_flush.h"
#include "cuda_stream.h"

namespace bench {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 1024;  // chosen: several for each multiprocessor

/// The sum is there so that the reads are; zeros are never written, and all words are zero.
__global__ void __launch_bounds__(kThreads) read_kernel(const uint4* words, std::size_t count, std::uint32_t* sum) {
  std::uint32_t found = 0;
  for (std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += std::size_t{kBlocks} * kThreads)
    found |= words[i].x | words[i].y | words[i].z | words[i].w;
  if (found != 0) *sum = found;
}

}  // namespace

void CacheFlush::operator()(cudaStream_t stream) {
  read_kernel<<<kBlocks, kThreads, 0, stream>>>(thrust::raw_pointer_cast(words_.data()), words_.size(),
                                                thrust::raw_pointer_cast(sum_.data()));
  check(cudaGetLastError());
}

}  // namespace bench
