#ifndef ARLOSS_TESTS_CASE_H
#define ARLOSS_TESTS_CASE_H

#include <cstdint>
#include <string>
#include <vector>

#include "arloss/arloss.h"
#include "oracle/oracle.h"
#include "support/label_maps.h"
#include "support/regimes.h"

namespace support {

enum class Weights {
  kNone,
  kModerate,  // 0.1 to 10, some 0
  kWide,      // the whole range that carries the accuracy promise, 2^-20 to 2^20, some 0
  kOneHeavy,  // its ends: 2^20 in one cell of a group, 2^-20 elsewhere
};

/// One problem in words: everything a test varies. What is drawn from it depends on nothing else.
struct CaseSpec {
  oracle::Problem problem;
  arloss_dtype_t logits_dtype = ARLOSS_DTYPE_FLOAT32;
  arloss_dtype_t labels_dtype = ARLOSS_DTYPE_UINT8;
  arloss_layout_t layout = ARLOSS_LAYOUT_NCHW;
  Regime regime = Regime::kRandom;
  LabelMap label_map = LabelMap::kScene;
  Weights weights = Weights::kNone;
  bool has_grad_loss = false;
  bool accumulates = false;
  bool is_element_aligned = true;  // tensors at no better alignment than their element's
  int num_threads = 1;
  // Of CUDA plans; tests of the CPU go through its algorithms themselves.
  arloss_algorithm_t device_algorithm = ARLOSS_ALGORITHM_FACTORED;
  bool is_exact = false;
  std::uint64_t seed = 1;

  std::int64_t cells() const { return problem.depth * problem.height * problem.width; }
  std::int64_t num_losses() const { return problem.reduction == oracle::Reduction::kNone ? problem.batch : 1; }
  /// One label pixel per cell and scales {1}.
  bool has_hard_labels() const;
  /// Is there a linear form (docs/math.md)?
  bool is_factorable() const;
  /// May a CUDA plan be as wrong as products of rows as halves are?
  bool has_half_products() const;
};

/// 2-D problem with one label pixel per cell and scale 1: the start of most tests.
CaseSpec plain_spec(std::int64_t batch, std::int64_t classes, std::int64_t height, std::int64_t width);
void set_label_grid(CaseSpec& spec, std::int64_t height, std::int64_t width);

/// All of it in one line, for failure messages.
std::string describe(const CaseSpec& spec);

/// The same problem as the API takes it, and typed, laid out tensors, as bytes.
struct Batch {
  arloss_problem_t problem;
  std::vector<unsigned char> logits, labels, pixel_weights, grad_loss;
  std::vector<unsigned char> prior_gradient;  // what the gradient is added to; empty where it is overwritten
  bool is_element_aligned = true;
};

arloss_problem_t api_problem(const CaseSpec& spec);

/// Where logit (b, c, cell) of `spec` lies in its dense tensor.
std::size_t logit_index(const CaseSpec& spec, std::int64_t b, std::int64_t c, std::int64_t cell);

/// Inputs of the spec's regime, label map and weights, rounded to what the typed tensors hold.
oracle::Inputs draw_inputs(const CaseSpec& spec);
/// The tensors of given inputs; without a prior gradient.
Batch pack(const CaseSpec& spec, const oracle::Inputs& inputs);
/// A tensor of `spec`'s logits dtype and layout from values [batch][classes][cells], and back.
std::vector<unsigned char> pack_logits(const CaseSpec& spec, const std::vector<double>& values);
std::vector<double> unpack_logits(const CaseSpec& spec, const std::vector<unsigned char>& bytes);

/// A problem, its inputs, and the float64 answer.
struct Case {
  CaseSpec spec;
  oracle::Inputs inputs;
  oracle::Result expected;
  double random_gradient_norm = 0;  // |gradient| for random logits; 0 where the gradient bound does not ask for it
  bool has_gradient = true;         // false where a residual of ABSOLUTE is 0 but for rounding: its sign says nothing
  double gradient_slack = 0;  // what float32 rounding of sqrt(p) alone moves the gradient by, where that is too much
  std::vector<double> prior;  // as the logits; empty where the gradient is overwritten
  Batch batch;
};

/// Draw inputs and evaluate the oracle. Two adjustments, so that a case can tell right from wrong. Where the gradient
/// is discontinuous within float32 rounding of the inputs (a sign or a clamp about to change) the inputs are drawn
/// anew. Should no draw help, the gradient of ABSOLUTE is not compared, and that of CROSS_ENTROPY (whose slope 1 / (1 -
/// A) is as steep as 1 / eps) may be off by as much as such rounding moves it. A float16 gradient is brought into that
/// dtype's range by a power-of-two loss_weight.
Case build_case(CaseSpec spec);
/// The same for given inputs, as they are.
Case build_case(const CaseSpec& spec, const oracle::Inputs& inputs);

double norm(const std::vector<double>& values);
double distance(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace support

#endif
