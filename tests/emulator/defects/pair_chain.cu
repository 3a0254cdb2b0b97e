#include "defects/pair_sample.cuh"
#include "defects/sample_chain.h"
#include "self_test/device_array.h"

namespace emulator::defects {
namespace {

constexpr unsigned kSplits = 4, kTotalBlocks = 4, kEmbedThreads = 128;
constexpr double kNotYet = -1;  // what the host sees before the result has arrived

/// Page-locked, so that a copy to it does not wait.
class HostResult {
 public:
  HostResult() {
    require_success(cudaMallocHost(reinterpret_cast<void**>(&value_), sizeof *value_), "cudaMallocHost");
    *value_ = kNotYet;
  }
  HostResult(const HostResult&) = delete;
  HostResult& operator=(const HostResult&) = delete;
  ~HostResult() { cudaFreeHost(value_); }
  double* get() const { return value_; }

 private:
  double* value_ = nullptr;
};

/// The result on the host, or what the defect makes of it.
double fetch(Defect defect, const double* total) {
  if (defect == Defect::kHostDereference) {
    require_success(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    return *static_cast<const volatile double*>(total);
  }
  const HostResult result;
  require_success(cudaMemcpyAsync(result.get(), total, sizeof *total, cudaMemcpyDeviceToHost, nullptr), "the copy");
  const double early = *static_cast<volatile double*>(result.get());
  require_success(cudaStreamSynchronize(nullptr), "cudaStreamSynchronize");
  return defect == Defect::kReadBeforeSynchronisation ? early : *result.get();
}

template <Defect kDefect>
double run(Defect defect, const Problem& problem) {
  constexpr Defect kPartial =
      only<Defect::kWaitLeavesGroupInFlight, Defect::kBufferOverwrittenEarly, Defect::kWrongAccumulatorLayout,
           Defect::kShuffleInDivergentBranch, Defect::kNoBarrierBeforeWarpSums, Defect::kRowsNotAligned,
           Defect::kNoWarpBarrierInExchange, Defect::kMatrixOperandsSwapped, Defect::kStrayTranspose>(kDefect);
  constexpr Defect kTotal = only<Defect::kNoFenceBeforeTicket>(kDefect);
  using Shape = PairShape<kPartial>;
  const auto num_pixels = static_cast<unsigned>(problem.num_pixels);
  const unsigned tiles = (num_pixels + Shape::kTile - 1) / Shape::kTile;
  const DeviceArray<float> logits(problem.logits), partials(tiles * kSplits);
  const DeviceArray<int> labels(problem.labels);
  const DeviceArray<__half> rows(num_pixels * Shape::kDepth);
  const DeviceArray<double> block_sums(kTotalBlocks), total(1);
  const auto ticket = DeviceArray<unsigned>::zeros(1);

  embed_kernel<<<(num_pixels + kEmbedThreads - 1) / kEmbedThreads, kEmbedThreads>>>(logits.data(), problem.num_classes,
                                                                                    problem.num_pixels, rows.data());
  require_success(cudaGetLastError(), "embed_kernel");
  const std::size_t shared_bytes = Shape::kSharedBytes - (defect == Defect::kTooLittleSharedMemory ? 256 : 0);
  pair_partial_kernel<kPartial><<<dim3(tiles, kSplits), Shape::kThreads, shared_bytes>>>(
      rows.data(), labels.data(), problem.num_pixels, partials.data());
  require_success(cudaGetLastError(), "pair_partial_kernel");
  pair_total_kernel<kTotal><<<kTotalBlocks, Shape::kTotalThreads>>>(partials.data(), static_cast<int>(tiles * kSplits),
                                                                    block_sums.data(), ticket.data(), total.data());
  require_success(cudaGetLastError(), "pair_total_kernel");
  return fetch(defect, total.data());
}

/// The instance of the defect; the clean one for those of the host code.
template <Defect... kDefects>
double run_instance(Defect defect, const Problem& problem) {
  double sum = 0;
  const bool is_kernel_defect = ((defect == kDefects && (sum = run<kDefects>(defect, problem), true)) || ...);
  return is_kernel_defect ? sum : run<Defect::kNone>(defect, problem);
}

}  // namespace

double run_pair_chain(Defect defect, const Problem& problem) {
  return run_instance<Defect::kWaitLeavesGroupInFlight, Defect::kBufferOverwrittenEarly,
                      Defect::kWrongAccumulatorLayout, Defect::kShuffleInDivergentBranch,
                      Defect::kNoBarrierBeforeWarpSums, Defect::kRowsNotAligned, Defect::kNoWarpBarrierInExchange,
                      Defect::kNoFenceBeforeTicket, Defect::kMatrixOperandsSwapped, Defect::kStrayTranspose>(defect,
                                                                                                             problem);
}

}  // namespace emulator::defects
