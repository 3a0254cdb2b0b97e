#ifndef ARLOSS_KERNELS_PURE_CELLS_CUH
#define ARLOSS_KERNELS_PURE_CELLS_CUH

#include <cstdint>

namespace arloss::kernels {

/// One warp's sum w and count of w > 0, and its sums of w by class, which are in shared memory and its own. Most rows
/// of cells are of one class and weight 1: such a row costs a vote and a count.
class PureCells {
 public:
  __device__ explicit PureCells(double* class_weights) : class_weights_(class_weights) {}

  /// 32 cells, one per lane. A negative label: not of one class.
  __device__ void add(float weight, std::int32_t label) {
    if (__all_sync(~0u, weight == 0 || (weight == 1 && label == label_))) {
      run_ += __popc(__ballot_sync(~0u, weight != 0));
      return;
    }
    sum_ += static_cast<double>(weight);
    count_ += __popc(__ballot_sync(~0u, weight > 0));
    unsigned waiting = __ballot_sync(~0u, weight != 0 && label >= 0);
    while (waiting != 0) {
      end_run();
      label_ = __shfl_sync(~0u, label, __ffs(static_cast<int>(waiting)) - 1);
      const bool is_peer = weight != 0 && label == label_;
      const unsigned peers = __ballot_sync(~0u, is_peer);
      add_to_class(__all_sync(~0u, !is_peer || weight == 1) ? __popc(peers)
                                                            : sum_of_lanes(is_peer ? static_cast<double>(weight) : 0));
      waiting &= ~peers;
    }
  }

  /// After the last cells.
  __device__ void finish() { end_run(); }
  /// Of this lane; the warp's is the sum over its lanes.
  __device__ double sum() const { return sum_; }
  /// Of the warp.
  __device__ int count() const { return count_; }

 private:
  __device__ static bool is_first_lane() { return threadIdx.x % 32 == 0; }

  __device__ static double sum_of_lanes(double value) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(~0u, value, step);
    return value;
  }

  __device__ void add_to_class(double weight) {
    if (is_first_lane()) class_weights_[label_] += weight;
  }

  __device__ void end_run() {
    if (run_ == 0) return;
    if (label_ >= 0) add_to_class(run_);
    if (is_first_lane()) sum_ += run_;
    count_ += run_;
    run_ = 0;
  }

  double* class_weights_;
  double sum_ = 0;
  int count_ = 0, run_ = 0;  // a run: cells of weight 1 and of class label_ that are yet to be added
  std::int32_t label_ = -1;
};

}  // namespace arloss::kernels

#endif
