#include "api/run_checks.h"

#include <cstdint>

#include "api/last_message.h"

namespace arloss {
namespace {

arloss_status_t invalid(const Message& message) { return fail(ARLOSS_STATUS_INVALID_ARGUMENT, message); }

bool is_aligned(const void* data, std::int64_t bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(bytes) == 0;
}

arloss_status_t check_tensor(const char* field, const void* data, bool is_needed, std::int64_t element_bytes) {
  if (data == nullptr)
    return is_needed ? invalid(Message() << field << " is NULL; this call needs it") : ARLOSS_STATUS_SUCCESS;
  if (!is_aligned(data, element_bytes))
    return invalid(Message() << field << " is at address " << reinterpret_cast<std::uintptr_t>(data)
                             << "; it must be aligned to its element of " << element_bytes << " bytes");
  return ARLOSS_STATUS_SUCCESS;
}

arloss_status_t check_overlap(const Problem& problem, const arloss_tensors_t& io) {
  const auto bytes = static_cast<std::uintptr_t>(problem.batch * problem.classes * problem.grid.count() *
                                                 logit_bytes(problem.logits_dtype));
  const auto logits = reinterpret_cast<std::uintptr_t>(io.logits);
  const auto gradient = reinterpret_cast<std::uintptr_t>(io.grad_logits);
  if (logits < gradient + bytes && gradient < logits + bytes)
    return invalid(Message() << "io.grad_logits at address " << gradient << " overlaps io.logits at " << logits << " ("
                             << static_cast<std::uint64_t>(bytes)
                             << " bytes each); the gradient must not alias the logits");
  return ARLOSS_STATUS_SUCCESS;
}

arloss_status_t check_buffer(const char* name, const SizedBuffer& buffer, std::size_t needed) {
  if (needed == 0) return ARLOSS_STATUS_SUCCESS;
  if (buffer.data == nullptr)
    return invalid(Message() << name << " is NULL; this plan needs " << needed << " bytes of it");
  if (!is_aligned(buffer.data, 16))
    return invalid(Message() << name << " is at address " << reinterpret_cast<std::uintptr_t>(buffer.data)
                             << "; it must be aligned to 16 bytes");
  if (buffer.bytes < needed)
    return fail(ARLOSS_STATUS_BUFFER_TOO_SMALL,
                Message() << name << "_bytes is " << buffer.bytes << "; this plan needs " << needed);
  return ARLOSS_STATUS_SUCCESS;
}

/// Appends the coordinates of a flat position in [image][depth][height][width].
void append_position(Message& message, std::int64_t position, const Extent& size) {
  const std::int64_t column = position % size.width;
  const std::int64_t row = position / size.width % size.height;
  const std::int64_t slice = position / (size.width * size.height) % size.depth;
  message << " (image " << position / size.count();
  if (size.depth > 1) message << ", slice " << slice;
  message << ", row " << row << ", column " << column << ")";
}

arloss_status_t report_label(const Problem& problem, const RunFault& fault) {
  Message message;
  message << "io.labels[" << fault.position << "]";
  append_position(message, fault.position, problem.labels);
  message << " is " << fault.label << "; a label must be from 0 to " << problem.classes - 1;
  if (problem.has_ignore_index) message << ", or the ignore_index " << problem.ignore_index;
  return fail(ARLOSS_STATUS_INVALID_LABEL, message);
}

arloss_status_t report_weight(const Problem& problem, const RunFault& fault) {
  Message message;
  message << "io.pixel_weights[" << fault.position << "]";
  append_position(message, fault.position, problem.grid);
  return invalid(message << " is " << fault.weight << "; a weight must be finite and not negative");
}

arloss_status_t report_row(const Problem& problem, const RunFault& fault) {
  if (fault.row_image < 0 || fault.row_image >= problem.batch)
    return invalid(Message() << "rows_image[" << fault.position << "] is " << fault.row_image
                             << "; it must be from 0 to " << problem.batch - 1);
  return invalid(Message() << "rows_cell[" << fault.position << "] is " << fault.row_cell << "; it must be from 0 to "
                           << problem.grid.count() - 1);
}

}  // namespace

arloss_status_t check_argument(const char* name, const void* data, std::size_t element_bytes) {
  return check_tensor(name, data, true, static_cast<std::int64_t>(element_bytes));
}

arloss_status_t check_tensors(const arloss_plan* plan, const arloss_tensors_t* io, unsigned needs) {
  if (plan == nullptr) return invalid(Message() << "plan is NULL");
  if (io == nullptr) return invalid(Message() << "io is NULL");
  if (io->struct_size < sizeof(arloss_tensors_t))
    return invalid(Message() << "io.struct_size is " << io->struct_size << "; it must be at least "
                             << sizeof(arloss_tensors_t) << " (sizeof(arloss_tensors_t))");
  const Problem& problem = plan->problem;
  const struct {
    const char* field;
    const void* data;
    bool is_needed;
    std::int64_t element_bytes;
  } tensors[] = {
      {"io.logits", io->logits, (needs & kNeedsLogits) != 0, logit_bytes(problem.logits_dtype)},
      {"io.labels", io->labels, (needs & kNeedsLabels) != 0, label_bytes(problem.labels_dtype)},
      {"io.pixel_weights", io->pixel_weights, false, sizeof(float)},
      {"io.loss", io->loss, (needs & kNeedsLoss) != 0, sizeof(float)},
      {"io.grad_loss", io->grad_loss, false, sizeof(float)},
      {"io.grad_logits", io->grad_logits, (needs & kNeedsGradient) != 0, logit_bytes(problem.logits_dtype)},
  };
  for (const auto& tensor : tensors) {
    const arloss_status_t status = check_tensor(tensor.field, tensor.data, tensor.is_needed, tensor.element_bytes);
    if (status != ARLOSS_STATUS_SUCCESS) return status;
  }
  return (needs & kNeedsGradient) != 0 ? check_overlap(problem, *io) : ARLOSS_STATUS_SUCCESS;
}

arloss_status_t check_state(const arloss_plan& plan, const SizedBuffer& state) {
  return check_buffer("state", state, plan.backend->state().total());
}

arloss_status_t check_workspace(const arloss_plan& plan, const SizedBuffer& workspace) {
  return check_buffer("workspace", workspace, workspace_bytes(plan.backend->workspace()));
}

arloss_status_t report_fault(const arloss_plan& plan, const RunFault& fault) {
  switch (fault.kind) {
    case RunFault::Kind::kNone: return ARLOSS_STATUS_SUCCESS;
    case RunFault::Kind::kLabel: return report_label(plan.problem, fault);
    case RunFault::Kind::kWeight: return report_weight(plan.problem, fault);
    case RunFault::Kind::kRow: return report_row(plan.problem, fault);
    case RunFault::Kind::kCuda:
      return fail(ARLOSS_STATUS_CUDA_ERROR,
                  Message() << fault.call << " failed: " << fault.error_name << " (" << fault.text << ")");
  }
  return fail(ARLOSS_STATUS_INTERNAL_ERROR, Message() << "internal error: unknown fault");
}

}  // namespace arloss
