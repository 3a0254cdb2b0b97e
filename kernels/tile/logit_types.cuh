#ifndef ARLOSS_KERNELS_LOGIT_TYPES_CUH
#define ARLOSS_KERNELS_LOGIT_TYPES_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <type_traits>

#include "kernels/tile/logits.h"

namespace arloss::kernels {

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(__half value) { return __half2float(value); }
__device__ inline float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

template <class Logit>
__device__ Logit from_float(float value);
template <>
__device__ inline float from_float<float>(float value) {
  return value;
}
template <>
__device__ inline __half from_float<__half>(float value) {
  return __float2half_rn(value);
}
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

/// The elements of one cell in a tensor of logits, or of their gradient, by class. Strides in bytes have 32 bits
/// (kMaxImageCells), so that an address is one multiply-add.
template <class Logit>
class CellElements {
  using Byte = std::conditional_t<std::is_const_v<Logit>, const char, char>;

 public:
  /// `cell` within its image.
  __device__ CellElements(Logit* tensor, const LogitLayout& layout, std::int64_t image, std::int64_t cell)
      : first_(reinterpret_cast<Byte*>(tensor + layout.index(image, 0, cell))),
        stride_(static_cast<std::uint32_t>(layout.class_stride * sizeof(Logit))) {}
  __device__ Logit& at(std::uint32_t c) const { return *reinterpret_cast<Logit*>(first_ + std::uint64_t{stride_} * c); }

 private:
  Byte* first_;
  std::uint32_t stride_;
};

/// One cell's logits, widened.
template <class Logit>
class CellLogits {
 public:
  __device__ CellLogits(const void* logits, const LogitLayout& layout, std::int64_t image, std::int64_t cell)
      : elements_(static_cast<const Logit*>(logits), layout, image, cell) {}
  __device__ float operator[](std::uint32_t c) const { return to_float(elements_.at(c)); }

 private:
  CellElements<const Logit> elements_;
};

/// Calls body(Logit{}) with the C++ type of a LogitType: the one place where run time becomes compile time. For
/// launchers.
template <class Body>
auto with_logit_type(LogitType type, const Body& body) {
  switch (type) {
    case LogitType::kFloat16: return body(__half{});
    case LogitType::kBfloat16: return body(__nv_bfloat16{});
    default: return body(float{});
  }
}

}  // namespace arloss::kernels

#endif
