// Penalties of the pair residual d = A - B, each with its slope (math.md, eq. 10).
//
// Included once per instruction set: a number type and its verbs come from `Ops`, so the same text serves one float on
// a device and a vector of them on the CPU. Ops provides Number and set, neg, add, sub, mul, div, abs, min, max,
// select_less(a, b, x, y) = a < b ? x : y, and log_ratio(n, m, n - m) = log(n / m). No include guard by design.

/// What a penalty reads of a pair, and how exactly it has to know it.
enum class PairTerms {
  kResidual,        // d to float32 rounding of the rows: enough for slopes that do not jump
  kSignedResidual,  // d whose sign is right however near 0
  kAffinities,      // that, and both affinities with their complements
};

/// One side's affinity with its complement, both exact: near 1 the complement carries the digits, near 0 the value
/// does.
template <class Ops>
struct Affinity {
  typename Ops::Number value, complement;
};

/// One pair; a and b are filled for kAffinities only.
template <class Ops>
struct Pair {
  typename Ops::Number d;  // A - B
  Affinity<Ops> a, b;
};

template <class Ops>
struct Penalty {
  typename Ops::Number value, slope;
};

/// A - B without cancellation where one of them is near 1 (math.md, eq. 24).
template <class Ops>
ARLOSS_FUNCTION typename Ops::Number affinity_difference(const Affinity<Ops>& a, const Affinity<Ops>& b) {
  return Ops::select_less(Ops::set(0.5f), b.value, Ops::sub(b.complement, a.complement), Ops::sub(a.value, b.value));
}

/// d^2.
template <class Ops>
struct SquaredError {
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kResidual;
  explicit ARLOSS_FUNCTION SquaredError(float) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    return {Ops::mul(pair.d, pair.d), Ops::add(pair.d, pair.d)};
  }
};

/// |d|; slope 0 at d = 0.
template <class Ops>
struct AbsoluteError {
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kSignedResidual;
  explicit ARLOSS_FUNCTION AbsoluteError(float) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    const auto d = pair.d;
    const auto zero = Ops::set(0.0f);
    const auto positive = Ops::select_less(zero, d, Ops::set(1.0f), zero);
    return {Ops::abs(d), Ops::select_less(d, zero, Ops::set(-1.0f), positive)};
  }
};

/// d^2 / 2 up to |d| = delta, delta (|d| - delta / 2) beyond.
template <class Ops>
struct Huber {
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kResidual;
  explicit ARLOSS_FUNCTION Huber(float delta) : delta_(delta) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    const auto d = pair.d;
    const auto delta = Ops::set(delta_);
    const auto slope = Ops::max(Ops::sub(Ops::set(0.0f), delta), Ops::min(d, delta));
    // With the clamped d as slope g both branches are g (d - g / 2).
    return {Ops::mul(slope, Ops::sub(d, Ops::mul(Ops::set(0.5f), slope))), slope};
  }

 private:
  float delta_;
};

/// -B log(A'/B') - (1 - B) log((1 - A')/(1 - B')), primes clamped to [eps, 1 - eps]; slope 0 where A is clamped
/// (math.md, eq. 25).
template <class Ops>
struct CrossEntropy {
  static constexpr bool kSkipsDiagonal = true;
  static constexpr PairTerms kTerms = PairTerms::kAffinities;
  using Number = typename Ops::Number;
  explicit ARLOSS_FUNCTION CrossEntropy(float eps) : eps_(eps) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    const Affinity<Ops>&a = pair.a, &b = pair.b;
    const Affinity<Ops> a_in = clamp(a), b_in = clamp(b);
    const Number eps = Ops::set(eps_), zero = Ops::set(0.0f);
    const Number nearest = Ops::min(Ops::min(a.value, a.complement), Ops::min(b.value, b.complement));
    const Number d = Ops::select_less(nearest, eps, affinity_difference<Ops>(a_in, b_in), pair.d);
    const Number gain = Ops::mul(b.value, Ops::log_ratio(a_in.value, b_in.value, d));
    const Number loss = Ops::mul(b.complement, Ops::log_ratio(a_in.complement, b_in.complement, Ops::neg(d)));
    const Number slope = Ops::sub(Ops::div(b.complement, a_in.complement), Ops::div(b.value, a_in.value));
    const Number above = Ops::select_less(a.value, eps, zero, slope);
    return {Ops::neg(Ops::add(gain, loss)), Ops::select_less(a.complement, eps, zero, above)};
  }

 private:
  ARLOSS_FUNCTION Affinity<Ops> clamp(const Affinity<Ops>& a) const {
    const Number eps = Ops::set(eps_), rest = Ops::set(1.0f - eps_);
    const Number value = Ops::select_less(a.complement, eps, rest, Ops::max(eps, a.value));
    const Number complement = Ops::select_less(a.value, eps, rest, Ops::max(eps, a.complement));
    return {value, complement};
  }

  float eps_;
};
