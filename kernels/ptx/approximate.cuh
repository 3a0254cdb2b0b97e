#ifndef ARLOSS_KERNELS_PTX_APPROXIMATE_CUH
#define ARLOSS_KERNELS_PTX_APPROXIMATE_CUH

/// One instruction of the special function unit each, subnormals as zero; errors as the PTX ISA states them. Their
/// exact namesakes take a slow path of some twenty instructions along.
namespace arloss::kernels::ptx {

/// 2^x to 2 ulp.
__device__ __forceinline__ float exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// log2(x) of normal x, absolute error 2^-22 between 1/2 and 2, relative elsewhere.
__device__ __forceinline__ float log2(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// 1 / sqrt(x), relative error 2^-22.9.
__device__ __forceinline__ float inverse_sqrt(float x) {
  float y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// sqrt(x), relative error 2^-23.
__device__ __forceinline__ float sqrt(float x) {
  float y;
  asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// 1 / x to 1 ulp.
__device__ __forceinline__ float inverse(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace arloss::kernels::ptx

#endif
