#include "textbook_factored.h"

#include <cblas.h>
#include <omp.h>

#include <algorithm>

#include "shared_memory.h"

namespace bench {
namespace {

/// out = rows rows', symmetric, upper part or all. sgemm is the faster of the two below 64 classes: 6 us against 17 for
/// 19 classes and 1024 cells.
void add_gram(const float* rows, std::int64_t count, std::int64_t cells, float* out) {
  const auto n = static_cast<int>(count), k = static_cast<int>(cells);
  if (n < 64)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, k, 1, rows, k, rows, k, 1, out, n);
  else
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasNoTrans, n, k, 1, rows, k, 1, out, n);
}

void mirror_upper(float* matrix, std::int64_t edge) {
  for (std::int64_t r = 1; r < edge; ++r)
    for (std::int64_t c = 0; c < r; ++c) matrix[r * edge + c] = matrix[c * edge + r];
}

double squared_norm(const float* values, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * values[i];
  return sum;
}

}  // namespace

TextbookFactored::TextbookFactored(const BenchWorkload& workload, const std::vector<std::int32_t>& scales,
                                   int num_threads, ChunkSize size)
    : workload_(workload),
      label_rows_(workload.classes * static_cast<std::int64_t>(scales.size())),
      num_threads_(num_threads),
      chunks_(cut_image(workload, scales, num_threads, size)),
      most_cells_(chunks_[0].cells) {
  const std::int64_t classes = workload.classes;
  for (int thread = 0; thread < num_threads; ++thread) pools_.emplace_back(workload, scales, most_cells_);
  const auto floats = [](std::int64_t count) { return AlignedMemory<float>(static_cast<std::size_t>(count)); };
  shared_memory(rows_bytes());
  live_ = floats(num_threads * most_cells_);
  products_ = floats(num_threads * most_cells_ * classes);
  const std::int64_t m = classes * classes, k = label_rows_ * classes, r = label_rows_ * label_rows_;
  sum_memory_ = floats(num_threads * workload.batch * (m + k + r));
  float* memory = sum_memory_.data();
  for (std::int64_t i = 0; i < num_threads * workload.batch; ++i, memory += m + k + r)
    sums_.push_back({memory, memory + m, memory + m + k, 0});
}

std::size_t TextbookFactored::rows_bytes() const {
  const std::int64_t rows = workload_.classes + label_rows_;
  return sizeof(float) * static_cast<std::size_t>(workload_.batch * workload_.cells() * rows);
}

std::size_t TextbookFactored::bytes() const {
  std::size_t total = rows_bytes() + live_.bytes() + products_.bytes() + sum_memory_.bytes();
  for (const SoftLabels& pool : pools_) total += pool.bytes();
  return total;
}

double TextbookFactored::flops() const {
  const double cells = static_cast<double>(workload_.batch * workload_.cells());
  const double classes = static_cast<double>(workload_.classes), rows = static_cast<double>(label_rows_);
  return cells * (classes * classes + 2 * rows * classes + rows * rows + 2 * classes * (classes + rows));
}

float* TextbookFactored::rows_of(std::int64_t task) const {
  const auto chunks = static_cast<std::int64_t>(chunks_.size());
  const std::int64_t first = task / chunks * workload_.cells() + chunks_[task % chunks].first_cell;
  return reinterpret_cast<float*>(shared_memory(rows_bytes())) + first * (workload_.classes + label_rows_);
}

