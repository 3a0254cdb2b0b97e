#include "support/run_calls.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>

namespace support {
namespace {

constexpr arloss_status_t kInvalid = ARLOSS_STATUS_INVALID_ARGUMENT;

arloss_status_t call_forward(const arloss_plan_t* plan, const RunArguments& a) {
  return arloss_forward(plan, &a.io, a.state, a.state_bytes, a.workspace, a.workspace_bytes, nullptr);
}
arloss_status_t call_backward(const arloss_plan_t* plan, const RunArguments& a) {
  return arloss_backward(plan, &a.io, a.state, a.state_bytes, a.workspace, a.workspace_bytes, nullptr);
}
arloss_status_t call_forward_backward(const arloss_plan_t* plan, const RunArguments& a) {
  return arloss_forward_backward(plan, &a.io, a.state, a.state_bytes, a.workspace, a.workspace_bytes, nullptr);
}
arloss_status_t call_accumulate(const arloss_plan_t* plan, const RunArguments& a) {
  return arloss_accumulate(plan, &a.io, a.state, a.state_bytes, a.workspace, a.workspace_bytes, nullptr);
}
arloss_status_t call_finish(const arloss_plan_t* plan, const RunArguments& a) {
  return arloss_finish(plan, &a.io, a.state, a.state_bytes, nullptr);
}

template <class T>
T* shifted(T* data, std::size_t bytes) {
  return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(data) + bytes);
}

/// Good arguments, changed one at a time.
class Spoiler {
 public:
  explicit Spoiler(const RunArguments& good) : good_(good) {}
  template <class Change>
  void add(const Change& change, arloss_status_t status, std::vector<std::string> words) {
    list_.push_back({good_, status, std::move(words)});
    change(list_.back().arguments);
  }
  std::vector<Spoilt> list() const { return list_; }

 private:
  RunArguments good_;
  std::vector<Spoilt> list_;
};

void spoil_structs(Spoiler& spoiler) {
  const std::size_t size = sizeof(arloss_tensors_t) - 1;
  spoiler.add([&](RunArguments& a) { a.io.struct_size = size; }, kInvalid, {"struct_size", std::to_string(size)});
  spoiler.add([](RunArguments& a) { a.io.struct_size = 0; }, kInvalid, {"struct_size", "0"});
}

void spoil_tensors(Spoiler& spoiler, const RunFunction& function) {
  if (function.reads_tensors) {
    spoiler.add([](RunArguments& a) { a.io.logits = nullptr; }, kInvalid, {"logits", "NULL"});
    spoiler.add([](RunArguments& a) { a.io.labels = nullptr; }, kInvalid, {"labels", "NULL"});
    spoiler.add([](RunArguments& a) { a.io.logits = shifted(a.io.logits, 2); }, kInvalid, {"logits", "4"});
    spoiler.add([](RunArguments& a) { a.io.pixel_weights = shifted(a.io.pixel_weights, 1); }, kInvalid,
                {"pixel_weights", "4"});
  }
  if (function.writes_loss) {
    spoiler.add([](RunArguments& a) { a.io.loss = nullptr; }, kInvalid, {"loss", "NULL"});
    spoiler.add([](RunArguments& a) { a.io.loss = shifted(a.io.loss, 2); }, kInvalid, {"loss", "4"});
  }
  if (!function.writes_gradient) return;
  spoiler.add([](RunArguments& a) { a.io.grad_logits = nullptr; }, kInvalid, {"grad_logits", "NULL"});
  for (const std::size_t shift : {1, 2, 3})
    spoiler.add([&](RunArguments& a) { a.io.grad_logits = shifted(a.io.grad_logits, shift); }, kInvalid,
                {"grad_logits"});
  // In place; the logits are not const there.
  spoiler.add([](RunArguments& a) { a.io.grad_logits = const_cast<void*>(a.io.logits); }, kInvalid,
              {"grad_logits", "logits"});
}

void spoil_buffers(Spoiler& spoiler, const RunFunction& function, const Plan& plan) {
  const std::size_t state = plan.state_bytes(), workspace = plan.workspace_bytes();
  EXPECT_GT(state, 0u);
  EXPECT_GT(workspace, 0u);
  constexpr arloss_status_t kTooSmall = ARLOSS_STATUS_BUFFER_TOO_SMALL;
  spoiler.add([](RunArguments& a) { a.state = nullptr; }, kInvalid, {"state", "NULL"});
  spoiler.add([&](RunArguments& a) { a.state_bytes = state - 1; }, kTooSmall,
              {"state", std::to_string(state - 1), std::to_string(state)});
  spoiler.add([](RunArguments& a) { a.state_bytes = 0; }, kTooSmall, {"state", "0"});
  // One byte, and half of the 16 that are promised to be enough.
  for (const std::size_t shift : {1, 8})
    spoiler.add([&](RunArguments& a) { a.state = shifted(a.state, shift); }, kInvalid, {"state", "16"});
  if (!function.has_workspace) return;
  spoiler.add([](RunArguments& a) { a.workspace = nullptr; }, kInvalid, {"workspace", "NULL"});
  spoiler.add([&](RunArguments& a) { a.workspace_bytes = workspace - 1; }, kTooSmall,
              {"workspace", std::to_string(workspace - 1), std::to_string(workspace)});
  for (const std::size_t shift : {1, 8})
    spoiler.add([&](RunArguments& a) { a.workspace = shifted(a.workspace, shift); }, kInvalid, {"workspace", "16"});
}

}  // namespace

const RunFunction kRunFunctions[kNumRunFunctions] = {
    {"forward", call_forward, true, true, false, true},
    {"backward", call_backward, true, false, true, true},
    {"forward_backward", call_forward_backward, true, true, true, true},
    {"accumulate", call_accumulate, true, false, false, true},
    {"finish", call_finish, false, true, false, false},
};

void PrintTo(const RunFunction& function, std::ostream* out) { *out << function.name; }

std::vector<Spoilt> spoil(const RunFunction& function, const Plan& plan, const RunArguments& good) {
  Spoiler spoiler(good);
  spoil_structs(spoiler);
  spoil_tensors(spoiler, function);
  spoil_buffers(spoiler, function, plan);
  return spoiler.list();
}

void expect_refused(const RunFunction& function, const Plan& plan, const std::vector<Spoilt>& list,
                    const std::function<void()>& check) {
  for (const Spoilt& spoilt : list) {
    SCOPED_TRACE(spoilt.words.front());
    EXPECT_EQ(function.call(plan.get(), spoilt.arguments), spoilt.status);
    const std::string message = arloss_last_message();
    for (const std::string& word : spoilt.words) EXPECT_NE(message.find(word), std::string::npos) << message;
    check();
  }
}

}  // namespace support
