#ifndef ARLOSS_CUDA_PAIRWISE_BACKEND_H
#define ARLOSS_CUDA_PAIRWISE_BACKEND_H

#include "cuda/cuda_backend.h"
#include "kernels/pair/pair_params.h"

namespace arloss::cuda {

/// All pairs, for every penalty: O(N^2 C) work, O(N C) memory. Keeps no state.
///
/// The rows that are paired are cells; for PYRAMID they are the blocks of one scale after the other, the finest last.
class PairwiseBackend : public CudaBackend {
 public:
  PairwiseBackend(const Problem& problem, const Options& options);

  std::int64_t sum_count() const override { return 0; }
  std::string describe() const override;
  RunFault forward(const Buffers& buffers) const override { return run_pairs(buffers, {true, false}); }
  RunFault backward(const Buffers& buffers) const override { return run_pairs(buffers, {false, true}); }
  RunFault forward_backward(const Buffers& buffers) const override { return run_pairs(buffers, {true, true}); }
  /// No sums are additive over shards here: the C API refuses both before they get this far.
  RunFault accumulate(const Buffers&) const override { return {}; }
  RunFault finish(const Buffers&) const override { return {}; }

 private:
  struct Wants {
    bool loss, gradient;
  };

  /// One pass over all pairs of cells, or of the blocks of a pyramid's scale.
  struct Pass {
    int table;          // of the pooled rows, -1 for the cells' own
    std::int64_t rows;  // of an image
    double weight;      // in the loss
    kernels::PairWalk walk;
    std::size_t losses;
    bool is_pooled() const { return table >= 0; }
  };

  /// Over the pooled rows `table`, or the cells for -1.
  void add_pass(int table, double weight);
  void book_pairs();
  template <class Count>
  std::int64_t largest(const Count& count) const;

  // What kernels are handed.
  const RowTable& table_of(const Pass& pass) const { return tables_[static_cast<std::size_t>(pass.table)]; }
  std::int64_t plane_values(const Pass& pass) const { return problem_.batch * problem_.classes * pass.rows; }
  kernels::PairBounds* bounds(const Call& call, const Pass& pass) const;
  kernels::PairRows pair_rows(const Call& call, const Pass& pass) const;
  kernels::PairSums pair_sums(const Call& call, const Pass& pass, Wants wants) const;
  kernels::GroupMatrix flags(const Call& call) const;

  // The steps of a call.
  RunFault run_pairs(const Buffers& buffers, Wants wants) const;
  void clear_bounds(const Call& call) const;
  void sum_weights(const Call& call) const;
  void visit_pairs(const Call& call, const Pass& pass, Wants wants) const;
  void visit_products(const Call& call, const kernels::PairRows& rows, const kernels::PairSums& sums,
                      kernels::PairBounds* bounds) const;
  void visit_differences(const Call& call, kernels::PairRows rows, const kernels::PairSums& sums) const;
  void join_slopes(const Call& call, const Pass& pass) const;
  void finish_groups(const Call& call, Wants wants) const;
  void write_gradient(const Call& call) const;

  const bool is_exact_;              // rows and slopes as two halves each
  const std::vector<double> omega_;  // of the label scales that a pass compares with, finest first
  const kernels::PairFeatures features_;
  const std::int64_t pieces_;
  const bool has_products_;  // rows as halves for tensor cores; else differences of rows, in float32
  std::vector<Pass> passes_;
  // Offsets into the workspace; what passes share is as large as the largest of them takes.
  std::size_t weight_sums_ = 0, heads_ = 0, bounds_ = 0, flags_ = 0;
  std::size_t left_ = 0, right_ = 0, look_up_ = 0;  // packed rows
  std::size_t s_ = 0, u_ = 0;                       // planes
  std::size_t slopes_ = 0;
};

}  // namespace arloss::cuda

#endif
