#ifndef ARLOSS_KERNELS_NARROW_SUMS_KERNELS_CUH
#define ARLOSS_KERNELS_NARROW_SUMS_KERNELS_CUH

#include "kernels/fused/fused_labels.cuh"
#include "kernels/fused/narrow_row.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// What a warp keeps in shared memory: its tile's rows of E in two halves, and of labels in one. A row more of either:
/// the last panel reads one piece past the last row where kOctets is odd.
template <int kOctets>
struct NarrowSumsRows {
  static constexpr int kCells = NarrowTile<kOctets>::kCells;
  static constexpr int kPitch = odd_pitch(kOctets);
  union {
    HalfPiece residuals[2 * kCells + 1][kPitch];
    float staged[staged_floats(kCells, NarrowTile<kOctets>::kClasses)];
  };
  HalfPiece labels[kCells + 1][kPitch];

  using Row = HalfPiece[kPitch];
  __device__ Row* leading() { return residuals; }
  __device__ Row* remainder() { return residuals + kCells; }
  __device__ const Row* leading() const { return residuals; }
  __device__ const Row* remainder() const { return residuals + kCells; }

  /// Once, before the first tile.
  __device__ void clear() {
    clear_labels();
    if (lane_index() < kPitch) residuals[2 * kCells][lane_index()] = labels[kCells][lane_index()] = HalfPiece{};
  }
  /// The lane's row.
  __device__ void clear_labels() {
#pragma unroll
    for (HalfPiece& piece : labels[lane_index()]) piece = HalfPiece{};
  }
};

/// A warp's products of 16 classes by 8, those of P on and above the diagonal. E went in times 2^exponent, which only
/// ever falls, as far as the largest |E| met so far asks for; labels times kLabelScale.
template <int kOctets>
struct NarrowProducts {
  static constexpr int kPanels = NarrowTile<kOctets>::kPanels;
  /// Tiles of P in panels before `panel`: panel m has those of octets 2 m and on.
  __device__ static constexpr int first_p(int panel) { return panel * kOctets - panel * (panel - 1); }
  static constexpr int kP = kPanels * kOctets - kPanels * (kPanels - 1);
  static constexpr int kQ = kPanels * kOctets;

  float p[kP][4], q[kQ][4];
  int exponent;

  /// Rows of this square at most come next.
  __device__ void admit(float square) {
    const int next = half_exponent(__uint_as_float(__reduce_max_sync(~0u, __float_as_uint(square))));
    if (next >= exponent) return;
    const float factor = power_of_two(next - exponent);
#pragma unroll
    for (int tile = 0; tile < kP; ++tile)
#pragma unroll
      for (int e = 0; e < 4; ++e) p[tile][e] = p[tile][e] * factor * factor;
#pragma unroll
    for (int tile = 0; tile < kQ; ++tile)
#pragma unroll
      for (int e = 0; e < 4; ++e) q[tile][e] *= factor;
    exponent = next;
  }
};

template <int kOctets>
union NarrowSumsStorage {
  NarrowSumsRows<kOctets> rows[NarrowTile<kOctets>::kWarps];
  float joined[NarrowProducts<kOctets>::kP + NarrowProducts<kOctets>::kQ][4][32];
};

/// p += E'E, q += labels'E of 32 cells: of the four products of halves the one of two remainders, 2^-22 of the whole,
/// is left out.
template <int kOctets>
__device__ void multiply_rows(const NarrowSumsRows<kOctets>& rows, bool has_p, NarrowProducts<kOctets>& products) {
  constexpr int kPanels = NarrowTile<kOctets>::kPanels;
#pragma unroll 1  // both at once spill
  for (int cell = 0; cell < NarrowTile<kOctets>::kCells; cell += 16)
#pragma unroll
    for (int m = 0; m < kPanels; ++m) {
      std::uint32_t leading[4], remainder[4], labels[4];
      load_class_rows(rows.leading() + cell, 2 * m, leading);
      load_class_rows(rows.remainder() + cell, 2 * m, remainder);
      load_class_rows(rows.labels + cell, 2 * m, labels);
#pragma unroll
      for (int panel = 0; panel < kPanels; ++panel) {
        std::uint32_t leading_columns[2][2], remainder_columns[2][2];
        load_class_columns(rows.leading() + cell, 2 * panel, leading_columns);
        load_class_columns(rows.remainder() + cell, 2 * panel, remainder_columns);
#pragma unroll
        for (int o = 0; o < 2; ++o) {
          const int n = 2 * panel + o;
          if (n >= kOctets) continue;
          float(&q)[4] = products.q[m * kOctets + n];
          ptx::mma_m16n8k16(q, labels, remainder_columns[o]);
          ptx::mma_m16n8k16(q, labels, leading_columns[o]);
          if (panel < m || !has_p) continue;
          float(&p)[4] = products.p[NarrowProducts<kOctets>::first_p(m) + n - 2 * m];
          ptx::mma_m16n8k16(p, remainder, leading_columns[o]);
          ptx::mma_m16n8k16(p, leading, remainder_columns[o]);
          ptx::mma_m16n8k16(p, leading, leading_columns[o]);
        }
      }
    }
}

