/// torch.ops.arloss.ar_loss: arloss/torch.h as an operator, for Python (arloss_torch.py) and TorchScript. Composite:
/// the header's own function tells autograd of the gradient. PyTorch calls operators without the GIL.
#include <c10/util/Optional.h>
#include <c10/util/StringUtil.h>
#include <c10/util/string_view.h>
#include <torch/library.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "arloss/torch.h"

namespace {

/// The enumerator of an option's word; words are given in the order of their enumerators, which count from 0.
template <class Enum>
Enum enumerator(const char* option, c10::string_view word, std::initializer_list<c10::string_view> words) {
  const auto* const found = std::find(words.begin(), words.end(), word);
  TORCH_CHECK(found != words.end(), "ar_loss: ", option, " is '", word, "'; it must be one of ",
              c10::Join(", ", words));
  return static_cast<Enum>(found - words.begin());
}

/// An option that Python holds in 64 bits and the library in 32.
std::int32_t narrow(const std::string& option, std::int64_t value) {
  const auto narrowed = static_cast<std::int32_t>(value);
  TORCH_CHECK(narrowed == value, "ar_loss: ", option, " is ", value, "; it must fit into 32 bits");
  return narrowed;
}

at::Tensor ar_loss(const at::Tensor& logits, const at::Tensor& labels, at::IntArrayRef scales,
                   at::ArrayRef<double> scale_weights, c10::string_view scale_mode, c10::string_view penalty,
                   double penalty_param, c10::optional<std::int64_t> ignore_index, c10::string_view reduction,
                   c10::string_view span, double loss_weight, const c10::optional<at::Tensor>& pixel_weights,
                   c10::string_view algorithm, bool exact, std::int64_t num_threads) {
  arloss::torch::Options options;
  options.scales.clear();
  for (std::size_t k = 0; k < scales.size(); ++k)
    options.scales.push_back(narrow(c10::str("scales[", k, "]"), scales[k]));
  for (const double weight : scale_weights) options.scale_weights.push_back(static_cast<float>(weight));
  options.scale_mode = enumerator<arloss_scale_mode_t>("scale_mode", scale_mode, {"blend", "separate", "pyramid"});
  options.penalty =
      enumerator<arloss_penalty_t>("penalty", penalty, {"squared", "absolute", "huber", "cross_entropy", "log_cosh"});
  options.penalty_param = static_cast<float>(penalty_param);
  options.has_ignore_index = ignore_index.has_value();
  options.ignore_index = ignore_index.value_or(options.ignore_index);
  options.reduction = enumerator<arloss_reduction_t>("reduction", reduction, {"mean", "sum", "none"});
  options.span = enumerator<arloss_span_t>("span", span, {"image", "batch"});
  options.loss_weight = static_cast<float>(loss_weight);
  options.pixel_weights = pixel_weights.value_or(at::Tensor());
  options.algorithm = enumerator<arloss_algorithm_t>("algorithm", algorithm, {"auto", "factored", "pairwise"});
  options.exact = exact;
  options.num_threads = narrow("num_threads", num_threads);
  return arloss::torch::ar_loss(logits, labels, options);
}

}  // namespace

TORCH_LIBRARY(arloss, library) {
  library.def(
      "ar_loss(Tensor logits, Tensor labels, *, int[] scales=[1], float[] scale_weights=[], str scale_mode='blend', "
      "str penalty='squared', float penalty_param=0., int? ignore_index=255, str reduction='mean', "
      "str span='image', float loss_weight=1., Tensor? pixel_weights=None, str algorithm='auto', bool exact=False, "
      "int num_threads=0) -> Tensor",
      ar_loss);
}
