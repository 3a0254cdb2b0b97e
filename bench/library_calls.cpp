#include "library_calls.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace bench {

arloss_status_t run_backward(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state,
                             std::size_t state_bytes, void* workspace, std::size_t workspace_bytes,
                             arloss_stream_t stream) {
  return arloss_backward(plan, io, state, state_bytes, workspace, workspace_bytes, stream);
}

void require(arloss_status_t status) {
  if (status != ARLOSS_STATUS_SUCCESS)
    throw std::runtime_error(std::string(arloss_status_name(status)) + ": " + arloss_last_message());
}

arloss_problem_t problem_of(std::int64_t batch, const ImageShape& image, const std::vector<std::int32_t>& scales) {
  arloss_problem_t problem;
  arloss_problem_init(&problem);
  problem.batch = batch;
  problem.classes = image.classes;
  problem.height = image.height;
  problem.width = image.width;
  problem.label_height = image.label_height;
  problem.label_width = image.label_width;
  problem.num_scales = static_cast<std::int32_t>(scales.size());
  std::copy(scales.begin(), scales.end(), problem.scales);
  return problem;
}

std::size_t bytes_by(SizeOf size_of, const arloss_plan_t* plan) {
  std::size_t bytes = 0;
  require(size_of(plan, &bytes));
  return bytes;
}

}  // namespace bench
