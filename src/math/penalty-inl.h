// Penalties of the pair residual d = A - B, each with its slope (math.md, eq. 10).
//
// Included once per instruction set: a number type and its verbs come from `Ops`, so the same text serves one float on
// a device and a vector of them on the CPU. Ops provides Number and set, neg, add, sub, mul, div, abs, min, max, each
// rounded once, mul_add(a, b, c) = a b + c, rounded once where the target can, select_less(a, b, x, y) = a < b ? x : y,
// select_zero(a, x, y) = a == 0 ? x : y, inverse(a) = 1 / a and exp(a) of a <= 0 to a few ulp, log(a) to a few ulp
// where it is not near 0, and twice_atanh_excess(w) = 2 atanh(w) - 2 w for |w| <= 1/3. No include guard by design:
// arloss.h comes before it.
//
// Where kTerms is kResidual d may come in a unit u: phi(u x) = u^kDegree times what a penalty made with that unit has
// for x, and its slope is that by x, at most largest_slope(bound) for |x| up to the bound. kSkipsDiagonal is the CPU's:
// a device leaves pairs of a row with itself out under every penalty.

/// What a penalty reads of a pair, and how exactly it has to know it.
enum class PairTerms {
  kResidual,    // d to float32 rounding of the rows: enough for slopes that do not jump
  kAffinities,  // d whose sign is right however near 0, and both affinities with their complements
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

/// A - B of the finest scale, d but where B is exactly 1 or 0: there it is minus A's complement, or A itself, sums of
/// terms of one sign, so that no rounding turns its own (math.md, eq. 23).
template <class Ops>
ARLOSS_FUNCTION typename Ops::Number settled_residual(typename Ops::Number d, const Affinity<Ops>& a,
                                                      const Affinity<Ops>& b) {
  return Ops::select_zero(b.complement, Ops::neg(a.complement), Ops::select_zero(b.value, a.value, d));
}

/// c0 + c1 x + c2 x^2 + ...
template <class Ops>
ARLOSS_FUNCTION typename Ops::Number polynomial(typename Ops::Number, float c0) {
  return Ops::set(c0);
}
template <class Ops, class... Rest>
ARLOSS_FUNCTION typename Ops::Number polynomial(typename Ops::Number x, float c0, float c1, Rest... rest) {
  return Ops::mul_add(x, polynomial<Ops>(x, c1, rest...), Ops::set(c0));
}

/// d^2.
template <class Ops>
struct SquaredError {
  static constexpr int kDegree = 2;
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kResidual;
  explicit ARLOSS_FUNCTION SquaredError(float, float = 1) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    return {Ops::mul(pair.d, pair.d), Ops::add(pair.d, pair.d)};
  }
  ARLOSS_FUNCTION typename Ops::Number largest_slope(typename Ops::Number bound) const {
    return Ops::add(bound, bound);
  }
};

/// |d|; slope 0 at d = 0.
template <class Ops>
struct AbsoluteError {
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kAffinities;
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
  static constexpr int kDegree = 2;
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kResidual;
  explicit ARLOSS_FUNCTION Huber(float delta, float unit = 1) : delta_(delta / unit) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    const auto d = pair.d;
    const auto delta = Ops::set(delta_);
    const auto slope = Ops::max(Ops::sub(Ops::set(0.0f), delta), Ops::min(d, delta));
    // With the clamped d as slope g both branches are g (d - g / 2).
    return {Ops::mul(slope, Ops::mul_add(Ops::set(-0.5f), slope, d)), slope};
  }
  ARLOSS_FUNCTION typename Ops::Number largest_slope(typename Ops::Number bound) const {
    return Ops::min(bound, Ops::set(delta_));
  }

 private:
  float delta_;
};

