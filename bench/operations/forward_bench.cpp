// arloss_forward: loss and state, as in a step whose backward comes later, or in validation.
#include "operations.h"

namespace bench {
namespace {

class Forward final : public TimedCall {
 public:
  explicit Forward(const CaseSettings& settings) : case_(prepare(settings)) {}
  void check() override { case_->run(arloss_forward); }
  void poison() override { case_->poison(); }
  void run() override { case_->run(arloss_forward); }
  bool has_worked() const override { return case_->has_loss(); }
  CallCost cost() const override {
    const CallCost both = case_->cost();
    return {both.items, case_->logits_bytes() + case_->labels_bytes(), both.flops - case_->backward_flops(),
            both.extra_bytes};
  }

 private:
  std::shared_ptr<PreparedCase> case_;
};

}  // namespace

std::unique_ptr<TimedCall> make_forward(const CaseSettings& settings) { return std::make_unique<Forward>(settings); }

}  // namespace bench
