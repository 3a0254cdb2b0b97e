#include <algorithm>

#include "defects/gram_sample.cuh"
#include "defects/sample_chain.h"
#include "self_test/device_array.h"

namespace emulator::defects {
namespace {

constexpr int kPixelsPerBlock = 2 * GramShape::kChunk;  // so that a block goes on to a second chunk

template <Defect kDefect>
std::vector<float> run(Defect defect, const Problem& problem) {
  constexpr Defect kPartial =
      only<Defect::kNoBarrierAfterLoad, Defect::kNoBarrierBeforeNextChunk, Defect::kGlobalReadOffByOne,
           Defect::kSharedRowOutOfRange, Defect::kTailNotWritten, Defect::kBarrierInDivergentBranches,
           Defect::kReturnBeforeBarrier, Defect::kFloatAtomicSum, Defect::kOneSlotForAllBlocks>(kDefect);
  constexpr Defect kTotal = only<Defect::kCubStorageReused, Defect::kReductionUsedByAllThreads>(kDefect);
  const int num_entries = problem.num_classes * problem.num_classes;
  const int num_blocks = (problem.num_pixels + kPixelsPerBlock - 1) / kPixelsPerBlock;
  const DeviceArray<float> logits(problem.logits), partials(static_cast<std::size_t>(num_blocks * num_entries));
  const DeviceArray<float> gram(static_cast<std::size_t>(num_entries)), squares(static_cast<std::size_t>(num_entries));
  if (defect == Defect::kFloatAtomicSum)
    require_success(cudaMemset(partials.data(), 0, partials.size() * sizeof(float)), "cudaMemset");

  int num_partials = num_blocks;
  if (defect == Defect::kTooManyPartials) ++num_partials;
  if (defect == Defect::kFloatAtomicSum) num_partials = 1;
  const bool is_host_pointer = defect == Defect::kHostPointerArgument;
  gram_partial_kernel<kPartial><<<static_cast<unsigned>(num_blocks), GramShape::kThreads>>>(
      is_host_pointer ? problem.logits.data() : logits.data(), problem.num_classes, problem.num_pixels,
      partials.data());
  require_success(cudaGetLastError(), "gram_partial_kernel");
  gram_total_kernel<kTotal><<<static_cast<unsigned>(num_entries), GramShape::kTotalThreads>>>(
      partials.data(), num_partials, gram.data(), squares.data());
  require_success(cudaGetLastError(), "gram_total_kernel");
  return gram.read();
}

/// The instance of the defect; the clean one for those of the host code.
template <Defect... kDefects>
std::vector<float> run_instance(Defect defect, const Problem& problem) {
  std::vector<float> gram;
  const bool is_kernel_defect = ((defect == kDefects && (gram = run<kDefects>(defect, problem), true)) || ...);
  return is_kernel_defect ? gram : run<Defect::kNone>(defect, problem);
}

}  // namespace

std::vector<float> run_gram_chain(Defect defect, const Problem& problem) {
  return run_instance<Defect::kNoBarrierAfterLoad, Defect::kNoBarrierBeforeNextChunk, Defect::kGlobalReadOffByOne,
                      Defect::kSharedRowOutOfRange, Defect::kTailNotWritten, Defect::kBarrierInDivergentBranches,
                      Defect::kReturnBeforeBarrier, Defect::kCubStorageReused, Defect::kFloatAtomicSum,
                      Defect::kOneSlotForAllBlocks, Defect::kReductionUsedByAllThreads>(defect, problem);
}

}  // namespace emulator::defects