/// log(n / m) - q, given q = (n - m) / m. Where |q| < 1/2 as log(1 + q) - q = (2 atanh(w) - 2 w) - q w with w = q / (2
/// + q): no two terms cancel.
template <class Ops>
ARLOSS_FUNCTION typename Ops::Number log_excess(typename Ops::Number n, typename Ops::Number m,
                                                typename Ops::Number q) {
  const auto half = Ops::set(0.5f), size = Ops::abs(q);
  const auto near_q = Ops::select_less(size, half, q, Ops::set(0.0f));
  const auto w = Ops::div(near_q, Ops::add(near_q, Ops::set(2.0f)));
  const auto near_excess = Ops::sub(Ops::twice_atanh_excess(w), Ops::mul(near_q, w));
  return Ops::select_less(size, half, near_excess, Ops::sub(Ops::log(Ops::div(n, m)), q));
}

/// -B log(A'/B') - (1 - B) log((1 - A')/(1 - B')), primes clamped to [eps, 1 - eps]; slope d / (A (1 - A)), 0 where A
/// is clamped (math.md, eq. 25). Near A = B the logarithms' linear parts cancel; they are left out where that is exact.
template <class Ops>
struct CrossEntropy {
  static constexpr bool kSkipsDiagonal = true;
  static constexpr PairTerms kTerms = PairTerms::kAffinities;
  using Number = typename Ops::Number;
  explicit ARLOSS_FUNCTION CrossEntropy(float eps) : eps_(eps) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    const Affinity<Ops> a = clamp(pair.a), b = clamp(pair.b);
    const Number eps = Ops::set(eps_), zero = Ops::set(0.0f);
    const Number nearest_a = Ops::min(pair.a.value, pair.a.complement);
    const Number nearest_b = Ops::min(pair.b.value, pair.b.complement);
    const Number d = Ops::select_less(Ops::min(nearest_a, nearest_b), eps, affinity_difference<Ops>(a, b), pair.d);
    const Number q = Ops::div(d, b.value), q_complement = Ops::neg(Ops::div(d, b.complement));
    const Number linear = Ops::mul_add(pair.b.value, q, Ops::mul(pair.b.complement, q_complement));
    const Number excess =
        Ops::mul_add(pair.b.value, log_excess<Ops>(a.value, b.value, q),
                     Ops::mul(pair.b.complement, log_excess<Ops>(a.complement, b.complement, q_complement)));
    const Number value = Ops::neg(Ops::add(excess, Ops::select_less(nearest_b, eps, linear, zero)));
    const Number slope = Ops::div(pair.d, Ops::mul(a.value, a.complement));
    return {value, Ops::select_less(nearest_a, eps, zero, slope)};
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

/// CROSS_ENTROPY where B is 0 or 1 (math.md, eq. 28). Then |d| is the complement of x, A or 1 - A as the labels ask:
/// -log(x'/(1 - eps)), by the sign of d, and 0 beyond the clamps. d = 0, as of a row with itself, is beyond them.
template <class Ops>
struct HardCrossEntropy {
  static constexpr int kDegree = 0;
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kResidual;
  using Number = typename Ops::Number;
  explicit ARLOSS_FUNCTION HardCrossEntropy(float eps, float unit = 1) : eps_(eps), unit_(unit) {
    const Number rest = Ops::set(1 - eps);
    least_ = minus_log(Ops::set(eps), rest);
    most_ = Ops::sub(minus_log(rest, Ops::set(eps)), least_);
  }

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    const Number eps = Ops::set(eps_), zero = Ops::set(0.0f), unit = Ops::set(unit_);
    const Number complement = Ops::mul(Ops::abs(pair.d), unit), x = Ops::sub(Ops::set(1.0f), complement);
    const Number inside_value = Ops::sub(minus_log(complement, x), least_);
    const Number value = Ops::select_less(x, eps, most_, Ops::select_less(complement, eps, zero, inside_value));
    const Number size = Ops::select_less(Ops::min(x, complement), eps, zero, Ops::mul(unit, Ops::inverse(x)));
    return {value, Ops::select_less(pair.d, zero, Ops::neg(size), size)};
  }
  ARLOSS_FUNCTION Number largest_slope(Number) const { return Ops::div(Ops::set(unit_), Ops::set(eps_)); }

