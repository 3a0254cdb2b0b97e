#ifndef ARLOSS_BENCH_TEXTBOOK_FACTORED_H
#define ARLOSS_BENCH_TEXTBOOK_FACTORED_H

#include <memory>

#include "aligned_memory.h"
#include "rival_image.h"

namespace bench {

/// The squared loss by the textbook identity, with M = S'S, K = U'S, R = U'U and dense soft labels U (columns
/// sqrt(omega_k) u^k of all scales side by side):
///
///     Z L = |M|^2 - 2 |K|^2 + |R|^2          h = 4 (S M - U K) / Z
///
/// in products of OpenBLAS, one thread of it in each of OpenMP's. ChunkSize::kShare is as the identity reads, a pass
/// over the whole of S and U for each product; kCache does the same products chunk by chunk.
class TextbookFactored {
 public:
  TextbookFactored(const BenchWorkload& workload, const std::vector<std::int32_t>& scales, int num_threads,
                   ChunkSize size);

  /// The mean over the images, and its gradient in logits' layout, NCHW.
  float run(const float* logits, const std::uint8_t* labels, float* gradient);

  std::size_t bytes() const;
  double flops() const;

 private:
  struct Sums {
    float *m, *k, *r;
    double live_cells;
  };
  void add_chunk(std::int64_t task, const float* logits, const std::uint8_t* labels, int thread);
  double join_sums(std::int64_t image);
  void write_chunk(std::int64_t task, float* gradient, float* h) const;
  std::size_t rows_bytes() const;
  /// Of a chunk: s, then v, in shared memory.
  float* rows_of(std::int64_t task) const;
  Sums& sums_of(int thread, std::int64_t image) {
    return sums_[static_cast<std::size_t>(thread * workload_.batch + image)];
  }

  BenchWorkload workload_;
  std::int64_t label_rows_;  // classes of all scales
  int num_threads_;
  std::vector<CellChunk> chunks_;
  std::int64_t most_cells_;
  std::vector<SoftLabels> pools_;  // a thread's own
  AlignedMemory<float> live_;      // a thread's own, a chunk
  AlignedMemory<float> products_;  // a thread's own, a chunk of h
  AlignedMemory<float> sum_memory_;
  std::vector<Sums> sums_;  // of each thread and image; thread 0's become those of all
};

}  // namespace bench

#endif
