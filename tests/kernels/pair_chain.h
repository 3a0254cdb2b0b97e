#ifndef ARLOSS_TESTS_PAIR_CHAIN_H
#define ARLOSS_TESTS_PAIR_CHAIN_H

#include <cstdint>
#include <vector>

#include "device_pool.h"
#include "kernels/pair/pair_launch.h"
#include "support/case.h"

namespace kernel_tests {

/// sqrt(p) and E = sqrt(p) - u of every cell, each rounded once to float32, [batch][classes][cells]; NaN where a logit
/// is.
struct EmbeddedRows {
  std::vector<float> s, residual;
};
EmbeddedRows embed(const support::CaseSpec& spec, const oracle::Inputs& inputs);

/// The loss of every image by the kernels alone: labels are pooled and rows packed on the device, all pairs summed
/// there, and the weights; what is left for the host is the division by Z. SQUARED, ABSOLUTE or HUBER against scale 1.
class PairChain {
 public:
  PairChain(const support::CaseSpec& spec, const oracle::Inputs& inputs);

  /// Poisons the outputs, launches all four kernels, and checks the guard bands.
  void run();

  /// [batch] sum of w_i w_j phi.
  std::vector<double> pair_sums() const { return pair_sums_.read(); }
  /// [batch] as ARLOSS_REDUCTION_NONE has it: 0 for an image of fewer than two live cells.
  std::vector<double> losses() const;
  /// Every output byte.
  std::vector<unsigned char> bytes() const;

 private:
  std::int64_t batch_, classes_, cells_;
  arloss::kernels::PairPenalty penalty_;
  float penalty_param_;
  DevicePool pool_;
  EmbeddedRows host_rows_;
  DeviceInput<float> s_, residual_;
  DeviceOutput<arloss::kernels::HalfPiece> rows_;
  DeviceOutput<float> pair_slots_, weight_slots_;
  DeviceOutput<std::uint32_t> pair_tickets_, weight_tickets_;
  DeviceOutput<double> pair_sums_, weight_sums_;
};

}  // namespace kernel_tests

#endif
