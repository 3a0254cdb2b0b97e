// Float and double arithmetic: add, sub, mul, mad, fma, div, min, max, abs, neg, rcp, sqrt, rsqrt, ex2, lg2, sin, cos,
// tanh, copysign, testp.
#include <cmath>
#include <cstdint>

#include "instructions/decoder.h"
#include "machine/handler.h"
#include "semantics/approx.h"
#include "semantics/compare.h"
#include "semantics/rounding.h"

namespace emulator {
namespace {

using semantics::Rounding;

// Where .ftz and .sat apply; wraps what an operation does to its operands and its result.
template <class Operation, bool flushes, bool saturates>
struct Modified {
  template <class T>
  static T in(T value) {
    if constexpr (flushes && std::is_same_v<T, float>) return semantics::flush(value);
    return value;
  }
  template <class T>
  static T out(T value) {
    if constexpr (flushes && std::is_same_v<T, float>) value = semantics::flush(value);
    if constexpr (saturates) value = semantics::saturate(value);
    return value;
  }
  template <class... T>
  static auto apply(T... sources) {
    return out(Operation::apply(in(sources)...));
  }
};

template <Rounding rounding>
struct Add {
  template <class T>
  static T apply(T a, T b) {
    return semantics::add(a, b, rounding);
  }
};
template <Rounding rounding>
struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    return semantics::subtract(a, b, rounding);
  }
};
template <Rounding rounding>
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    return semantics::multiply(a, b, rounding);
  }
};
template <Rounding rounding>
struct MultiplyAdd {
  template <class T>
  static T apply(T a, T b, T c) {
    return semantics::multiply_add(a, b, c, rounding);
  }
};
template <Rounding rounding>
struct Divide {
  template <class T>
  static T apply(T a, T b) {
    return semantics::divide(a, b, rounding);
  }
};
template <Rounding rounding>
struct Reciprocal {
  template <class T>
  static T apply(T a) {
    return semantics::reciprocal(a, rounding);
  }
};
template <Rounding rounding>
struct SquareRoot {
  template <class T>
  static T apply(T a) {
    return semantics::square_root(a, rounding);
  }
};

template <bool keeps_nan>
struct Minimum {
  template <class T>
  static T apply(T a, T b) {
    return keeps_nan ? semantics::minimum_nan(a, b) : semantics::minimum(a, b);
  }
};
template <bool keeps_nan>
struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    return keeps_nan ? semantics::maximum_nan(a, b) : semantics::maximum(a, b);
  }
};
struct Negate {
  template <class T>
  static T apply(T a) {
    return -a;
  }
};
struct Absolute {
  template <class T>
  static T apply(T a) {
    return std::fabs(a);
  }
};
struct CopySign {
  template <class T>
  static T apply(T sign, T magnitude) {
    return semantics::copy_sign(sign, magnitude);
  }
};
template <double (*function)(double)>
struct ApproximateDouble {
  static double apply(double a) { return function(a); }
};
template <float (*function)(float, float, bool), bool flushes>
struct ApproximateQuotient {
  static float apply(float a, float b) { return function(a, b, flushes); }
};

// .approx instructions of floats. The functions flush subnormals themselves where the instruction does.
template <float (*function)(float)>
struct Approximate {
  static float apply(float a) { return function(a); }
};
template <float (*function)(float, bool), bool flushes>
struct ApproximateFlushing {
  static float apply(float a) { return function(a, flushes); }
};

template <class Operation, std::size_t sources>
void decode_plain(Decoder& decoder) {
  const bool flushes = decoder.has("ftz"), saturates = decoder.has("sat");
  const bool is_known = with_float(decoder.type(), [&](auto tag) {
    using T = typename decltype(tag)::Type;
    decoder.out.run = flushes ? (saturates ? handler_of_type<Modified<Operation, true, true>, T, sources>()
                                           : handler_of_type<Modified<Operation, true, false>, T, sources>())
                              : (saturates ? handler_of_type<Modified<Operation, false, true>, T, sources>()
                                           : handler_of_type<Operation, T, sources>());
  });
  if (!is_known) decoder.unknown();
  decoder.uniform_operands(sources, width_of(decoder.type()));
}

template <template <Rounding> class Operation, std::size_t sources>
void decode_rounded(Decoder& decoder) {
  if (decoder.has("rz")) return decode_plain<Operation<Rounding::kRz>, sources>(decoder);
  if (decoder.has("rm")) return decode_plain<Operation<Rounding::kRm>, sources>(decoder);
  if (decoder.has("rp")) return decode_plain<Operation<Rounding::kRp>, sources>(decoder);
  decode_plain<Operation<Rounding::kRn>, sources>(decoder);
}

template <class Operation>
void decode_float_unary(Decoder& decoder) {
  if (decoder.type() != "f32") decoder.unknown();
  decoder.out.run = EachLane<Operation, float, float>::run;
  decoder.uniform_operands(1, width_of(decoder.type()));
}

template <float (*function)(float, bool)>
void decode_approximate(Decoder& decoder) {
  return decoder.has("ftz") ? decode_float_unary<ApproximateFlushing<function, true>>(decoder)
                            : decode_float_unary<ApproximateFlushing<function, false>>(decoder);
}

void decode_min_max(Decoder& decoder) {
  if (decoder.has("xorsign") || decoder.num_operands() != 3) decoder.unknown();
  const bool is_min = decoder.base() == "min";
  if (decoder.has("NaN"))
    return is_min ? decode_plain<Minimum<true>, 2>(decoder) : decode_plain<Maximum<true>, 2>(decoder);
  return is_min ? decode_plain<Minimum<false>, 2>(decoder) : decode_plain<Maximum<false>, 2>(decoder);
}

