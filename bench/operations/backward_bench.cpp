// arloss_backward, from the state that one forward left.
#include "operations.h"

namespace bench {
namespace {

class Backward final : public TimedCall {
 public:
  explicit Backward(const CaseSettings& settings) : case_(prepare(settings)) {}
  void check() override {
    case_->run(arloss_forward);
    case_->run(run_backward);
  }
  void poison() override {
    check();
    case_->poison();
  }
  void run() override { case_->run(run_backward); }
  bool has_worked() const override { return case_->has_gradient(); }
  CallCost cost() const override {
    const CallCost both = case_->cost();
    return {both.items, 2 * case_->logits_bytes() + case_->labels_bytes(), case_->backward_flops(), both.extra_bytes};
  }

 private:
  std::shared_ptr<PreparedCase> case_;
};

}  // namespace

std::unique_ptr<TimedCall> make_backward(const CaseSettings& settings) { return std::make_unique<Backward>(settings); }

}  // namespace bench
