#include "semantics/compare.h"

#include <stdexcept>
#include <string>

namespace emulator::semantics {
namespace {

float float_operand(std::uint64_t bits, bool ftz) {
  const auto value = bit_cast<float>(static_cast<std::uint32_t>(bits));
  return ftz ? flush(value) : value;
}

float f16_operand(std::uint64_t bits, bool ftz) {
  const auto half = static_cast<std::uint16_t>(bits);
  return f16_to_float(ftz ? flush_f16(half) : half);
}

template <class Int>
bool compare_as(Comparison comparison, std::uint64_t a, std::uint64_t b) {
  return compare(comparison, static_cast<Int>(a), static_cast<Int>(b));
}

}  // namespace

bool compare_bits(Comparison comparison, Type type, std::uint64_t a, std::uint64_t b, bool ftz) {
  switch (type) {
    case Type::kPred: return compare(comparison, a & 1, b & 1);
    case Type::kB8:
    case Type::kU8: return compare_as<std::uint8_t>(comparison, a, b);
    case Type::kB16:
    case Type::kU16: return compare_as<std::uint16_t>(comparison, a, b);
    case Type::kB32:
    case Type::kU32: return compare_as<std::uint32_t>(comparison, a, b);
    case Type::kB64:
    case Type::kU64: return compare_as<std::uint64_t>(comparison, a, b);
    case Type::kS8: return compare_as<std::int8_t>(comparison, a, b);
    case Type::kS16: return compare_as<std::int16_t>(comparison, a, b);
    case Type::kS32: return compare_as<std::int32_t>(comparison, a, b);
    case Type::kS64: return compare_as<std::int64_t>(comparison, a, b);
    case Type::kF16: return compare(comparison, f16_operand(a, ftz), f16_operand(b, ftz));
    case Type::kBf16:
      return compare(comparison, bf16_to_float(static_cast<std::uint16_t>(a)),
                     bf16_to_float(static_cast<std::uint16_t>(b)));
    case Type::kF32: return compare(comparison, float_operand(a, ftz), float_operand(b, ftz));
    case Type::kF64: return compare(comparison, bit_cast<double>(a), bit_cast<double>(b));
    default: throw std::invalid_argument(std::string("a comparison of ") + type_name(type));
  }
}

}  // namespace emulator::semantics
