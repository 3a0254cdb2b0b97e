#ifndef ARLOSS_BENCH_LIBRARY_CALLS_H
#define ARLOSS_BENCH_LIBRARY_CALLS_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "arloss/arloss.h"
#include "smooth_data.h"

/// What the benchmarks of every device ask of the library.
namespace bench {

/// A run call.
using RunCall = arloss_status_t (*)(const arloss_plan_t*, const arloss_tensors_t*, void*, std::size_t, void*,
                                    std::size_t, arloss_stream_t);
/// arloss_backward as one: it only reads the state.
arloss_status_t run_backward(const arloss_plan_t* plan, const arloss_tensors_t* io, void* state,
                             std::size_t state_bytes, void* workspace, std::size_t workspace_bytes,
                             arloss_stream_t stream);

/// Throws std::runtime_error with the library's message.
void require(arloss_status_t status);

/// A batch of images under SQUARED, all else as arloss_problem_init leaves it.
arloss_problem_t problem_of(std::int64_t batch, const ImageShape& image, const std::vector<std::int32_t>& scales);

using Plan = std::unique_ptr<arloss_plan_t, decltype(&arloss_plan_destroy)>;

using SizeOf = arloss_status_t (*)(const arloss_plan_t*, std::size_t*);
/// arloss_plan_state_bytes or arloss_plan_workspace_bytes.
std::size_t bytes_by(SizeOf size_of, const arloss_plan_t* plan);

}  // namespace bench

#endif
