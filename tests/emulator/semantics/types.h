#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_TYPES_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_TYPES_H

#include <cstdint>
#include <cstring>
#include <limits>

namespace emulator::semantics {

/// Types of PTX instructions. The kB types hold bits; where a number is asked for they count as unsigned.
enum class Type : std::uint8_t {
  kPred,
  kB8,
  kB16,
  kB32,
  kB64,
  kU8,
  kU16,
  kU32,
  kU64,
  kS8,
  kS16,
  kS32,
  kS64,
  kF16,
  kBf16,
  kTf32,
  kF32,
  kF64,
  kF16x2,
  kBf16x2,
};

/// Rounding modifiers: to a representable value (rn, rz, rm, rp, and rna: ties away from zero), or to an integer.
enum class Rounding : std::uint8_t { kRn, kRz, kRm, kRp, kRna, kRni, kRzi, kRmi, kRpi };

constexpr bool is_float(Type type) { return type >= Type::kF16 && type <= Type::kF64; }
constexpr bool is_signed_integer(Type type) { return type >= Type::kS8 && type <= Type::kS64; }
constexpr bool is_integer(Type type) { return type >= Type::kB8 && type <= Type::kS64; }

/// Bits of one value of the type; a tf32 is kept in 32.
constexpr int width(Type type) {
  switch (type) {
    case Type::kPred: return 1;
    case Type::kB8:
    case Type::kU8:
    case Type::kS8: return 8;
    case Type::kB16:
    case Type::kU16:
    case Type::kS16:
    case Type::kF16:
    case Type::kBf16: return 16;
    case Type::kB64:
    case Type::kU64:
    case Type::kS64:
    case Type::kF64: return 64;
    default: return 32;
  }
}

/// "u8", "bf16x2" and so on, as PTX spells it.
const char* type_name(Type type);

template <class To, class From>
inline To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "bits are neither lost nor made up");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// What NVIDIA's arithmetic answers where the answer is not a number.
constexpr std::uint16_t kNanF16 = 0x7FFF;
constexpr std::uint16_t kNanBf16 = 0x7FFF;
constexpr std::uint32_t kNanF32 = 0x7FFFFFFF;

/// The value, and for a float that is not a number the one pattern NVIDIA's float arithmetic answers. A double keeps
/// its payload, as on the device.
inline float canonical(float value) { return value != value ? bit_cast<float>(kNanF32) : value; }
inline double canonical(double value) { return value; }

}  // namespace emulator::semantics

#endif
