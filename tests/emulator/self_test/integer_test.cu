#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// Integer instructions of one and two operands.
namespace emulator::self_test {
namespace {

struct ReverseBits {
  static constexpr const char* kName = "brev.b32";
  static __device__ u32 device(u32 a) { return __brev(a); }
  static u32 host(u32 a) {
    u32 result = 0;
    for (int i = 0; i < 32; ++i) result |= (a >> i & 1) << (31 - i);
    return result;
  }
};

struct ReverseBits64 {
  static constexpr const char* kName = "brev.b64";
  static __device__ u64 device(u64 a) { return __brevll(a); }
  static u64 host(u64 a) {
    return u64{ReverseBits::host(static_cast<u32>(a))} << 32 | ReverseBits::host(static_cast<u32>(a >> 32));
  }
};

template <class T>
u32 count_bits(T a) {
  u32 result = 0;
  for (; a != 0; a &= a - 1) ++result;
  return result;
}

struct CountBits {
  static constexpr const char* kName = "popc.b32";
  static __device__ u32 device(u32 a) { return static_cast<u32>(__popc(a)); }
  static u32 host(u32 a) { return count_bits(a); }
};

struct CountBits64 {
  static constexpr const char* kName = "popc.b64";
  static __device__ u32 device(u64 a) { return static_cast<u32>(__popcll(a)); }
  static u32 host(u64 a) { return count_bits(a); }
};

/// Position of the highest bit that is set; all ones where none is.
u32 highest_bit(u64 a) {
  u32 result = ~u32{0};
  for (; a != 0; a >>= 1) ++result;
  return result;
}

struct LeadingZeros {
  static constexpr const char* kName = "clz.b32";
  static __device__ u32 device(u32 a) { return static_cast<u32>(__clz(static_cast<int>(a))); }
  static u32 host(u32 a) { return 31 - highest_bit(a); }
};

struct LeadingZeros64 {
  static constexpr const char* kName = "clz.b64";
  static __device__ u32 device(u64 a) { return static_cast<u32>(__clzll(static_cast<long long>(a))); }
  static u32 host(u64 a) { return 63 - highest_bit(a); }
};

struct FindBit {
  static constexpr const char* kName = "bfind.u32";
  static __device__ u32 device(u32 a) {
    u32 result;
    asm("bfind.u32 %0, %1;" : "=r"(result) : "r"(a));
    return result;
  }
  static u32 host(u32 a) { return highest_bit(a); }
};

/// Of a signed value, the highest bit that differs from the sign.
struct FindBitSigned {
  static constexpr const char* kName = "bfind.s32";
  static __device__ u32 device(u32 a) {
    u32 result;
    asm("bfind.s32 %0, %1;" : "=r"(result) : "r"(a));
    return result;
  }
  static u32 host(u32 a) { return highest_bit(a >> 31 != 0 ? ~a : a); }
};

struct FindBitShift {
  static constexpr const char* kName = "bfind.shiftamt.u32";
  static __device__ u32 device(u32 a) {
    u32 result;
    asm("bfind.shiftamt.u32 %0, %1;" : "=r"(result) : "r"(a));
    return result;
  }
  static u32 host(u32 a) { return a == 0 ? ~u32{0} : 31 - highest_bit(a); }
};

struct FindBit64 {
  static constexpr const char* kName = "bfind.u64";
  static __device__ u32 device(u64 a) {
    u32 result;
    asm("bfind.u64 %0, %1;" : "=r"(result) : "l"(a));
    return result;
  }
  static u32 host(u64 a) { return highest_bit(a); }
};

struct FindBitSigned64 {
  static constexpr const char* kName = "bfind.s64";
  static __device__ u32 device(u64 a) {
    u32 result;
    asm("bfind.s64 %0, %1;" : "=r"(result) : "l"(a));
    return result;
  }
  static u32 host(u64 a) { return highest_bit(a >> 63 != 0 ? ~a : a); }
};

struct Negate {
  static constexpr const char* kName = "neg.s32";
  static __device__ u32 device(u32 a) { return 0 - a; }
  static u32 host(u32 a) { return 0 - a; }
};

struct Complement {
  static constexpr const char* kName = "not.b32";
  static __device__ u32 device(u32 a) { return ~a; }
  static u32 host(u32 a) { return ~a; }
};

struct LogicalNot {
  static constexpr const char* kName = "cnot.b32";
  static __device__ u32 device(u32 a) {
    u32 result;
    asm("cnot.b32 %0, %1;" : "=r"(result) : "r"(a));
    return result;
  }
  static u32 host(u32 a) { return a == 0 ? 1 : 0; }
};

TEST(Integers, OfOneWord) {
  check_all<ReverseBits, CountBits, LeadingZeros, FindBit, FindBitSigned, FindBitShift, Negate, Complement, LogicalNot>(
      table_of(words()));
}

TEST(Integers, OfOneLongWord) {
  check_all<ReverseBits64, CountBits64, LeadingZeros64, FindBit64, FindBitSigned64>(table_of(long_words()));
}

struct MultiplyHighSigned {
  static constexpr const char* kName = "mul.hi.s32";
  static __device__ s32 device(u32 a, u32 b) { return __mulhi(static_cast<s32>(a), static_cast<s32>(b)); }
  static s32 host(u32 a, u32 b) { return static_cast<s32>(s64{static_cast<s32>(a)} * static_cast<s32>(b) >> 32); }
};

struct MultiplyHigh {
  static constexpr const char* kName = "mul.hi.u32";
  static __device__ u32 device(u32 a, u32 b) { return __umulhi(a, b); }
  static u32 host(u32 a, u32 b) { return static_cast<u32>(u64{a} * b >> 32); }
};

struct MultiplyWide {
  static constexpr const char* kName = "mul.wide.u32";
  static __device__ u64 device(u32 a, u32 b) { return u64{a} * b; }
  static u64 host(u32 a, u32 b) { return u64{a} * b; }
};

struct MultiplyWideSigned {
  static constexpr const char* kName = "mul.wide.s32";
  static __device__ s64 device(u32 a, u32 b) { return s64{static_cast<s32>(a)} * static_cast<s32>(b); }
  static s64 host(u32 a, u32 b) { return s64{static_cast<s32>(a)} * static_cast<s32>(b); }
};

struct MultiplyWide16 {
  static constexpr const char* kName = "mul.wide.u16";
  static __device__ u32 device(u32 a, u32 b) {
    u32 result;
    asm("mul.wide.u16 %0, %1, %2;" : "=r"(result) : "h"(static_cast<u16>(a)), "h"(static_cast<u16>(b)));
    return result;
  }
  static u32 host(u32 a, u32 b) { return (a & 0xFFFF) * (b & 0xFFFF); }
};

struct MultiplyWideSigned16 {
  static constexpr const char* kName = "mul.wide.s16";
  static __device__ s32 device(u32 a, u32 b) {
    s32 result;
    asm("mul.wide.s16 %0, %1, %2;" : "=r"(result) : "h"(static_cast<u16>(a)), "h"(static_cast<u16>(b)));
    return result;
  }
  static s32 host(u32 a, u32 b) { return static_cast<s16>(a) * static_cast<s16>(b); }
};

struct Multiply24 {
  static constexpr const char* kName = "mul24.lo.u32";
  static __device__ u32 device(u32 a, u32 b) { return __umul24(a, b); }
  static u32 host(u32 a, u32 b) { return (a & 0xFFFFFF) * (b & 0xFFFFFF); }
};

struct AddSaturated {
  static constexpr const char* kName = "add.sat.s32";
  static __device__ s32 device(u32 a, u32 b) {
    s32 result;
    asm("add.sat.s32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }
  static s32 host(u32 a, u32 b) {
    const s64 sum = s64{static_cast<s32>(a)} + static_cast<s32>(b);
    return static_cast<s32>(std::clamp<s64>(sum, std::numeric_limits<s32>::min(), std::numeric_limits<s32>::max()));
  }
};

struct SubtractSaturated {
  static constexpr const char* kName = "sub.sat.s32";
  static __device__ s32 device(u32 a, u32 b) {
    s32 result;
    asm("sub.sat.s32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }
  static s32 host(u32 a, u32 b) {
    const s64 difference = s64{static_cast<s32>(a)} - static_cast<s32>(b);
    return static_cast<s32>(
        std::clamp<s64>(difference, std::numeric_limits<s32>::min(), std::numeric_limits<s32>::max()));
  }
};

/// Shifts clamp: past the width a logical shift gives 0 and an arithmetic one the sign.
struct ShiftLeft {
  static constexpr const char* kName = "shl.b32";
  static __device__ u32 device(u32 a, u32 b) {
    u32 result;
    asm("shl.b32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }
  static u32 host(u32 a, u32 b) { return b > 31 ? 0 : a << b; }
};

struct ShiftRight {
  static constexpr const char* kName = "shr.u32";
  static __device__ u32 device(u32 a, u32 b) {
    u32 result;
    asm("shr.u32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }
  static u32 host(u32 a, u32 b) { return b > 31 ? 0 : a >> b; }
};

struct ShiftRightSigned {
  static constexpr const char* kName = "shr.s32";
  static __device__ s32 device(u32 a, u32 b) {
    s32 result;
    asm("shr.s32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
    return result;
  }
  static s32 host(u32 a, u32 b) { return static_cast<s32>(a) >> std::min<u32>(b, 31); }
};

struct Smaller {
  static constexpr const char* kName = "min.s32 and max.u32";
  static __device__ Two<s32, u32> device(u32 a, u32 b) {
    return {min(static_cast<s32>(a), static_cast<s32>(b)), max(a, b)};
  }
  static Two<s32, u32> host(u32 a, u32 b) {
    return {std::min(static_cast<s32>(a), static_cast<s32>(b)), std::max(a, b)};
  }
};

struct SmallerSigned16 {
  static constexpr const char* kName = "min.s16 and max.u16";
  static __device__ Two<s16, u16> device(u32 a, u32 b) {
    s16 smaller;
    u16 larger;
    asm("min.s16 %0, %1, %2;" : "=h"(smaller) : "h"(static_cast<s16>(a)), "h"(static_cast<s16>(b)));
    asm("max.u16 %0, %1, %2;" : "=h"(larger) : "h"(static_cast<u16>(a)), "h"(static_cast<u16>(b)));
    return {smaller, larger};
  }
  static Two<s16, u16> host(u32 a, u32 b) {
    return {std::min(static_cast<s16>(a), static_cast<s16>(b)), std::max(static_cast<u16>(a), static_cast<u16>(b))};
  }
};

struct Compare {
  static constexpr const char* kName = "setp.lt.s32 and setp.lt.u32";
  static __device__ u32 device(u32 a, u32 b) {
    return (static_cast<s32>(a) < static_cast<s32>(b) ? 1u : 0u) + (a < b ? 2u : 0u) + (a == b ? 4u : 0u);
  }
  static u32 host(u32 a, u32 b) {
    return (static_cast<s32>(a) < static_cast<s32>(b) ? 1u : 0u) + (a < b ? 2u : 0u) + (a == b ? 4u : 0u);
  }
};

TEST(Integers, OfTwoWords) {
  check_all<MultiplyHighSigned, MultiplyHigh, MultiplyWide, MultiplyWideSigned, MultiplyWide16, MultiplyWideSigned16,
            Multiply24, AddSaturated, SubtractSaturated, ShiftLeft, ShiftRight, ShiftRightSigned, Smaller,
            SmallerSigned16, Compare>(pairs_of(words(), words()));
}

struct MultiplyHigh64 {
  static constexpr const char* kName = "mul.hi.u64";
  static __device__ u64 device(u64 a, u64 b) { return __umul64hi(a, b); }
  static u64 host(u64 a, u64 b) {
    // Four products of halves; the middle column cannot overflow, since (2^32-1)^2 + 2 (2^32-1) = 2^64-1.
    const u64 low = (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF), cross = (a >> 32) * (b & 0xFFFFFFFF) + (low >> 32);
    const u64 middle = (a & 0xFFFFFFFF) * (b >> 32) + (cross & 0xFFFFFFFF);
    return (a >> 32) * (b >> 32) + (cross >> 32) + (middle >> 32);
  }
};

struct MultiplyHighSigned64 {
  static constexpr const char* kName = "mul.hi.s64";
  static __device__ u64 device(u64 a, u64 b) {
    return static_cast<u64>(__mul64hi(static_cast<long long>(a), static_cast<long long>(b)));
  }
  static u64 host(u64 a, u64 b) { return MultiplyHigh64::host(a, b) - (a >> 63 != 0 ? b : 0) - (b >> 63 != 0 ? a : 0); }
};

struct MultiplyLow64 {
  static constexpr const char* kName = "mul.lo.s64";
  static __device__ u64 device(u64 a, u64 b) { return a * b; }
  static u64 host(u64 a, u64 b) { return a * b; }
};

/// A chain of carries over four words: a + b + (a << 1 of 128 bits).
struct AddWithCarry {
  static constexpr const char* kName = "add.cc.u32, addc.cc.u32, addc.u32";
  static __device__ Two<u64> device(u64 a, u64 b) {
    u32 r0, r1, r2, r3;
    asm("{ .reg .u32 a0, a1, b0, b1;\n"
        "mov.b64 {a0, a1}, %4;\n"
        "mov.b64 {b0, b1}, %5;\n"
        "add.cc.u32 %0, a0, b0;\n"
        "addc.cc.u32 %1, a1, b1;\n"
        "addc.cc.u32 %2, b0, a0;\n"
        "addc.u32 %3, b1, 0; }"
        : "=r"(r0), "=r"(r1), "=r"(r2), "=r"(r3)
        : "l"(a), "l"(b));
    return {u64{r1} << 32 | r0, u64{r3} << 32 | r2};
  }
  static Two<u64> host(u64 a, u64 b) {
    const u64 low = a + b;
    const u64 third = (a & 0xFFFFFFFF) + (b & 0xFFFFFFFF) + (low < a ? 1 : 0);
    const u64 fourth = (b >> 32) + (third >> 32);
    return {low, (fourth & 0xFFFFFFFF) << 32 | (third & 0xFFFFFFFF)};
  }
};

struct SubtractWithBorrow {
  static constexpr const char* kName = "sub.cc.u32, subc.cc.u32, subc.u32";
  static __device__ Two<u64, u32> device(u64 a, u64 b) {
    u32 r0, r1, r2;
    asm("{ .reg .u32 a0, a1, b0, b1;\n"
        "mov.b64 {a0, a1}, %3;\n"
        "mov.b64 {b0, b1}, %4;\n"
        "sub.cc.u32 %0, a0, b0;\n"
        "subc.cc.u32 %1, a1, b1;\n"
        "subc.u32 %2, 5, 0; }"
        : "=r"(r0), "=r"(r1), "=r"(r2)
        : "l"(a), "l"(b));
    return {u64{r1} << 32 | r0, r2};
  }
  static Two<u64, u32> host(u64 a, u64 b) { return {a - b, a < b ? 4u : 5u}; }
};

struct Smaller64 {
  static constexpr const char* kName = "min.s64 and max.u64";
  static __device__ Two<s64, u64> device(u64 a, u64 b) {
    return {min(static_cast<long long>(a), static_cast<long long>(b)),
            max(static_cast<unsigned long long>(a), static_cast<unsigned long long>(b))};
  }
  static Two<s64, u64> host(u64 a, u64 b) {
    return {std::min(static_cast<s64>(a), static_cast<s64>(b)), std::max(a, b)};
  }
};

struct Shift64 {
  static constexpr const char* kName = "shl.b64 and shr.s64";
  static __device__ Two<u64, s64> device(u64 a, u64 b) {
    u64 left;
    s64 right;
    asm("shl.b64 %0, %1, %2;" : "=l"(left) : "l"(a), "r"(static_cast<u32>(b)));
    asm("shr.s64 %0, %1, %2;" : "=l"(right) : "l"(a), "r"(static_cast<u32>(b)));
    return {left, right};
  }
  static Two<u64, s64> host(u64 a, u64 b) {
    const u32 count = static_cast<u32>(b);
    return {count > 63 ? 0 : a << count, static_cast<s64>(a) >> std::min<u32>(count, 63)};
  }
};

TEST(Integers, OfTwoLongWords) {
  check_all<MultiplyHigh64, MultiplyHighSigned64, MultiplyLow64, AddWithCarry, SubtractWithBorrow, Smaller64, Shift64>(
      pairs_of(long_words(), long_words()));
}

template <class T>
struct Divide {
  static constexpr const char* kName = sizeof(T) == 4 ? "div and rem, 32 bits" : "div and rem, 64 bits";
  static __device__ Two<T> device(T a, T b) { return {static_cast<T>(a / b), static_cast<T>(a % b)}; }
  static Two<T> host(T a, T b) { return {static_cast<T>(a / b), static_cast<T>(a % b)}; }
};

/// Every pair but those whose quotient has no documented value: a zero divisor, and the smallest number by -1.
template <class T>
Table<T, T> divisions(const std::vector<T>& values) {
  Table<T, T> table;
  for (const T a : values) {
    for (const T b : values) {
      const bool is_past_range = std::is_signed_v<T> && a == std::numeric_limits<T>::min() && b == static_cast<T>(-1);
      if (b == 0 || is_past_range) continue;
      std::get<0>(table).push_back(a);
      std::get<1>(table).push_back(b);
    }
  }
  return table;
}

TEST(Integers, Division) {
  check_all<Divide<u32>>(divisions(words()));
  check_all<Divide<s32>>(divisions(as<s32>(words())));
  check_all<Divide<u64>>(divisions(long_words()));
  check_all<Divide<s64>>(divisions(as<s64>(long_words())));
}

}  // namespace
}  // namespace emulator::self_test