/// q += labels'E of the leading halves of E: what remainders of labels add.
template <int kOctets>
__device__ void multiply_label_remainders(const NarrowSumsRows<kOctets>& rows, NarrowProducts<kOctets>& products) {
  constexpr int kPanels = NarrowTile<kOctets>::kPanels;
#pragma unroll 1  // both at once spill
  for (int cell = 0; cell < NarrowTile<kOctets>::kCells; cell += 16)
#pragma unroll
    for (int m = 0; m < kPanels; ++m) {
      std::uint32_t labels[4];
      load_class_rows(rows.labels + cell, 2 * m, labels);
#pragma unroll
      for (int panel = 0; panel < kPanels; ++panel) {
        std::uint32_t columns[2][2];
        load_class_columns(rows.leading() + cell, 2 * panel, columns);
#pragma unroll
        for (int o = 0; o < 2; ++o)
          if (2 * panel + o < kOctets) ptx::mma_m16n8k16(products.q[m * kOctets + 2 * panel + o], labels, columns[o]);
      }
    }
}

/// The lane's row of E, times the root of its weight, into shared memory. Returns false, for all lanes alike, where no
/// cell of the tile has labels.
template <class Logit, int kOctets>
__device__ bool store_residuals(const FusedSumsParams& params, const NarrowTask& task, float root,
                                NarrowSumsRows<kOctets>& rows, NarrowProducts<kOctets>& products) {
  const std::int64_t cell = task.cell();
  const FusedLabels labels(params, task.image, cell);
  if (!__any_sync(~0u, root != 0 && !labels.is_zero())) return false;
  const CellLogits<Logit> logits(params.logits, params.layout, task.image, cell);
  const float* const staged = stage_tile<Logit>(params.logits, params.layout, task, rows.staged);
  const NarrowRow<Logit, kOctets> row(labels.finest, logits, staged, static_cast<int>(params.layout.classes),
                                      root != 0);
  prefetch_next<Logit, kOctets>(params.logits, params.layout, task);
  __syncwarp();  // logits are read before rows take their place
  products.admit(row.square() * root * root);
  row.store(root * power_of_two(products.exponent), rows.leading(), rows.remainder());
  return true;
}

/// The lane's label row, times the root of its weight, or what its halves leave of that. Returns whether they leave
/// anything.
template <int kOctets>
__device__ bool store_labels(const FusedSumsParams& params, const NarrowTask& task, float root, bool is_remainder,
                             NarrowSumsRows<kOctets>& rows) {
  bool has_remainder = false;
  FusedLabels(params, task.image, task.cell()).for_each([&](std::int32_t label, float value) {
    value *= root * kLabelScale;
    const float remainder = remainder_of(value);
    has_remainder |= remainder != 0;
    half_at(rows.labels, lane_index(), label) = __float2half_rn(is_remainder ? remainder : value);
  });
  return has_remainder;
}