void TextbookFactored::add_chunk(std::int64_t task, const float* logits, const std::uint8_t* labels, int thread) {
  const BenchWorkload& w = workload_;
  const auto chunks = static_cast<std::int64_t>(chunks_.size());
  const std::int64_t image = task / chunks;
  const CellChunk& chunk = chunks_[task % chunks];
  Sums& sums = sums_of(thread, image);
  float* const s = rows_of(task);
  float* const v = s + w.classes * chunk.cells;
  float* const live = live_.data() + thread * most_cells_;
  const std::int64_t live_cells =
      pools_[thread].pool(chunk, labels + image * (w.labels() / w.batch), v, chunk.cells, live);
  sums.live_cells += static_cast<double>(live_cells);
  softmax_roots(logits + image * w.classes * w.cells() + chunk.first_cell, w.cells(), w.classes, chunk.cells, live, s,
                chunk.cells);
  const auto cells = static_cast<int>(chunk.cells), classes = static_cast<int>(w.classes);
  add_gram(s, w.classes, chunk.cells, sums.m);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(label_rows_), classes, cells, 1, v, cells, s,
              cells, 1, sums.k, classes);
  add_gram(v, label_rows_, chunk.cells, sums.r);
}

double TextbookFactored::join_sums(std::int64_t image) {
  const std::int64_t classes = workload_.classes;
  Sums& all = sums_of(0, image);
  const std::int64_t count = (all.r - all.m) + label_rows_ * label_rows_;
  for (int thread = 1; thread < num_threads_; ++thread) {
    const Sums& part = sums_of(thread, image);
    for (std::int64_t i = 0; i < count; ++i) all.m[i] += part.m[i];
    all.live_cells += part.live_cells;
  }
  mirror_upper(all.m, classes);
  mirror_upper(all.r, label_rows_);
  if (all.live_cells == 0) return 0;
  const double sum = squared_norm(all.m, classes * classes) - 2 * squared_norm(all.k, label_rows_ * classes) +
                     squared_norm(all.r, label_rows_ * label_rows_);
  return sum / (all.live_cells * all.live_cells);
}

void TextbookFactored::write_chunk(std::int64_t task, float* gradient, float* h) const {
  const BenchWorkload& w = workload_;
  const auto chunks = static_cast<std::int64_t>(chunks_.size());
  const std::int64_t image = task / chunks;
  const CellChunk& chunk = chunks_[task % chunks];
  const Sums& sums = sums_[static_cast<std::size_t>(image)];
  const float* const s = rows_of(task);
  const float* const v = s + w.classes * chunk.cells;
  const auto cells = static_cast<int>(chunk.cells), classes = static_cast<int>(w.classes);
  const double pairs = std::max(sums.live_cells * sums.live_cells, 1.0) * static_cast<double>(w.batch);
  const auto factor = static_cast<float>(4 / pairs);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, classes, cells, classes, factor, sums.m, classes, s, cells, 0,
              h, cells);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, classes, cells, static_cast<int>(label_rows_), -factor, sums.k,
              classes, v, cells, 1, h, cells);
  softmax_chain(s, h, chunk.cells, w.classes, chunk.cells, gradient + image * w.classes * w.cells() + chunk.first_cell,
                w.cells());
}

float TextbookFactored::run(const float* logits, const std::uint8_t* labels, float* gradient) {
  const std::int64_t tasks = workload_.batch * static_cast<std::int64_t>(chunks_.size());
  double loss = 0;
  openblas_set_num_threads(1);
#pragma omp parallel num_threads(num_threads_)
  {
    const int thread = omp_get_thread_num();
    for (std::int64_t image = 0; image < workload_.batch; ++image) {
      Sums& sums = sums_of(thread, image);
      std::fill(sums.m, sums.r + label_rows_ * label_rows_, 0.0F);
      sums.live_cells = 0;
    }
#pragma omp for schedule(static)
    for (std::int64_t task = 0; task < tasks; ++task) add_chunk(task, logits, labels, thread);
#pragma omp for schedule(static) reduction(+ : loss)
    for (std::int64_t image = 0; image < workload_.batch; ++image) loss += join_sums(image);
    float* const h = products_.data() + thread * most_cells_ * workload_.classes;
#pragma omp for schedule(static)
    for (std::int64_t task = 0; task < tasks; ++task) write_chunk(task, gradient, h);
  }
  return static_cast<float>(loss / static_cast<double>(workload_.batch));
}

}  // namespace bench
