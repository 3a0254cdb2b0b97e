#ifndef ARLOSS_BENCH_MATERIALISED_H
#define ARLOSS_BENCH_MATERIALISED_H

#include "aligned_memory.h"
#include "rival_image.h"

namespace bench {

enum class PairPenalty { kSquared, kHuber };

/// The loss as it reads: the N x N matrices A and B of an image in memory, their difference, its penalty summed, and
/// the penalty's slopes times the rows of s. Products are OpenBLAS's, one thread of it in each of OpenMP's; one image
/// after another.
class Materialised {
 public:
  Materialised(const BenchWorkload& workload, const std::vector<std::int32_t>& scales, PairPenalty penalty, float delta,
               int num_threads);

  /// What an object of these settings takes while it runs.
  static double needed_bytes(const BenchWorkload& workload, std::size_t num_scales);
  /// The mean over the images, and its gradient in logits' layout, NCHW.
  float run(const float* logits, const std::uint8_t* labels, float* gradient);

  double flops() const;

 private:
  /// A, then B: in shared memory.
  float* pair_matrices() const;
  double embed(const float* logits, const std::uint8_t* labels);
  void multiply_pairs(const float* rows, std::int64_t count, float* out) const;
  double penalise(float scale) const;
  void write_gradient(float* gradient);

  BenchWorkload workload_;
  std::int64_t label_rows_;  // classes of all scales
  PairPenalty penalty_;
  float delta_;
  int num_threads_;
  std::vector<CellChunk> chunks_;
  std::vector<SoftLabels> pools_;   // a thread's own
  AlignedMemory<float> s_, v_, h_;  // [classes][N], [classes of all scales][N], [classes][N]
  AlignedMemory<float> live_;       // [N]
};

}  // namespace bench

#endif
