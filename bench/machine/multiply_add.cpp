#include <utility>

#include "machine_probes.h"

namespace bench {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
constexpr int kLanes = kVectorBytes / 4;
constexpr int kChains = 12;      // two a cycle of four cycles need 8; 12 and two constants fit 16 registers
constexpr int kSteps = 200'000;  // a millisecond or less

using Vector __attribute__((vector_size(kVectorBytes))) = float;

/// The chains are a pack, not an array, so that each has a register; they start apart, so that they are not one.
template <typename... Chains>
float multiply_add_chains(Vector factors, Vector terms, Chains... chains) {
  for (int step = 0; step < kSteps; ++step) ((chains = chains * factors + terms), ...);
  return (chains[0] + ...);
}

template <int... kIndices>
float run_chains(float factor, std::integer_sequence<int, kIndices...>) {
  const Vector zeros = {};
  return multiply_add_chains(zeros + factor, zeros + 1.0F, (zeros + static_cast<float>(kIndices))...);
}

class MultiplyAdd final : public TimedCall {
 public:
  explicit MultiplyAdd(int num_threads) : num_threads_(num_threads) {}
  void check() override { run(); }
  void poison() override { sum_ = 0; }
  void run() override {
    float sum = 0;
#pragma omp parallel num_threads(num_threads_) reduction(+ : sum)
    sum += run_chains(factor_, std::make_integer_sequence<int, kChains>());
    sum_ = sum;
  }
  bool has_worked() const override { return sum_ > 0; }
  CallCost cost() const override {
    const double steps = static_cast<double>(num_threads_) * kSteps;
    return {steps, 0, steps * kChains * kLanes * 2, 0};
  }

 private:
  int num_threads_;
  volatile float factor_ = 0.5F;  // the compiler is not to know it
  float sum_ = 0;
};

}  // namespace

std::unique_ptr<TimedCall> make_multiply_add(int num_threads) { return std::make_unique<MultiplyAdd>(num_threads); }

}  // namespace bench
