#include "prepared_case.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <tuple>

#include "workload_data.h"

namespace bench {
namespace {

arloss_problem_t problem_of(const CaseSettings& settings) {
  const CpuWorkload& w = settings.workload;
  arloss_problem_t problem = problem_of(w.batch, w.slice(), settings.scales);
  problem.depth = w.depth;
  problem.label_depth = w.label_depth;
  problem.logits_dtype = settings.dtype;
  problem.penalty = settings.penalty;
  problem.penalty_param = settings.penalty_param;
  return problem;
}

/// NaN in bfloat16, and twice over in float32.
constexpr std::uint16_t kPoison = 0x7FC1;

}  // namespace

std::string CaseSettings::scales_name() const {
  std::string name;
  for (const std::int32_t scale : scales) name += (name.empty() ? "" : ",") + std::to_string(scale);
  return name;
}

PreparedCase::PreparedCase(const CaseSettings& settings) : settings_(settings) {
  const arloss_problem_t problem = problem_of(settings);
  arloss_options_t options;
  arloss_options_init(&options);
  options.num_threads = settings.num_threads;
  arloss_plan_t* plan = nullptr;
  require(arloss_plan_create(&plan, &problem, &options));
  plan_.reset(plan);
  state_ = AlignedMemory<char>(bytes_by(arloss_plan_state_bytes, plan));
  workspace_ = AlignedMemory<char>(bytes_by(arloss_plan_workspace_bytes, plan));
  gradient_ = AlignedMemory<char>(static_cast<std::size_t>(settings.logits_bytes()));

  const WorkloadData& data = data_of(settings.workload);
  io_.struct_size = sizeof io_;
  io_.logits = data.logits.data();
  if (settings.dtype == ARLOSS_DTYPE_BFLOAT16) {
    half_logits_ = to_bfloat16(data.logits);
    io_.logits = half_logits_.data();
  }
  io_.labels = data.labels.data();
  io_.loss = &loss_;
  io_.grad_logits = gradient_.data();
}

void PreparedCase::run(RunCall call) {
  require(call(plan_.get(), &io_, state_.data(), state_.size(), workspace_.data(), workspace_.size(), nullptr));
}

void PreparedCase::label_distribution(std::int32_t scale_index, float* out) {
  require(
      arloss_label_distribution(plan_.get(), &io_, scale_index, out, workspace_.data(), workspace_.size(), nullptr));
}

void PreparedCase::affinity_rows(const std::vector<std::int64_t>& images, const std::vector<std::int64_t>& cells,
                                 float* out) {
  require(arloss_affinity_rows(plan_.get(), &io_, ARLOSS_AFFINITY_RESIDUAL, images.data(), cells.data(),
                               static_cast<std::int64_t>(cells.size()), out, workspace_.data(), workspace_.size(),
                               nullptr));
}

arloss_report_t PreparedCase::inspect() {
  arloss_report_t report{};
  report.struct_size = sizeof report;
  require(arloss_check(plan_.get(), &io_, &report, workspace_.data(), workspace_.size(), nullptr));
  return report;
}

void PreparedCase::poison() {
  loss_ = NAN;
  auto* const halves = reinterpret_cast<std::uint16_t*>(gradient_.data());
  std::fill(halves, halves + gradient_.size() / 2, kPoison);
}

bool PreparedCase::has_loss() const { return std::isfinite(loss_) && loss_ > 0; }

bool PreparedCase::has_gradient() const {
  const auto* const halves = reinterpret_cast<const std::uint16_t*>(gradient_.data());
  const auto* const end = halves + gradient_.size() / 2;
  const bool is_float32 = settings_.dtype == ARLOSS_DTYPE_FLOAT32;
  // The upper half of a float32 and a bfloat16 are NaN alike.
  bool has_value = false;
  for (const auto* half = halves + (is_float32 ? 1 : 0); half < end; half += is_float32 ? 2 : 1) {
    if ((*half & 0x7F80) == 0x7F80) return false;
    has_value |= (*half & 0x7FFF) != 0;
  }
  return has_value;
}

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
          static_cast<double>(state_.bytes() + workspace_.bytes())};
}

std::shared_ptr<PreparedCase> prepare(const CaseSettings& s) {
  using Key = std::tuple<std::string, int, std::vector<std::int32_t>, int, int, float>;
  static std::map<Key, std::weak_ptr<PreparedCase>> prepared;
  std::weak_ptr<PreparedCase>& kept =
      prepared[{s.workload.name, s.dtype, s.scales, s.num_threads, s.penalty, s.penalty_param}];
  std::shared_ptr<PreparedCase> found = kept.lock();
  if (!found) kept = found = std::make_shared<PreparedCase>(s);
  return found;
}

}  // namespace bench
