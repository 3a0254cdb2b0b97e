#include "prepared_case.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <tuple>

#include "workload_data.h"

namespace bench {
namespace {

arloss_problem_t problem_of(const CaseSettings& settings) {
  const BenchWorkload& w = settings.workload;
  arloss_problem_t problem = problem_of(w.batch, w.slice(), settings.scales);
  problem.depth = w.depth;
  problem.label_depth = w.label_depth;
  problem.logits_dtype = settings.dtype;
  problem.penalty = settings.penalty;
  problem.penalty_param = settings.penalty_param;
  return problem;
}

}  // namespace

std::string CaseSettings::scales_name() const {
  std::string name;
  for (const std::int32_t scale : scales) name += (name.empty() ? "" : ",") + std::to_string(scale);
  return name;
}

PreparedCase::PreparedCase(const CaseSettings& settings) : settings_(settings) {
  const arloss_problem_t problem = problem_of(settings);
  BenchDevice& device = *settings.device;
  arloss_options_t options;
  arloss_options_init(&options);
  options.device = device.type();
  options.num_threads = settings.num_threads;
  arloss_plan_t* plan = nullptr;
  require(arloss_plan_create(&plan, &problem, &options));
  plan_.reset(plan);
  state_ = device.allocate(bytes_by(arloss_plan_state_bytes, plan));
  workspace_ = device.allocate(bytes_by(arloss_plan_workspace_bytes, plan));
  loss_ = device.allocate(sizeof(float));

  const WorkloadData& data = data_of(settings.workload);
  const void* logits = data.logits.data();
  if (settings.dtype == ARLOSS_DTYPE_BFLOAT16) {
    half_logits_ = to_bfloat16(data.logits);
    logits = half_logits_.data();
  }
  const auto logits_bytes = static_cast<std::size_t>(settings.logits_bytes());
  tensors_.resize(device.copies(2 * logits_bytes + data.labels.size()));
  for (Tensors& tensors : tensors_)
    tensors = {device.hold(logits, logits_bytes), device.hold(data.labels.data(), data.labels.size()),
               device.allocate(logits_bytes)};
}

arloss_tensors_t PreparedCase::next() {
  turn_ = (turn_ + 1) % tensors_.size();
  const Tensors& tensors = tensors_[turn_];
  arloss_tensors_t io{};
  io.struct_size = sizeof io;
  io.logits = tensors.logits->data();
  io.labels = tensors.labels->data();
  io.loss = static_cast<float*>(loss_->data());
  io.grad_logits = tensors.gradient->data();
  return io;
}

void PreparedCase::run(RunCall call) {
  const arloss_tensors_t io = next();
  require(call(plan_.get(), &io, state_->data(), state_->bytes(), workspace_->data(), workspace_->bytes(),
               settings_.device->stream()));
}

void PreparedCase::label_distribution(std::int32_t scale_index, const CallMemory& out) {
  const arloss_tensors_t io = next();
  require(arloss_label_distribution(plan_.get(), &io, scale_index, static_cast<float*>(out.data()), workspace_->data(),
                                    workspace_->bytes(), settings_.device->stream()));
}

void PreparedCase::affinity_rows(const CallMemory& images, const CallMemory& cells, const CallMemory& out) {
  const arloss_tensors_t io = next();
  const auto rows = [](const CallMemory& memory) { return static_cast<const std::int64_t*>(memory.data()); };
  const auto num_rows = static_cast<std::int64_t>(cells.bytes() / sizeof(std::int64_t));
  require(arloss_affinity_rows(plan_.get(), &io, ARLOSS_AFFINITY_RESIDUAL, rows(images), rows(cells), num_rows,
                               static_cast<float*>(out.data()), workspace_->data(), workspace_->bytes(),
                               settings_.device->stream()));
}

arloss_report_t PreparedCase::inspect() {
  const arloss_tensors_t io = next();
  arloss_report_t report{};
  report.struct_size = sizeof report;
  require(arloss_check(plan_.get(), &io, &report, workspace_->data(), workspace_->bytes(), settings_.device->stream()));
  return report;
}

void PreparedCase::set_logits(const float* logits) {
  for (Tensors& tensors : tensors_)
    tensors.logits = settings_.device->hold(logits, static_cast<std::size_t>(settings_.logits_bytes()));
}

void PreparedCase::poison() {
  loss_->poison();
  for (const Tensors& tensors : tensors_) tensors.gradient->poison();
}

float PreparedCase::loss() const { return *reinterpret_cast<const float*>(loss_->read().get()); }

bool PreparedCase::has_loss() const { return std::isfinite(loss()) && loss() > 0; }

bool PreparedCase::has_gradient() const { return holds_results(*tensors_[turn_].gradient, settings_.dtype); }

std::string PreparedCase::describe() const {
  std::size_t needed = 0;
  require(arloss_plan_describe(plan_.get(), nullptr, 0, &needed));
  std::string text(needed, '\0');
  require(arloss_plan_describe(plan_.get(), text.data(), needed, &needed));
  text.resize(needed - 1);
  return text;
}

CallCost PreparedCase::cost() const {
  constexpr char kLine[] = "forward_backward: about ";
  const std::string text = describe();
  const std::size_t line = text.find(kLine);
  double bytes = 0, flops = 0;
  if (line == std::string::npos ||
      std::sscanf(text.c_str() + line, "forward_backward: about %lf bytes moved to and from memory, %lf", &bytes,
                  &flops) != 2)
    throw std::runtime_error("arloss_plan_describe has no line '" + std::string(kLine) + "...' that can be read");
  return {static_cast<double>(settings_.workload.batch * settings_.workload.cells()), bytes, flops,
          static_cast<double>(state_->bytes() + workspace_->bytes())};
}

std::shared_ptr<PreparedCase> prepare(const CaseSettings& s) {
  using Key = std::tuple<std::string, int, std::vector<std::int32_t>, int, int, float, const BenchDevice*>;
  static std::map<Key, std::weak_ptr<PreparedCase>> prepared;
  std::weak_ptr<PreparedCase>& kept =
      prepared[{s.workload.name, s.dtype, s.scales, s.num_threads, s.penalty, s.penalty_param, s.device}];
  std::shared_ptr<PreparedCase> found = kept.lock();
  if (!found) kept = found = std::make_shared<PreparedCase>(s);
  return found;
}

}  // namespace bench