/// One tile of 32 cells: its rows into shared memory, their products onto the warp's.
template <class Logit, int kOctets>
__device__ void add_tile(const FusedSumsParams& params, const NarrowTask& task, NarrowSumsRows<kOctets>& rows,
                         NarrowProducts<kOctets>& products) {
  const float root =
      task.is_present() ? root_of_weight(params.weights[task.image * params.layout.cells + task.cell()]) : 0;
  if (!store_residuals<Logit>(params, task, root, rows, products)) return;
#pragma unroll 1
  for (bool is_remainder = false;; is_remainder = true) {
    const bool has_remainder = root != 0 && store_labels(params, task, root, is_remainder, rows);
    __syncwarp();  // rows before other lanes read them
    is_remainder ? multiply_label_remainders(rows, products) : multiply_rows(rows, params.p != nullptr, products);
    __syncwarp();  // ... and read before they change
    if (is_remainder || !__any_sync(~0u, has_remainder)) break;
  }
  rows.clear_labels();
}

/// Joins the warps' products, in order, in shared memory.
template <int kOctets>
__device__ void join_products(const NarrowProducts<kOctets>& products, NarrowSumsStorage<kOctets>& storage) {
  using Products = NarrowProducts<kOctets>;
  const float unscale = power_of_two(-products.exponent);
  for (int warp = 0; warp < NarrowTile<kOctets>::kWarps; ++warp) {
    __syncthreads();  // the warps before have added theirs; at first: rows are no longer needed
    if (threadIdx.x / 32 != warp) continue;
    const auto add = [&](float(&sum)[32], float value) {
      sum[lane_index()] = (warp == 0 ? 0 : sum[lane_index()]) + value;
    };
#pragma unroll
    for (int tile = 0; tile < Products::kP; ++tile)
#pragma unroll
      for (int e = 0; e < 4; ++e) add(storage.joined[tile][e], products.p[tile][e] * unscale * unscale);
#pragma unroll
    for (int tile = 0; tile < Products::kQ; ++tile)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        add(storage.joined[Products::kP + tile][e], products.q[tile][e] * unscale / kLabelScale);
  }
  __syncthreads();  // the sums before they are stored
}

/// The joined products into the block's matrices.
template <int kOctets>
__device__ void store_products(const FusedSumsParams& params, const NarrowSumsStorage<kOctets>& storage) {
  using Products = NarrowProducts<kOctets>;
  const std::int64_t classes = params.layout.classes, offset = std::int64_t{blockIdx.x} * params.stride;
  const unsigned warp = threadIdx.x / 32;
  for (int index = static_cast<int>(warp); index < NarrowTile<kOctets>::kPanels * kOctets;
       index += NarrowTile<kOctets>::kWarps) {
    const int m = index / kOctets, n = index % kOctets;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const std::int64_t c = 16 * m + product_row(e), d = 8 * n + product_column(e);
      if (c >= classes || d >= classes) continue;
      params.q[offset + c * classes + d] = storage.joined[Products::kP + index][e][lane_index()];
      if (params.p == nullptr || c > d) continue;
      params.p[offset + c * classes + d] = storage.joined[Products::first_p(m) + n - 2 * m][e][lane_index()];
    }
  }
}

/// narrow_sums_kernel.  Computes: P and Q_1, or D_k, of one split's cells from their logits (math.md, eq. 13), a lane
/// per cell, products on tensor cores, float32 accuracy.
/// Owns: the matrices of one split.  Reads: its logits once.
/// Order: 512 cells of a warp in order in float32, then the warps.
/// Cost: 5 mma for each 16 cells x 16 classes x 8, 3 of them on half the classes; 14 instructions a logit.
template <class Logit, int kOctets>
__global__ void __launch_bounds__(NarrowTile<kOctets>::kThreads, NarrowTile<kOctets>::kResidentBlocks)
    narrow_sums_kernel(const FusedSumsParams params) {
  follow_earlier_kernels();
  extern __shared__ __align__(16) unsigned char memory[];
  auto& storage = *reinterpret_cast<NarrowSumsStorage<kOctets>*>(memory);
  NarrowSumsRows<kOctets>& rows = storage.rows[threadIdx.x / 32];
  NarrowTask task = narrow_task(params.layout);
  NarrowProducts<kOctets> products{};
  products.exponent = half_exponent(0);
  rows.clear();
  for (; task.first < task.end; task.first += NarrowTile<kOctets>::kThreads)
    add_tile<Logit>(params, task, rows, products);
  join_products(products, storage);
  store_products(params, storage);
}

}  // namespace arloss::kernels

#endif
