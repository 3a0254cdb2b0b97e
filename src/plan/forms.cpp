#include "plan/forms.h"

namespace arloss {
namespace {

void add_part(math::FactoredForm& form, math::FactoredForm::Part part) {
  const std::int64_t size = form.classes * form.classes;
  part.sums = form.head_count;
  part.coefficients = form.coefficient_count;
  form.head_count += form.is_absolute ? form.classes + size : math::ResidualSums::num_matrices(part.num_scales) * size;
  form.coefficient_count += form.is_absolute ? size : math::ResidualCoefficients::num_matrices(part.num_scales) * size;
  form.parts[form.num_parts++] = part;
}

}  // namespace

math::FactoredForm factored_form(const Problem& problem, Route route) {
  math::FactoredForm form{};
  form.is_absolute = route == Route::kFactoredAbsolute;
  form.is_separate = problem.scale_mode == ARLOSS_SCALES_SEPARATE;
  form.quadratic_factor = quadratic_factor(problem);
  form.classes = problem.classes;
  form.head_count = math::FactoredForm::kWeights;
  form.coefficient_count = math::FactoredForm::kFlags;
  if (route == Route::kFactoredPyramid) {
    int tables = 0;
    for (const Scale& scale : problem.scales)
      add_part(form, {1, {1.0}, scale.weight, 0, 0, scale.edge > 1 ? tables++ : -1});
    return form;
  }
  math::FactoredForm::Part part{problem.num_scales(), {}, 1.0, 0, 0, -1};
  for (int k = 0; k < problem.num_scales(); ++k) part.omega[k] = problem.scales[static_cast<std::size_t>(k)].weight;
  add_part(form, part);
  return form;
}

math::Reduction reduction_of(const Problem& problem) {
  const bool is_mean_of_images = problem.reduction == ARLOSS_REDUCTION_MEAN && problem.span == ARLOSS_SPAN_IMAGE;
  return {problem.reduction == ARLOSS_REDUCTION_SUM,
          problem.loss_weight / (is_mean_of_images ? static_cast<double>(problem.batch) : 1.0)};
}

}  // namespace arloss
