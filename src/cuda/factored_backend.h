#ifndef ARLOSS_CUDA_FACTORED_BACKEND_H
#define ARLOSS_CUDA_FACTORED_BACKEND_H

#include "cuda/cuda_backend.h"
#include "math/factored_form.h"

namespace arloss::cuda {

/// The linear-time routes: C x C residual sums forward, C x C coefficient matrices backward, never a pair.
///
/// State: the additive heads of all groups, parts of their losses, then their coefficients (math::FactoredForm).
class FactoredBackend : public CudaBackend {
 public:
  FactoredBackend(const Problem& problem, const Options& options, Route route);

  std::int64_t sum_count() const override { return problem_.num_groups() * form_.head_count; }
  RunFault forward(const Buffers& buffers) const override;
  RunFault backward(const Buffers& buffers) const override;
  RunFault forward_backward(const Buffers& buffers) const override;
  RunFault accumulate(const Buffers& buffers) const override;
  RunFault finish(const Buffers& buffers) const override;

 private:
  using Part = math::FactoredForm::Part;

  void book_slots();
  std::int64_t choose_splits() const;

  // What kernels are handed.
  kernels::SumSlots<double> slots(const Call& call) const;
  kernels::SumSlots<float> product_slots(const Call& call) const;
  kernels::GroupMatrix group_matrix(const Call& call, std::int64_t offset) const;
  /// Does one kernel go from the logits to the sums, and one from the logits to their gradient? Else rows of E lie in
  /// the workspace between kernels.
  bool is_fused() const { return product_count_ > 0; }

  // The steps of a call.
  void prepare(const Call& call) const;
  void sum(const Call& call) const;
  void sum_labels(const Call& call) const;
  void sum_logits(const Call& call) const;
  void sum_cells(const Call& call, const Part& part) const;
  void sum_table(const Call& call, const Part& part) const;
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
  void multiply_cells(const Call& call, const Part& part) const;
  void multiply_table(const Call& call, const Part& part) const;

  const math::FactoredForm form_;
  std::int64_t splits_ = 1, product_splits_ = 0;
  std::int64_t product_count_ = 0;  // values of the head that fused kernels sum; they have slots of their own
  // Offsets.
  std::size_t heads_ = 0, losses_ = 0, coefficients_ = 0, slots_ = 0, product_slots_ = 0, h_ = 0;
};

}  // namespace arloss::cuda

#endif