template <float (*function)(float, float, bool)>
void decode_quotient(Decoder& decoder) {
  decoder.out.run = decoder.has("ftz") ? EachLane<ApproximateQuotient<function, true>, float, float, float>::run
                                       : EachLane<ApproximateQuotient<function, false>, float, float, float>::run;
  decoder.uniform_operands(2, width_of(decoder.type()));
}

template <double (*function)(double)>
void decode_double_unary(Decoder& decoder) {
  decoder.out.run = EachLane<ApproximateDouble<function>, double, double>::run;
  decoder.uniform_operands(1, width_of(decoder.type()));
}

void decode_reciprocals(Decoder& decoder) {
  const std::string& base = decoder.base();
  const bool is_double = decoder.type() == "f64", is_approximate = decoder.has("approx");
  if (base == "div") {
    if (is_approximate) return decode_quotient<semantics::div_approx>(decoder);
    return decoder.has("full") ? decode_quotient<semantics::div_full>(decoder) : decode_rounded<Divide, 2>(decoder);
  }
  if (base == "rsqrt") {
    if (!is_double) return decode_approximate<semantics::rsqrt_approx>(decoder);
    return decoder.has("ftz") ? decode_double_unary<semantics::rsqrt_approx_ftz_f64>(decoder)
                              : decode_double_unary<semantics::rsqrt_approx_f64>(decoder);
  }
  if (base == "sqrt")
    return is_approximate ? decode_approximate<semantics::sqrt_approx>(decoder)
                          : decode_rounded<SquareRoot, 1>(decoder);
  if (!is_approximate) return decode_rounded<Reciprocal, 1>(decoder);
  return is_double ? decode_double_unary<semantics::rcp_approx_f64>(decoder)
                   : decode_approximate<semantics::rcp_approx>(decoder);
}

// ex2 is what softmax is made of: all lanes at once take 26 ns, one after the other 237 ns (measured).
template <bool flushes>
void run_ex2(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (lanes != kAllLanes)
    return EachLane<ApproximateFlushing<semantics::ex2_approx, flushes>, float, float>::run(warp, instruction, lanes);
  semantics::ex2_lanes(warp.row<float>(instruction.operands[1]), warp.row<float>(instruction.operands[0]), flushes);
}

void decode_ex2(Decoder& decoder) {
  decoder.out.run = decoder.has("ftz") ? run_ex2<true> : run_ex2<false>;
  decoder.uniform_operands(1, width_of(decoder.type()));
}

void run_testp(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  LaneMask yes = 0;
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t bits = warp.lane_value(instruction.operands[1], lane);
    const auto question = static_cast<semantics::FloatTest>(instruction.mode);
    const bool is_so =
        instruction.bytes == 8
            ? semantics::test_float(question, semantics::bit_cast<double>(bits))
            : semantics::test_float(question, semantics::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    yes |= static_cast<LaneMask>(is_so) << lane;
  });
  warp.set_predicate(instruction.operands[0], lanes, yes);
}

void decode_testp(Decoder& decoder) {
  using semantics::FloatTest;
  static const std::pair<const char*, FloatTest> kQuestions[] = {
      {"finite", FloatTest::kFinite},         {"infinite", FloatTest::kInfinite}, {"number", FloatTest::kNumber},
      {"notanumber", FloatTest::kNotANumber}, {"normal", FloatTest::kNormal},     {"subnormal", FloatTest::kSubnormal}};
  for (const auto& [name, question] : kQuestions) {
    if (!decoder.has(name)) continue;
    decoder.out.mode = static_cast<std::uint8_t>(question);
    decoder.out.run = run_testp;
  }
  if (decoder.out.run == nullptr) decoder.unknown();
  decoder.out.bytes = static_cast<std::uint8_t>(bytes_of(decoder.type()));
  decoder.result(decoder.operand(0), Operand::Width::kPredicate);
  decoder.source(decoder.operand(1), width_of(decoder.type()));
}

}  // namespace

void decode_floating(Decoder& decoder) {
  const std::string& base = decoder.base();
  const std::string& type = decoder.type();
  if (type != "f32" && type != "f64") return decode_half(decoder);
  if (base == "add") return decode_rounded<Add, 2>(decoder);
  if (base == "sub") return decode_rounded<Subtract, 2>(decoder);
  if (base == "mul") return decode_rounded<Multiply, 2>(decoder);
  if (base == "mad" || base == "fma") return decode_rounded<MultiplyAdd, 3>(decoder);
  if (base == "min" || base == "max") return decode_min_max(decoder);
  if (base == "neg") return decode_plain<Negate, 1>(decoder);
  if (base == "abs") return decode_plain<Absolute, 1>(decoder);
  if (base == "copysign") return decode_plain<CopySign, 2>(decoder);
  if (base == "testp") return decode_testp(decoder);
  if (base == "div" || base == "rcp" || base == "sqrt" || base == "rsqrt") return decode_reciprocals(decoder);
  if (base == "ex2") return decode_ex2(decoder);
  if (base == "lg2") return decode_approximate<semantics::lg2_approx>(decoder);
  if (base == "sin") return decode_approximate<semantics::sin_approx>(decoder);
  if (base == "cos") return decode_approximate<semantics::cos_approx>(decoder);
  if (base == "tanh") return decode_float_unary<Approximate<semantics::tanh_approx>>(decoder);
  decoder.unknown();
}

}  // namespace emulator
