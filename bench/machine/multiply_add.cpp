#include <cmath>

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

float multiply_add_chains(float factor, float term) {
  Vector chains[kChains], factors, terms;
  for (int lane = 0; lane < kLanes; ++lane) {
    factors[lane] = factor;
    terms[lane] = term;
  }
  for (Vector& chain : chains) chain = terms;
  for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      chains[c] = chains[c] * factors + terms;
      asm volatile("" : "+x"(chains[c]));  // keeps the chain in its register, and in the loop
    }
  }
  float sum = 0;
  for (const Vector& chain : chains) sum += chain[0];
  return sum;
}

class MultiplyAdd final : public TimedCall {
 public:
  explicit MultiplyAdd(int num_threads) : num_threads_(num_threads) {}
  void check() override { run(); }
  void poison() override { sum_ = 0; }
  void run() override {
    float sum = 0;
#pragma omp parallel num_threads(num_threads_) reduction(+ : sum)
    sum += multiply_add_chains(0.5F, 1.0F);
    sum_ = sum;
  }
  bool has_worked() const override { return sum_ > 0; }
  CallCost cost() const override {
    const double steps = static_cast<double>(num_threads_) * kSteps;
    return {steps, 0, steps * kChains * kLanes * 2, 0};
  }

 private:
  int num_threads_;
  float sum_ = 0;
};

}  // namespace

std::unique_ptr<TimedCall> make_multiply_add(int num_threads) { return std::make_unique<MultiplyAdd>(num_threads); }

}  // namespace bench
