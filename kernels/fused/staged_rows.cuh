#ifndef ARLOSS_KERNELS_FUSED_STAGED_ROWS_CUH
#define ARLOSS_KERNELS_FUSED_STAGED_ROWS_CUH

#include "kernels/gradient/gradient_params.h"
#include "kernels/tile/logit_types.cuh"

/// Tensors of NHWC layout, through shared memory. Lanes that took a cell each would be C elements apart and touch a
/// line each; the threads that share a tile take its elements as they lie. Rows are an odd number of floats apart, so
/// that lanes of neighbouring cells meet different banks.
namespace arloss::kernels {

__device__ inline bool is_staged(const LogitLayout& layout) { return layout.cell_stride != 1; }
__device__ inline int staged_pitch(int classes) { return classes | 1; }
constexpr int staged_floats(int cells, int classes) { return cells * (classes | 1); }

/// Calls body(element, place): of the elements of `cells` rows as they lie, this thread's of kThreads, and where in
/// shared memory each has its place.
template <int kThreads, class Body>
__device__ void for_each_staged(int classes, int cells, const Body& body) {
  const std::uint32_t inverse = ~0u / static_cast<std::uint32_t>(classes) + 1;  // over 2^32; exact: elements x C < 2^32
  for (std::uint32_t element = threadIdx.x % kThreads; element < cells * classes; element += kThreads) {
    const std::uint32_t row = __umulhi(element, inverse);
    body(element, row * staged_pitch(classes) + element - row * classes);
  }
}

/// The logits of `cells` cells from `cell` on.
template <class Logit, int kThreads>
__device__ void stage_logits(const void* logits, const LogitLayout& layout, std::int64_t image, std::int64_t cell,
                             int cells, float* staged) {
  const Logit* const first = static_cast<const Logit*>(logits) + layout.index(image, 0, cell);
  for_each_staged<kThreads>(static_cast<int>(layout.classes), cells, [&](std::uint32_t element, std::uint32_t place) {
    staged[place] = to_float(first[element]);
  });
}

/// The gradients of `cells` cells from `cell` on.
template <class Logit, int kThreads>
__device__ void store_staged(const GradientOutput& out, std::int64_t image, std::int64_t cell, int cells,
                             const float* staged) {
  Logit* const first = static_cast<Logit*>(out.gradient) + out.layout.index(image, 0, cell);
  for_each_staged<kThreads>(
      static_cast<int>(out.layout.classes), cells, [&](std::uint32_t element, std::uint32_t place) {
        const float value = staged[place];
        if (!out.adds) {
          first[element] = from_float<Logit>(value);
        } else if (value != 0 || !signbit(value)) {  // -0 keeps what is there, the bits of a NaN too
          first[element] = from_float<Logit>(to_float(first[element]) + value);
        }
      });
}

}  // namespace arloss::kernels

#endif
