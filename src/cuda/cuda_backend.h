#ifndef ARLOSS_CUDA_CUDA_BACKEND_H
#define ARLOSS_CUDA_CUDA_BACKEND_H

#include <string>
#include <vector>

#include "cuda/device.h"
#include "kernels/gradient/gradient_params.h"
#include "kernels/gram/gram_params.h"
#include "kernels/inspect/inspect_params.h"
#include "kernels/pool/label_scale.h"
#include "kernels/tile/launch_stream.h"
#include "plan/backend.h"
#include "plan/forms.h"

namespace arloss::cuda {

/// One run call: the caller's tensors, the workspace moved up to Ledger::kAlignment, and the launches so far.
struct Call {
  const arloss_tensors_t& io;
  void* state;
  void* workspace;
  kernels::LaunchStream& stream;
  Sequence& launch;
};

/// The linear-time routes on a device. Every call is a fixed sequence of kernels on the caller's stream: no allocation,
/// no synchronisation (but in check), no look at what memory holds.
class CudaBackend : public Backend {
 public:
  CudaBackend(const Problem& problem, const Options& options, Route route);

  const Ledger& state() const override { return state_; }
  const Ledger& workspace() const override { return workspace_; }
  std::int64_t sum_count() const override { return problem_.num_groups() * form_.head_count; }
  std::string describe() const override;

  RunFault forward(const Buffers& buffers) const override;
  RunFault backward(const Buffers& buffers) const override;
  RunFault forward_backward(const Buffers& buffers) const override;
  RunFault accumulate(const Buffers& buffers) const override;
  RunFault finish(const Buffers& buffers) const override;
  RunFault affinity_rows(const Buffers& buffers, const AffinityRows& rows) const override;
  RunFault label_distribution(const Buffers& buffers, int scale_index, float* out) const override;
  RunFault check(const Buffers& buffers, arloss_report_t* report) const override;

 private:
  /// Pooled labels of the blocks of one edge, or of the rows of cells that large blocks are pooled from.
  struct LabelTable {
    std::int64_t edge;
    bool is_rows;
    std::size_t source;                 // the table it is pooled from; the cells' own is 0
    kernels::GridSize items;            // of that table along each axis
    kernels::LabelTable shape;          // all but the pointers
    std::size_t codes, counts, totals;  // offsets into the workspace; no totals: 0
  };
  /// Which tables a call needs: the cells' codes alone, those the loss reads, or those of every edge asked for.
  enum class Tables { kCodes, kUsed, kAll };
  /// Pooled rows of one scale of a pyramid.
  struct RowTable {
    std::int64_t edge;
    kernels::GridSize blocks;
    std::size_t residual, s, u, weights;
    std::int64_t count() const { return blocks.depth * blocks.height * blocks.width; }
  };

  /// Runs body(call) with the plan's device current.
  template <class Body>
  RunFault run(const Buffers& buffers, const Body& body) const;

  void book_labels();
  void book_table(std::int64_t edge, bool is_rows, std::size_t source, const kernels::GridSize& items, bool has_totals);
  void book_rows(Route route);
  void book_slots();
  std::int64_t choose_splits() const;

  // What kernels are handed.
  kernels::LogitLayout layout() const;
  kernels::Softmax softmax(const Call& call) const;
  const LabelTable& labels_of_edge(std::int64_t edge) const;
  kernels::LabelTable label_table(const Call& call, const LabelTable& table) const;
  kernels::LabelScale label_scale(const Call& call, std::int64_t edge) const;
  kernels::LabelScales label_scales(const Call& call) const;
  kernels::SumSlots<double> slots(const Call& call) const;
  kernels::SumSlots<float> product_slots(const Call& call) const;
  kernels::GradientOutput gradient_output(const Call& call) const;
  kernels::GroupMatrix group_matrix(const Call& call, std::int64_t offset) const;
  std::int64_t cells() const { return problem_.grid.count(); }
  bool is_pyramid() const { return !tables_.empty(); }
  /// Does one kernel go from the logits to the sums, and one from the logits to their gradient? Else rows of E lie in
  /// the workspace between kernels.
  bool is_fused() const { return product_count_ > 0; }
  /// Edge of the blocks that E is taken against.
  std::int64_t residual_edge() const { return is_pyramid() ? 1 : problem_.scales[0].edge; }

  // The steps of a call.
  bool is_needed(const LabelTable& table, Tables tables) const;
  void pool(const Call& call, Tables tables) const;
  void pool_tables(const Call& call, Tables tables, bool from_cells) const;
  void embed(const Call& call) const;
  void pool_rows(const Call& call) const;
  void prepare(const Call& call) const;
  void sum(const Call& call) const;
  void sum_labels(const Call& call) const;
  void sum_logits(const Call& call) const;
  void sum_cells(const Call& call, const math::FactoredForm::Part& part) const;
  void sum_table(const Call& call, const math::FactoredForm::Part& part) const;
  /// sum_r w_r left_r right_r' into the matrix at `offset` of every slot.
  struct Product {
    const float *left, *right, *weights;
    std::int64_t rows, offset;
  };
  void gram(const Call& call, const Product& product) const;
  void join(const Call& call) const;
  void write_loss(const Call& call) const;
  void write_gradient(const Call& call) const;
  void write_fused_gradient(const Call& call) const;
  void multiply_cells(const Call& call, const math::FactoredForm::Part& part) const;
  void multiply_table(const Call& call, const math::FactoredForm::Part& part) const;

  const Problem problem_;
  const DeviceFacts device_;
  const math::FactoredForm form_;
  const math::Reduction reduction_;
  Ledger state_, workspace_;
  std::vector<LabelTable> labels_;  // the cells first
  std::vector<RowTable> tables_;
  std::int64_t splits_ = 1, product_splits_ = 0;
  std::int64_t product_count_ = 0;  // values of the head that fused kernels sum; they have slots of their own
  // Offsets.
  std::size_t heads_ = 0, coefficients_ = 0, losses_ = 0;
  std::size_t tickets_ = 0, census_ = 0, census_slots_ = 0, logit_census_ = 0, logit_census_slots_ = 0;
  std::size_t weights_ = 0, norms_ = 0, residual_ = 0, h_ = 0, slots_ = 0, product_slots_ = 0;
};

}  // namespace arloss::cuda

#endif
