#include "ptx_probe.h"

#include "kernels/ptx/cp_async.cuh"
#include "kernels/ptx/ldmatrix.cuh"
#include "kernels/ptx/mma.cuh"

namespace kernel_tests {
namespace {

namespace ptx = arloss::kernels::ptx;

/// 32 pieces of 16 bytes, or 16 of them, one per lane.
__device__ void copy_pieces(uint4* shared, const std::uint16_t* from, int lane, int count, int valid) {
  if (lane >= count) return;
  ptx::cp_async_16(&shared[lane], from + 8 * (lane < valid ? lane : 0), lane < valid);
}

__device__ void load_columns(ColumnLoad load, const uint4* columns, int lane, std::uint32_t (&b)[2]) {
  if (load == ColumnLoad::kX4) {
    // The columns twice: matrices 2 and 3 are 0 and 1 again.
    std::uint32_t twice[4];
    ptx::ldmatrix_x4(twice, &columns[lane % 8 * 2 + lane / 8 % 2]);
    b[0] = twice[2];
    b[1] = twice[1];
  } else if (load == ColumnLoad::kX2) {
    ptx::ldmatrix_x2(b, &columns[lane % 8 * 2 + lane / 8 % 2]);
  } else {
    ptx::ldmatrix_x2_trans(b, &columns[lane % 16]);
  }
}

__global__ void product_kernel(ColumnLoad load, const std::uint16_t* rows, int valid_rows, const std::uint16_t* columns,
                               float* products) {
  __shared__ uint4 tile_rows[32], tile_columns[16];  // 16 rows of two pieces; 8 columns of two or 16 rows of one
  const int lane = static_cast<int>(threadIdx.x);
  copy_pieces(tile_rows, rows, lane, 32, 2 * valid_rows);
  ptx::cp_async_commit();
  copy_pieces(tile_columns, columns, lane, 16, 16);
  ptx::cp_async_commit();
  ptx::cp_async_wait<0>();
  __syncthreads();  // all lanes' copies before their reads
  std::uint32_t a[4], b[2];
  ptx::ldmatrix_x4(a, &tile_rows[lane % 16 * 2 + lane / 16]);
  load_columns(load, tile_columns, lane, b);
  float d[4] = {0, 0, 0, 0};
  ptx::mma_m16n8k16(d, a, b);
  for (int e = 0; e < 4; ++e) products[(lane / 4 + e / 2 * 8) * 8 + lane % 4 * 2 + e % 2] = d[e];
}

__global__ void copy_kernel(const float* values, int valid, float* copies) {
  __shared__ float tile[32];
  const int lane = static_cast<int>(threadIdx.x);
  ptx::cp_async_4(&tile[lane], values + (lane < valid ? lane : 0), lane < valid);
  ptx::cp_async_commit();
  ptx::cp_async_wait<0>();
  __syncthreads();  // all lanes' copies before their reads
  copies[lane] = tile[31 - lane];
}

}  // namespace

cudaError_t launch_product(ColumnLoad load, const std::uint16_t* rows, int valid_rows, const std::uint16_t* columns,
                           float* products) {
  product_kernel<<<1, 32>>>(load, rows, valid_rows, columns, products);
  return cudaGetLastError();
}

cudaError_t launch_copy(const float* values, int valid, float* copies) {
  copy_kernel<<<1, 32>>>(values, valid, copies);
  return cudaGetLastError();
}

}  // namespace kernel_tests
