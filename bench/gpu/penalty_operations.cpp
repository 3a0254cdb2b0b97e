#include "penalty_operations.h"

#include <bitset>

namespace bench {
namespace {

/// The operations that a number comes from; none for constants, which stay in registers.
struct Trace {
  std::bitset<256> operations;
  bool is_constant = false;
};

/// The verbs of penalty-inl.h, which note what they do instead of doing it.
struct TraceOps {
  using Number = Trace;
  static Number set(float) { return {{}, true}; }
  static Number neg(Number a) { return a; }
  static Number abs(Number a) { return a; }
  static Number add(Number a, Number b) { return traced(1, a, b); }
  static Number sub(Number a, Number b) { return traced(1, a, b); }
  static Number mul(Number a, Number b) { return traced(1, a, b); }
  static Number min(Number a, Number b) { return traced(1, a, b); }
  static Number max(Number a, Number b) { return traced(1, a, b); }
  static Number mul_add(Number a, Number b, Number c) { return traced(1, a, b, c); }
  static Number inverse(Number a) { return traced(1, a); }
  static Number div(Number a, Number b) { return mul(a, inverse(b)); }
  static Number exp(Number a) { return traced(2, a); }
  static Number log(Number a) { return traced(2, a); }
  static Number twice_atanh_excess(Number a) { return traced(10, a); }  // FloatOps: a square, seven terms, two products
  static Number select_less(Number a, Number b, Number yes, Number no) { return traced(2, a, b, yes, no); }

  static void forget() { next_ = 0; }

 private:
  template <class... Numbers>
  static Number traced(int count, const Numbers&... from) {
    if ((from.is_constant && ...)) return set(0);
    Number made;
    ((made.operations |= from.operations), ...);
    for (int k = 0; k < count; ++k) made.operations.set(next_++);
    return made;
  }

  inline static std::size_t next_ = 0;
};

#define ARLOSS_FUNCTION
#include "math/penalty-inl.h"
#undef ARLOSS_FUNCTION

template <class Functor>
arloss::kernels::PenaltyOperations operations_of() {
  TraceOps::forget();
  const Functor phi(0.1f);
  const Penalty<TraceOps> penalty = phi(Pair<TraceOps>{});
  const std::size_t slope = penalty.slope.operations.count();
  const std::size_t both = (penalty.slope.operations | penalty.value.operations).count();
  return {static_cast<double>(slope), static_cast<double>(both - slope)};
}

}  // namespace

arloss::kernels::PenaltyOperations penalty_operations(arloss_penalty_t penalty, bool is_hard) {
  if (penalty == ARLOSS_PENALTY_CROSS_ENTROPY && is_hard) return operations_of<HardCrossEntropy<TraceOps>>();
  return with_penalty<TraceOps>(penalty, [](auto tag) { return operations_of<typename decltype(tag)::Type>(); });
}

}  // namespace bench
