#include <gtest/gtest.h>

#include "self_test/checks.h"
#include "self_test/device_array.h"

/// ldmatrix and movmatrix: which lane gets which 16-bit element of an 8 x 8 matrix.
namespace emulator::self_test {
namespace {

constexpr int kLanes = 32;
constexpr int kRows = 32;       // of the four matrices together
constexpr int kRowStride = 24;  // elements: 48 bytes, so rows are 16-byte aligned with a gap between them

/// Rows lie scattered, so that an address taken from the wrong lane shows. 11 is odd: every row has a place of its own.
__host__ __device__ int slot_of_row(int row) { return row * 11 % kRows; }

/// Element [row][column] of matrix m is 64 m + 8 row + column.
template <int kMatrices, bool kIsTransposed>
__global__ void load_kernel(u32* results) {
  __shared__ __align__(16) u16 rows[kRows * kRowStride];
  const int lane = static_cast<int>(threadIdx.x);
  for (int column = 0; column < 8; ++column)
    rows[slot_of_row(lane) * kRowStride + column] = static_cast<u16>(lane * 8 + column);
  __syncwarp();

  // Lane l gives the address of row l % 8 of matrix l / 8; the lanes past the last matrix repeat.
  const int row = lane % (kMatrices * 8);
  const u32 address = static_cast<u32>(__cvta_generic_to_shared(&rows[slot_of_row(row) * kRowStride]));
  u32 r[4] = {};
  if constexpr (kMatrices == 1 && !kIsTransposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  else if constexpr (kMatrices == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  else if constexpr (kMatrices == 2 && !kIsTransposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
  else if constexpr (kMatrices == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
  else if constexpr (!kIsTransposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
  for (int m = 0; m < kMatrices; ++m) results[lane * kMatrices + m] = r[m];
}

/// Lane l gets elements 2 (l % 4) and the next of row l / 4; transposed, of column l / 4. The first is the lower half.
u32 expected_pair(int matrix, int lane, bool is_transposed) {
  const int line = lane / 4, place = lane % 4 * 2;
  const int first = is_transposed ? place * 8 + line : line * 8 + place;
  const int second = is_transposed ? first + 8 : first + 1;
  return static_cast<u32>(64 * matrix + first) | static_cast<u32>(64 * matrix + second) << 16;
}

template <int kMatrices, bool kIsTransposed>
void check_load(const char* name) {
  const DeviceArray<u32> results(kLanes * kMatrices);
  run_kernel(load_kernel<kMatrices, kIsTransposed>, 1, kLanes, results.data());
  const std::vector<u32> got = results.read();
  Checks checks(name);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int m = 0; m < kMatrices; ++m)
      checks.same(got[static_cast<std::size_t>(lane * kMatrices + m)], expected_pair(m, lane, kIsTransposed),
                  [&] { return "lane " + std::to_string(lane) + ", register " + std::to_string(m); });
}

TEST(MatrixMoves, Load) {
  check_load<1, false>("ldmatrix.x1");
  check_load<2, false>("ldmatrix.x2");
  check_load<4, false>("ldmatrix.x4");
}

TEST(MatrixMoves, LoadTransposed) {
  check_load<1, true>("ldmatrix.x1.trans");
  check_load<2, true>("ldmatrix.x2.trans");
  check_load<4, true>("ldmatrix.x4.trans");
}

__global__ void transpose_kernel(u32* results) {
  const u32 lane = threadIdx.x;
  const u32 first = lane / 4 * 8 + lane % 4 * 2;
  u32 result;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(first | (first + 1) << 16));
  results[lane] = result;
}

TEST(MatrixMoves, TransposeInRegisters) {
  const DeviceArray<u32> results(kLanes);
  run_kernel(transpose_kernel, 1, kLanes, results.data());
  std::vector<u32> wanted;
  for (int lane = 0; lane < kLanes; ++lane) wanted.push_back(expected_pair(0, lane, true));
  Checks("movmatrix.m8n8.trans.b16").same_elements(results.read(), wanted);
}

}  // namespace
}  // namespace emulator::self_test
