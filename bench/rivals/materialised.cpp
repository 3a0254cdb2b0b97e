#include "materialised.h"

#include <cblas.h>
#include <omp.h>

#include <algorithm>

#include "shared_memory.h"

namespace bench {
namespace {

constexpr std::int64_t kRows = 256;  // of a task: few enough to share out 33 x 33 cells, enough for sgemm's blocks

/// Sums a row's penalties and leaves their slopes in place of A.
float penalise_row(PairPenalty penalty, float delta, float scale, std::int64_t count, const float* b, float* a) {
  float sum = 0;
  if (penalty == PairPenalty::kSquared) {
    for (std::int64_t j = 0; j < count; ++j) {
      const float d = a[j] - b[j];
      sum += d * d;
      a[j] = 2 * scale * d;
    }
    return sum;
  }
  for (std::int64_t j = 0; j < count; ++j) {
    const float d = a[j] - b[j];
    const float slope = std::min(std::max(d, -delta), delta);
    sum += slope * (d - 0.5F * slope);
    a[j] = scale * slope;
  }
  return sum;
}

}  // namespace

Materialised::Materialised(const BenchWorkload& workload, const std::vector<std::int32_t>& scales, PairPenalty penalty,
                           float delta, int num_threads)
    : workload_(workload),
      label_rows_(workload.classes * static_cast<std::int64_t>(scales.size())),
      penalty_(penalty),
      delta_(delta),
      num_threads_(num_threads),
      chunks_(cut_image(workload, scales, num_threads, ChunkSize::kCache)) {
  for (int thread = 0; thread < num_threads; ++thread) pools_.emplace_back(workload, scales, chunks_[0].cells);
  const auto cells = static_cast<std::size_t>(workload.cells()), classes = static_cast<std::size_t>(workload.classes);
  s_ = AlignedMemory<float>(classes * cells);
  v_ = AlignedMemory<float>(static_cast<std::size_t>(label_rows_) * cells);
  h_ = AlignedMemory<float>(classes * cells);
  live_ = AlignedMemory<float>(cells);
  pair_matrices();
}

float* Materialised::pair_matrices() const {
  const auto cells = static_cast<std::size_t>(workload_.cells());
  return reinterpret_cast<float*>(shared_memory(2 * cells * cells * sizeof(float)));
}

double Materialised::needed_bytes(const BenchWorkload& workload, std::size_t num_scales) {
  const double cells = static_cast<double>(workload.cells()), classes = static_cast<double>(workload.classes);
  return 4 * cells * (2 * cells + (2 + static_cast<double>(num_scales)) * classes);
}

double Materialised::flops() const {
  const double cells = static_cast<double>(workload_.cells()), classes = static_cast<double>(workload_.classes);
  const double per_pair =
      4 * classes + 2 * static_cast<double>(label_rows_) + (penalty_ == PairPenalty::kSquared ? 4 : 7);
  return static_cast<double>(workload_.batch) * cells * cells * per_pair;
}

double Materialised::embed(const float* logits, const std::uint8_t* labels) {
  const std::int64_t cells = workload_.cells();
  std::int64_t live_cells = 0;
#pragma omp parallel for num_threads(num_threads_) schedule(static) reduction(+ : live_cells)
  for (std::size_t task = 0; task < chunks_.size(); ++task) {
    const CellChunk& chunk = chunks_[task];
    float* const live = live_.data() + chunk.first_cell;
    live_cells += pools_[omp_get_thread_num()].pool(chunk, labels, v_.data() + chunk.first_cell, cells, live);
    softmax_roots(logits + chunk.first_cell, cells, workload_.classes, chunk.cells, live, s_.data() + chunk.first_cell,
                  cells);
  }
  return static_cast<double>(live_cells);
}

void Materialised::multiply_pairs(const float* rows, std::int64_t count, float* out) const {
  const std::int64_t cells = workload_.cells();
  const auto n = static_cast<int>(cells);
#pragma omp parallel for num_threads(num_threads_) schedule(dynamic)
  for (std::int64_t i = 0; i < cells; i += kRows) {
    const auto m = static_cast<int>(std::min(kRows, cells - i));
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, static_cast<int>(count), 1, rows + i, n, rows, n, 0,
                out + i * cells, n);
  }
}

double Materialised::penalise(float scale) const {
  const std::int64_t cells = workload_.cells();
  float* const a = pair_matrices();
  const float* const b = a + cells * cells;
  double sum = 0;
#pragma omp parallel for num_threads(num_threads_) schedule(static) reduction(+ : sum)
  for (std::int64_t i = 0; i < cells; ++i)
    sum += static_cast<double>(penalise_row(penalty_, delta_, scale, cells, b + i * cells, a + i * cells));
  return sum;
}

void Materialised::write_gradient(float* gradient) {
  const std::int64_t cells = workload_.cells();
  const float* const slopes = pair_matrices();
  const auto n = static_cast<int>(cells);
#pragma omp parallel for num_threads(num_threads_) schedule(dynamic)
  for (std::int64_t i = 0; i < cells; i += kRows) {
    const std::int64_t rows = std::min(kRows, cells - i);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(workload_.classes), static_cast<int>(rows), n,
                1, s_.data(), n, slopes + i * cells, n, 0, h_.data() + i, n);
    softmax_chain(s_.data() + i, h_.data() + i, cells, workload_.classes, rows, gradient + i, cells);
  }
}

float Materialised::run(const float* logits, const std::uint8_t* labels, float* gradient) {
  openblas_set_num_threads(1);
  const std::int64_t cells = workload_.cells(), image_logits = workload_.classes * cells;
  double loss = 0;
  for (std::int64_t b = 0; b < workload_.batch; ++b) {
    const double live_cells = embed(logits + b * image_logits, labels + b * (workload_.labels() / workload_.batch));
    const double pairs = std::max(live_cells * live_cells, 1.0);
    multiply_pairs(s_.data(), workload_.classes, pair_matrices());
    multiply_pairs(v_.data(), label_rows_, pair_matrices() + cells * cells);
    // h_i = 2 sum_j phi'_ij s_j / Z
    loss += penalise(static_cast<float>(2 / (pairs * static_cast<double>(workload_.batch)))) / pairs;
    write_gradient(gradient + b * image_logits);
  }
  return static_cast<float>(loss / static_cast<double>(workload_.batch));
}

}  // namespace bench
