// arloss_forward_backward: what a training step calls.
#include "operations.h"

namespace bench {
namespace {

class ForwardBackward final : public TimedCall {
 public:
  explicit ForwardBackward(const CaseSettings& settings) : case_(prepare(settings)) {}
  void check() override { case_->run(arloss_forward_backward); }
  void poison() override { case_->poison(); }
  void run() override { case_->run(arloss_forward_backward); }
  bool has_worked() const override { return case_->has_loss() && case_->has_gradient(); }
  CallCost cost() const override { return case_->cost(); }

 private:
  std::shared_ptr<PreparedCase> case_;
};

}  // namespace

std::unique_ptr<TimedCall> make_forward_backward(const CaseSettings& settings) {
  return std::make_unique<ForwardBackward>(settings);
}

}  // namespace bench
