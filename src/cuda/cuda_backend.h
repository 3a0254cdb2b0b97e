#ifndef ARLOSS_CUDA_CUDA_BACKEND_H
#define ARLOSS_CUDA_CUDA_BACKEND_H

#include <string>
#include <vector>

#include "cuda/device.h"
#include "kernels/finish/finish_params.h"
#include "kernels/gradient/gradient_params.h"
#include "kernels/gram/gram_params.h"
#include "kernels/pool/label_scale.h"
#include "kernels/tile/launch_stream.h"
#include "kernels/tile/logits.h"
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

/// What every CUDA route shares: label tables and weights, rows of E, the sums of labels and weights, and the calls
/// that inspect. Routes add theirs. Every call is a fixed sequence of kernels on the caller's stream: no allocation, no
/// synchronisation (but in check), no look at what memory holds.
class CudaBackend : public Backend {
 public:
  CudaBackend(const Problem& problem, const Options& options);

  const Ledger& state() const override { return state_; }
  const Ledger& workspace() const override { return workspace_; }
  std::string describe() const override;

  RunFault affinity_rows(const Buffers& buffers, const AffinityRows& rows) const override;
  RunFault label_distribution(const Buffers& buffers, int scale_index, float* out) const override;
  RunFault check(const Buffers& buffers, arloss_report_t* report) const override;

 protected:
  /// Which tables of labels a call needs: the cells' codes alone, those the loss reads, or those of every edge asked
  /// for.
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
  RunFault run(const Buffers& buffers, const Body& body) const {
    const DeviceGuard guard(device_.index);
    Sequence launch(guard);
    kernels::LaunchStream stream(static_cast<cudaStream_t>(buffers.stream), device_.kernels_can_overlap);
    body(Call{buffers.io, buffers.state, aligned(buffers.workspace), stream, launch});
    return launch.fault();
  }

  /// Books the rows of E, for a route that has them in the workspace; to be called once, before embed and pool_rows.
  void book_rows();

  // What kernels are handed.
  kernels::LogitType logit_type() const;
  kernels::LogitLayout layout() const;
  kernels::Softmax softmax(const Call& call) const;
  kernels::BlockGrid blocks_of_edge(std::int64_t edge) const;
  kernels::LabelScale label_scale(const Call& call, std::int64_t edge) const;
  kernels::LabelScales label_scales(const Call& call) const;
  /// `flags`: [scale, dead value] of a group.
  kernels::GradientOutput gradient_output(const Call& call, const kernels::GroupMatrix& flags) const;
  /// All but the slopes, from rows of E in the workspace.
  kernels::ChainParams chain_params(const Call& call, const kernels::GroupMatrix& flags) const;
  std::int64_t cells() const { return problem_.grid.count(); }
  std::int64_t images_per_group() const { return problem_.batch / problem_.num_groups(); }
  bool is_pyramid() const { return problem_.scale_mode == ARLOSS_SCALES_PYRAMID; }
  /// Edge of the blocks that E is taken against.
  std::int64_t residual_edge() const { return is_pyramid() ? 1 : problem_.scales[0].edge; }

  // The steps of a call.
  /// Label tables, weights and the census; every run call's first step.
  void pool(const Call& call, Tables tables) const;
  /// E of the cells.
  void embed(const Call& call) const;
  /// Rows of a pyramid's blocks, from those of the cells.
  void pool_rows(const Call& call) const;
  /// Sums of labels and weights; `params` says which (sums) and where to (slots, offset). Of weights alone a slot has
  /// two values.
  void launch_label_sums(const Call& call, kernels::LabelSumsParams params) const;
  /// Joins slots into heads, [sum w, count of w > 0, ...] of each group; `params` lacks the groups and the census
  /// alone.
  void launch_join(const Call& call, kernels::JoinParams params) const;

  const Problem problem_;
  const DeviceFacts device_;
  const math::Reduction reduction_;
  Ledger state_, workspace_;
  std::vector<RowTable> tables_;
  // Offsets into the workspace: [batch][cells], and [batch][classes][cells], which book_rows books.
  std::size_t weights_ = 0, residual_ = 0;

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

  void book_labels();
  void book_table(std::int64_t edge, bool is_rows, std::size_t source, const kernels::GridSize& items, bool has_totals);
  const LabelTable& labels_of_edge(std::int64_t edge) const;
  kernels::LabelTable label_table(const Call& call, const LabelTable& table) const;
  bool is_needed(const LabelTable& table, Tables tables) const;
  void pool_tables(const Call& call, Tables tables, bool from_cells) const;

  std::vector<LabelTable> labels_;  // the cells first
  std::size_t tickets_ = 0, census_ = 0, census_slots_ = 0, logit_census_ = 0, logit_census_slots_ = 0, norms_ = 0;
};

}  // namespace arloss::cuda

#endif