 private:
  /// -log(x), by x itself or, near 1, by its complement y: 2 atanh(y / (2 - y)).
  static ARLOSS_FUNCTION Number minus_log(Number y, Number x) {
    const Number bound = Ops::set(0.25f);
    const Number near_y = Ops::min(y, bound);
    const Number w = Ops::mul(near_y, Ops::inverse(Ops::sub(Ops::set(2.0f), near_y)));
    return Ops::select_less(y, bound, Ops::add(Ops::add(w, w), Ops::twice_atanh_excess(w)), Ops::neg(Ops::log(x)));
  }

  float eps_, unit_;
  Number least_, most_;  // -log(1 - eps), and the value where x is clamped
};

/// log cosh x, x = |d| / param. Up to 0.625 by series in x^2: nothing cancels as x nears 0. Beyond by e = exp(-2 x),
/// which does not overflow: log cosh x = x - log 2 + log(1 + e), tanh x = 1 - 2 e / (1 + e). The polynomials are
/// minimax, and short for where the two meet: relative errors of value and slope below 1.3e-7 without roundings.
template <class Ops>
struct LogCosh {
  static constexpr int kDegree = 0;
  static constexpr bool kSkipsDiagonal = false;
  static constexpr PairTerms kTerms = PairTerms::kResidual;
  using Number = typename Ops::Number;
  /// 1 / param stays finite for a subnormal param: 0 / param is 0.
  explicit ARLOSS_FUNCTION LogCosh(float param, float unit = 1)
      : inverse_(Ops::min(Ops::div(Ops::set(unit), Ops::set(param)), Ops::set(3.4e38f))) {}

  ARLOSS_FUNCTION Penalty<Ops> operator()(const Pair<Ops>& pair) const {
    const Number one = Ops::set(1.0f), minus_two = Ops::set(-2.0f), bound = Ops::set(0.625f);
    const Number x = Ops::mul(Ops::abs(pair.d), inverse_);
    const Number x2 = Ops::mul(x, x), e = Ops::exp(Ops::mul(minus_two, x));
    const Number near_value =
        Ops::mul(x2, polynomial<Ops>(x2, 0.5f, -0.08333247333f, 0.02220036735f, -0.006570894582f, 0.001613700613f));
    const Number far_value =
        Ops::mul_add(e, polynomial<Ops>(e, 0.999996172f, -0.4998027796f, 0.3299941362f, -0.224624291f, 0.105935287f),
                     Ops::sub(x, Ops::set(0.6931471806f)));
    const Number near_tanh =
        Ops::mul(x, polynomial<Ops>(x2, 1.0f, -0.3333234124f, 0.1330817507f, -0.05194790473f, 0.01519537355f));
    const Number far_tanh = Ops::mul_add(minus_two, Ops::mul(e, Ops::inverse(Ops::add(one, e))), one);
    const Number slope = Ops::mul(Ops::select_less(x, bound, near_tanh, far_tanh), inverse_);
    return {Ops::select_less(x, bound, near_value, far_value),
            Ops::select_less(pair.d, Ops::set(0.0f), Ops::neg(slope), slope)};
  }
  ARLOSS_FUNCTION Number largest_slope(Number bound) const {
    return Ops::mul(inverse_, Ops::min(Ops::set(1.0f), Ops::mul(bound, inverse_)));
  }

 private:
  Number inverse_;
};

/// Which functor a penalty is.
template <class Functor>
struct PenaltyTag {
  using Type = Functor;
};

/// Calls body(tag), tag a PenaltyTag: the one place where a penalty's name becomes a type. A value that is none of them
/// counts as the first.
template <class Ops, class Body>
auto with_penalty(arloss_penalty_t penalty, const Body& body) {
  switch (penalty) {
    case ARLOSS_PENALTY_ABSOLUTE: return body(PenaltyTag<AbsoluteError<Ops>>{});
    case ARLOSS_PENALTY_HUBER: return body(PenaltyTag<Huber<Ops>>{});
    case ARLOSS_PENALTY_CROSS_ENTROPY: return body(PenaltyTag<CrossEntropy<Ops>>{});
    case ARLOSS_PENALTY_LOG_COSH: return body(PenaltyTag<LogCosh<Ops>>{});
    case ARLOSS_PENALTY_SQUARED: break;
  }
  return body(PenaltyTag<SquaredError<Ops>>{});
}
