#ifndef ARLOSS_KERNELS_NARROW_ROW_CUH
#define ARLOSS_KERNELS_NARROW_ROW_CUH

#include "kernels/embed/mixed_residuals.cuh"
#include "kernels/fused/fused_cells.cuh"
#include "kernels/fused/narrow_tile.h"
#include "kernels/ptx/approximate.cuh"
#include "kernels/tile/half_rows.cuh"
#include "kernels/tile/softmax.cuh"

namespace arloss::kernels {

/// The tile of a warp, in its image.
struct NarrowTask {
  std::int64_t image;
  std::int64_t first, end;  // cells: of the tile, of the block

  /// Of the tile that are there.
  __device__ int cells() const { return static_cast<int>(min(end - first, std::int64_t{32})); }
  __device__ bool is_present() const { return first + lane_index() < end; }
  /// The lane's, within the image; where none is present the last that is.
  __device__ std::int64_t cell() const { return is_present() ? first + lane_index() : end - 1; }
};
/// The warp's first tile of the thread block.
__device__ inline NarrowTask narrow_task(const LogitLayout& layout) {
  const BlockCells block = block_cells(narrow_splits(layout.batch, layout.cells));
  return {block.image, block.first + threadIdx.x / 32 * 32, block.end};
}

template <class Logit, int kOctets>
__device__ void prefetch_next(const void* logits, const LogitLayout& layout, const NarrowTask& task) {
  prefetch_tile<Logit, NarrowTile<kOctets>::kCells, 32>(logits, layout, task.image,
                                                        task.first + NarrowTile<kOctets>::kThreads, task.end);
}

/// The warp's tile of logits through shared memory where the layout asks for that. Returns the lane's logits there, or
/// NULL.
template <class Logit>
__device__ const float* stage_tile(const void* logits, const LogitLayout& layout, const NarrowTask& task,
                                   float* staged) {
  if (!is_staged(layout)) return nullptr;
  __syncwarp();  // what was there is no longer needed
  stage_logits<Logit, 32>(logits, layout, task.image, task.first, task.cells(), staged);
  __syncwarp();  // logits before their lane reads them
  return staged + (task.is_present() ? lane_index() : 0) * staged_pitch(static_cast<int>(layout.classes));
}

/// One lane's cell: exp((z - max z) / 2) of every class, and what makes E of them (math.md, eq. 17, 18). A lane that is
/// not live has E = 0, whatever its logits are.
template <class Logit, int kOctets>
class NarrowRow {
  static constexpr int kClasses = NarrowTile<kOctets>::kClasses;
  /// Classes that every problem of this many octets has; the others may be padding, which has s = 0.
  static constexpr int kCertain = NarrowTile<kOctets>::kCertain;

 public:
  /// `staged`: the lane's logits in shared memory, or NULL.
  __device__ NarrowRow(const LabelRow& labels, const CellLogits<Logit>& logits, const float* staged, int classes,
                       bool is_live)
      : labels_(labels), logits_(logits), is_live_(is_live) {
    staged == nullptr ? load(logits, classes) : load(staged, classes);
    const float largest = exponentiate();
    const Sums sums = sum_squares();
    inverse_ = ptx::inverse_sqrt(sums.labelled + sums.unlabelled);
    const float delta = sums.unlabelled * inverse_ * inverse_;
    square_ = delta;
    if (!is_live) return;
    if (labels.is_pure()) {
      pure_ = pure_residual(delta, ptx::sqrt(sums.labelled) * inverse_);
    } else {
      mixed_.normalise(labels, logits, sums.unlabelled * ptx::exp2(-2 * exponent_of(largest, largest)), largest);
    }
    for_each_labelled([&](std::int32_t, float residual) { square_ += residual * residual; });
  }

  /// |E|^2, to some ulps.
  __device__ float square() const { return is_live_ ? square_ : 0; }
  __device__ float s(int c) const { return e_[c] * inverse_; }

  /// E times `scale` into the lane's rows of halves.
  template <int kPitch>
  __device__ void store(float scale, HalfPiece (*leading)[kPitch], HalfPiece (*remainder)[kPitch]) const {
    const int lane = lane_index();
    const float factor = is_live_ ? inverse_ * scale : 0;
#pragma unroll
    for (int octet = 0; octet < kOctets; ++octet) {
      float values[8];
#pragma unroll
      for (int j = 0; j < 8; ++j) values[j] = e_[8 * octet + j] * factor;
      split_piece(values, leading[lane][octet], remainder[lane][octet]);
    }
    if (!is_live_) return;
    for_each_labelled([&](std::int32_t label, float residual) {
      half_at(leading, lane, label) = __float2half_rn(residual * scale);
      half_at(remainder, lane, label) = __float2half_rn(remainder_of(residual * scale));
    });
  }

 private:
  struct Sums {
    float labelled, unlabelled;
  };

  /// Of padding -inf. What cells that are not live hold is not looked at.
  template <class Logits>
  __device__ void load(const Logits& logits, int classes) {
#pragma unroll
    for (int c = 0; c < kClasses; ++c) e_[c] = c < kCertain || c < classes ? logits[c] : -INFINITY;
    if (is_live_) return;
#pragma unroll
    for (int c = 0; c < kClasses; ++c) e_[c] = 0;
  }

  /// log2 of exp((z - largest) / 2), but for what rounding the product takes from every class alike: 4e-4 where logits
  /// are 1e4. Norms take that out again, whatever else uses these exponentials has to.
  __device__ static float exponent_of(float z, float largest) {
    const float shift = largest * kHalfLog2E;
    return fmaf(z, kHalfLog2E, -shift);
  }

  /// Returns the largest logit. A NaN need not show there: it turns the sum of squares NaN.
  __device__ float exponentiate() {
    float largest = e_[0];
#pragma unroll
    for (int c = 1; c < kClasses; ++c) largest = fmaxf(largest, e_[c]);
#pragma unroll
    for (int c = 0; c < kClasses; ++c) e_[c] = ptx::exp2(exponent_of(e_[c], largest));
    return largest;
  }

  __device__ Sums sum_squares() const {
    const std::uint64_t set = label_set();
    Sums sums{};
#pragma unroll
    for (int c = 0; c < kClasses; ++c) {
      const bool is_labelled = set >> c & 1;
      if (is_labelled) sums.labelled = fmaf(e_[c], e_[c], sums.labelled);
      if (!is_labelled) sums.unlabelled = fmaf(e_[c], e_[c], sums.unlabelled);
    }
    return sums;
  }

  __device__ std::uint64_t label_set() const {
    if (labels_.is_pure()) return std::uint64_t{1} << labels_.code();
    std::uint64_t set = 0;
#pragma unroll 1
    for (int index = 0; index < labels_.size(); ++index) set |= std::uint64_t{1} << labels_.label(index);
    return set;
  }

  template <class Body>
  __device__ void for_each_labelled(const Body& body) const {
    if (labels_.is_pure())
      body(labels_.code(), pure_);
    else
      mixed_.for_each_residual(labels_, logits_, body);
  }

  const LabelRow& labels_;
  const CellLogits<Logit>& logits_;
  MixedResiduals mixed_;
  bool is_live_;
  float e_[kClasses];
  float inverse_, square_, pure_ = 0;
};

}  // namespace arloss::kernels

#endif
