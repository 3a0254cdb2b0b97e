#include "support/runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "support/half.h"

namespace support {
namespace {

constexpr unsigned char kFill = 0xff;

GuardedBuffer copy_of(const std::vector<unsigned char>& bytes, std::size_t remainder) {
  GuardedBuffer buffer(bytes.size(), remainder, kFill);
  if (!bytes.empty()) buffer.assign(bytes.data());
  return buffer;
}

void expect_unchanged(const GuardedBuffer& buffer, const std::vector<unsigned char>& before, const char* name) {
  EXPECT_TRUE(buffer.zones_are_intact()) << name << ": written outside its buffer";
  EXPECT_TRUE(buffer.contents() == before) << name << ": changed";
}

}  // namespace

arloss_options_t make_options(arloss_algorithm_t algorithm, int num_threads) {
  arloss_options_t options;
  arloss_options_init(&options);
  options.algorithm = algorithm;
  options.num_threads = num_threads;
  return options;
}

Plan::Plan(const arloss_problem_t& problem, const arloss_options_t& options)
    : status_(arloss_plan_create(&plan_, &problem, &options)) {
  if (status_ != ARLOSS_STATUS_SUCCESS) message_ = arloss_last_message();
}

std::size_t Plan::state_bytes() const {
  std::size_t bytes = 0;
  EXPECT_EQ(arloss_plan_state_bytes(plan_, &bytes), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  return bytes;
}

std::size_t Plan::workspace_bytes() const {
  std::size_t bytes = 0;
  EXPECT_EQ(arloss_plan_workspace_bytes(plan_, &bytes), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  return bytes;
}

std::size_t Plan::sum_count() const {
  std::size_t count = 0;
  EXPECT_EQ(arloss_plan_sum_count(plan_, &count), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  return count;
}

std::string Plan::description() const {
  std::size_t needed = 0;
  EXPECT_EQ(arloss_plan_describe(plan_, nullptr, 0, &needed), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  std::vector<char> text(needed);
  EXPECT_EQ(arloss_plan_describe(plan_, text.data(), text.size(), &needed), ARLOSS_STATUS_SUCCESS);
  return text.data();
}

std::string Plan::described(const std::string& name) const {
  const std::string text = "\n" + description();
  const std::size_t line = text.find("\n" + name + ": ");
  if (line == std::string::npos) return "";
  const std::size_t begin = line + name.size() + 3;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string Plan::route() const {
  const std::string line = described("route");
  return line.substr(0, line.find(':'));
}

Buffers::Buffers(const Plan& plan, const Batch& batch) {
  const bool is_poor = batch.is_element_aligned;
  const std::size_t logit = is_poor ? element_bytes(batch.problem.logits_dtype) : 0;
  const std::size_t label = is_poor ? element_bytes(batch.problem.labels_dtype) : 0;
  const std::size_t real = is_poor ? sizeof(float) : 0;
  const std::size_t scratch = is_poor ? 16 : 0;
  const auto num_losses =
      static_cast<std::size_t>(batch.problem.reduction == ARLOSS_REDUCTION_NONE ? batch.problem.batch : 1);
  logits = copy_of(batch.logits, logit);
  labels = copy_of(batch.labels, label);
  pixel_weights = copy_of(batch.pixel_weights, real);
  grad_loss = copy_of(batch.grad_loss, real);
  loss = GuardedBuffer(num_losses * sizeof(float), real, kFill);
  grad_logits = GuardedBuffer(batch.logits.size(), logit, kFill);
  if (!batch.prior_gradient.empty()) grad_logits.assign(batch.prior_gradient.data());
  state = GuardedBuffer(plan.state_bytes(), scratch, kFill);
  workspace = GuardedBuffer(plan.workspace_bytes(), scratch, kFill);
  logits_before_ = logits.contents();
  labels_before_ = labels.contents();
  weights_before_ = pixel_weights.contents();
  grad_loss_before_ = grad_loss.contents();
  gradient_before_ = grad_logits.contents();
}

arloss_tensors_t Buffers::io() { return tensors_of(*this); }

std::vector<float> Buffers::loss_values() const {
  std::vector<float> values(loss.bytes() / sizeof(float));
  std::memcpy(values.data(), loss.data(), loss.bytes());
  return values;
}

void Buffers::expect_guards_intact() const {
  expect_unchanged(logits, logits_before_, "logits");
  expect_unchanged(labels, labels_before_, "labels");
  expect_unchanged(pixel_weights, weights_before_, "pixel_weights");
  expect_unchanged(grad_loss, grad_loss_before_, "grad_loss");
  EXPECT_TRUE(loss.zones_are_intact()) << "loss: written outside its buffer";
  EXPECT_TRUE(grad_logits.zones_are_intact()) << "grad_logits: written outside its buffer";
  EXPECT_TRUE(state.zones_are_intact()) << "state: written outside its buffer";
  EXPECT_TRUE(workspace.zones_are_intact()) << "workspace: written outside its buffer";
}

void Buffers::expect_outputs_untouched() const {
  expect_unchanged(grad_logits, gradient_before_, "grad_logits");
  expect_unchanged(loss, std::vector<unsigned char>(loss.bytes(), kFill), "loss");
  expect_unchanged(state, std::vector<unsigned char>(state.bytes(), kFill), "state");
}

arloss_status_t forward(const Plan& plan, Buffers& b) {
  const arloss_tensors_t io = b.io();
  return arloss_forward(plan.get(), &io, b.state.data(), b.state.bytes(), b.workspace.data(), b.workspace.bytes(),
                        nullptr);
}

arloss_status_t backward(const Plan& plan, Buffers& b) {
  const arloss_tensors_t io = b.io();
  return arloss_backward(plan.get(), &io, b.state.data(), b.state.bytes(), b.workspace.data(), b.workspace.bytes(),
                         nullptr);
}

arloss_status_t forward_backward(const Plan& plan, Buffers& b) {
  const arloss_tensors_t io = b.io();
  return arloss_forward_backward(plan.get(), &io, b.state.data(), b.state.bytes(), b.workspace.data(),
                                 b.workspace.bytes(), nullptr);
}

arloss_status_t accumulate(const Plan& plan, Buffers& b) {
  const arloss_tensors_t io = b.io();
  return arloss_accumulate(plan.get(), &io, b.state.data(), b.state.bytes(), b.workspace.data(), b.workspace.bytes(),
                           nullptr);
}

arloss_status_t finish(const Plan& plan, Buffers& b) {
  const arloss_tensors_t io = b.io();
  return arloss_finish(plan.get(), &io, b.state.data(), b.state.bytes(), nullptr);
}

bool Outcome::operator==(const Outcome& other) const {
  // Bytes, not values: NaN equals itself, 0 and -0 differ.
  return loss.size() == other.loss.size() &&
         std::memcmp(loss.data(), other.loss.data(), loss.size() * sizeof(float)) == 0 &&
         gradient_bytes == other.gradient_bytes;
}

Outcome read_outcome(const CaseSpec& spec, const Buffers& buffers) {
  Outcome outcome;
  outcome.loss = buffers.loss_values();
  outcome.gradient_bytes = buffers.grad_logits.contents();
  outcome.gradient = unpack_logits(spec, outcome.gradient_bytes);
  return outcome;
}

Outcome run_forward_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch) {
  Buffers buffers(plan, batch);
  EXPECT_EQ(forward_backward(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  buffers.expect_guards_intact();
  return read_outcome(spec, buffers);
}

Outcome run_forward_then_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch) {
  Buffers buffers(plan, batch);
  EXPECT_EQ(forward(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  // Nothing but the state is kept between the two calls, and nothing but the gradient is written by the second.
  buffers.workspace.fill(0x5a);
  const std::vector<unsigned char> loss = buffers.loss.contents();
  EXPECT_EQ(backward(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  EXPECT_TRUE(buffers.loss.contents() == loss) << "backward wrote the loss";
  buffers.expect_guards_intact();
  return read_outcome(spec, buffers);
}

Outcome run(const CaseSpec& spec, const Batch& batch, arloss_algorithm_t algorithm) {
  const Plan plan(batch.problem, make_options(algorithm, spec.num_threads));
  EXPECT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
  return plan.status() == ARLOSS_STATUS_SUCCESS ? run_forward_backward(plan, spec, batch) : Outcome{};
}

std::vector<arloss_algorithm_t> algorithms_of(const CaseSpec& spec) {
  if (spec.is_factorable()) return {ARLOSS_ALGORITHM_FACTORED, ARLOSS_ALGORITHM_PAIRWISE};
  return {ARLOSS_ALGORITHM_PAIRWISE};
}

const char* name_of(arloss_algorithm_t algorithm) {
  return algorithm == ARLOSS_ALGORITHM_AUTO ? "AUTO" : algorithm == ARLOSS_ALGORITHM_FACTORED ? "FACTORED" : "PAIRWISE";
}

}  // namespace support
