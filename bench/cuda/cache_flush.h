#ifndef ARLOSS_BENCH_CACHE_FLUSH_H
#define ARLOSS_BENCH_CACHE_FLUSH_H

#include <thrust/device_vector.h>

#include <cstdint>

namespace bench {

/// Takes everything else out of the device's caches, by reading `bytes` bytes of its own: what is written instead
/// would have to leave the cache while the next work is timed.
class CacheFlush {
 public:
  explicit CacheFlush(std::size_t bytes) : words_(bytes / sizeof(uint4)), sum_(1) {}
  void operator()(cudaStream_t stream);

 private:
  thrust::device_vector<uint4> words_;
  thrust::device_vector<std::uint32_t> sum_;
};

}  // namespace bench

#endif
