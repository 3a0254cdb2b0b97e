#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// Integer instructions of three and more operands: bit fields, byte permutations, funnel shifts, products with sums.
namespace emulator::self_test {
namespace {

// ---- products with sums

struct MultiplyAdd {
  static constexpr const char* kName = "mad.lo.u32";
  static __device__ u32 device(u32 a, u32 b, u32 c) { return a * b + c; }
  static u32 host(u32 a, u32 b, u32 c) { return a * b + c; }
};

struct MultiplyAddHigh {
  static constexpr const char* kName = "mad.hi.s32";
  static __device__ u32 device(u32 a, u32 b, u32 c) {
    u32 result;
    asm("mad.hi.s32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
  }
  static u32 host(u32 a, u32 b, u32 c) {
    return static_cast<u32>(s64{static_cast<s32>(a)} * static_cast<s32>(b) >> 32) + c;
  }
};

struct MultiplyAddWide {
  static constexpr const char* kName = "mad.wide.u32";
  static __device__ u64 device(u32 a, u32 b, u32 c) {
    u64 result;
    asm("mad.wide.u32 %0, %1, %2, %3;" : "=l"(result) : "r"(a), "r"(b), "l"(u64{c} << 31));
    return result;
  }
  static u64 host(u32 a, u32 b, u32 c) { return u64{a} * b + (u64{c} << 31); }
};

struct MultiplyAddWideSigned {
  static constexpr const char* kName = "mad.wide.s32";
  static __device__ s64 device(u32 a, u32 b, u32 c) {
    s64 result;
    asm("mad.wide.s32 %0, %1, %2, %3;" : "=l"(result) : "r"(a), "r"(b), "l"(u64{c} << 31));
    return result;
  }
  static s64 host(u32 a, u32 b, u32 c) {
    return static_cast<s64>(static_cast<u64>(s64{static_cast<s32>(a)} * static_cast<s32>(b)) + (u64{c} << 31));
  }
};

struct MultiplyAddCarry {
  static constexpr const char* kName = "mad.lo.cc.u32 and madc.hi.u32";
  static __device__ u64 device(u32 a, u32 b, u32 c) {
    u32 low, high;
    asm("mad.lo.cc.u32 %0, %2, %3, %4;\n"
        "madc.hi.u32 %1, %2, %3, 0;"
        : "=r"(low), "=&r"(high)
        : "r"(a), "r"(b), "r"(c));
    return u64{high} << 32 | low;
  }
  static u64 host(u32 a, u32 b, u32 c) { return u64{a} * b + c; }
};

struct SumOfDifference {
  static constexpr const char* kName = "sad.s32 and sad.u32";
  static __device__ Two<u32> device(u32 a, u32 b, u32 c) {
    return {__sad(static_cast<int>(a), static_cast<int>(b), c), __usad(a, b, c)};
  }
  static Two<u32> host(u32 a, u32 b, u32 c) {
    const s64 difference = s64{static_cast<s32>(a)} - static_cast<s32>(b);
    return {static_cast<u32>(difference < 0 ? -difference : difference) + c, (a < b ? b - a : a - b) + c};
  }
};

s32 byte_of(u32 word, int index, bool is_signed) {
  const u32 byte = word >> 8 * index & 0xFF;
  return is_signed ? static_cast<s8>(byte) : static_cast<s32>(byte);
}

template <bool kIsSignedA, bool kIsSignedB>
struct DotOfBytes {
  static constexpr const char* kName = "dp4a";
  static __device__ u32 device(u32 a, u32 b, u32 c) {
    u32 result;
    if constexpr (kIsSignedA && kIsSignedB)
      asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    else if constexpr (kIsSignedA)
      asm("dp4a.s32.u32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    else if constexpr (kIsSignedB)
      asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    else
      asm("dp4a.u32.u32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
  }
  static u32 host(u32 a, u32 b, u32 c) {
    for (int i = 0; i < 4; ++i) c += static_cast<u32>(byte_of(a, i, kIsSignedA) * byte_of(b, i, kIsSignedB));
    return c;
  }
};

TEST(ProductsWithSums, OfThreeWords) {
  check_all<MultiplyAdd, MultiplyAddHigh, MultiplyAddWide, MultiplyAddWideSigned, MultiplyAddCarry, SumOfDifference,
            DotOfBytes<true, true>, DotOfBytes<true, false>, DotOfBytes<false, true>, DotOfBytes<false, false>>(
      triples_of(few_words(), few_words(), few_words()));
}

// ---- bit fields: position and length are the low bytes of their operands

std::vector<u32> positions() { return {0, 1, 5, 16, 31, 32, 33, 63, 64, 255, 256, 260, 0xFFFFFFFF}; }

struct ExtractField {
  static constexpr const char* kName = "bfe.u32";
  static __device__ u32 device(u32 a, u32 b, u32 c) {
    u32 result;
    asm("bfe.u32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
  }
  static u32 host(u32 a, u32 b, u32 c) {
    const u32 position = b & 0xFF, length = c & 0xFF;
    const u32 shifted = position > 31 ? 0 : a >> position;
    return length > 31 ? shifted : shifted & ((u32{1} << length) - 1);
  }
};

/// The sign bit is the highest bit of the field, or the value's own sign where the field reaches past its end.
struct ExtractFieldSigned {
  static constexpr const char* kName = "bfe.s32";
  static __device__ u32 device(u32 a, u32 b, u32 c) {
    u32 result;
    asm("bfe.s32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
  }
  static u32 host(u32 a, u32 b, u32 c) {
    const u32 position = b & 0xFF, length = c & 0xFF;
    if (length == 0) return 0;
    const u32 sign = a >> std::min<u32>(position + length - 1, 31) & 1;
    u32 result = 0;
    for (u32 i = 0; i < 32; ++i) {
      const bool is_inside = i < length && position + i < 32;
      result |= (is_inside ? a >> (position + i) & 1 : sign) << i;
    }
    return result;
  }
};

struct ExtractField64 {
  static constexpr const char* kName = "bfe.u64";
  static __device__ u64 device(u32 a, u32 b, u32 c) {
    u64 result;
    asm("bfe.u64 %0, %1, %2, %3;" : "=l"(result) : "l"(u64{a} << 32 | ~a), "r"(b), "r"(c));
    return result;
  }
  static u64 host(u32 a, u32 b, u32 c) {
    const u64 value = u64{a} << 32 | static_cast<u32>(~a);
    const u32 position = b & 0xFF, length = c & 0xFF;
    const u64 shifted = position > 63 ? 0 : value >> position;
    return length > 63 ? shifted : shifted & ((u64{1} << length) - 1);
  }
};

struct InsertField {
  static constexpr const char* kName = "bfi.b32";
  static __device__ u32 device(u32 a, u32 b, u32 c) {
    u32 result;
    asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(result) : "r"(a), "r"(0x5A5A5A5A), "r"(b), "r"(c));
    return result;
  }
  static u32 host(u32 a, u32 b, u32 c) {
    const u32 position = b & 0xFF, length = c & 0xFF;
    u32 result = 0x5A5A5A5A;
    for (u32 i = 0; i < length && position + i < 32; ++i)
      result = (result & ~(u32{1} << (position + i))) | (i < 32 ? a >> i & 1 : 0) << (position + i);
    return result;
  }
};

struct InsertField64 {
  static constexpr const char* kName = "bfi.b64";
  static __device__ u64 device(u32 a, u32 b, u32 c) {
    u64 result;
    asm("bfi.b64 %0, %1, %2, %3, %4;"
        : "=l"(result)
        : "l"(u64{a} << 32 | a), "l"(u64{0x5A5A5A5A5A5A5A5A}), "r"(b), "r"(c));
    return result;
  }
  static u64 host(u32 a, u32 b, u32 c) {
    const u64 value = u64{a} << 32 | a;
    const u32 position = b & 0xFF, length = c & 0xFF;
    u64 result = 0x5A5A5A5A5A5A5A5A;
    for (u32 i = 0; i < length && position + i < 64; ++i)
      result = (result & ~(u64{1} << (position + i))) | (value >> i & 1) << (position + i);
    return result;
  }
};

TEST(BitFields, ExtractAndInsert) {
  check_all<ExtractField, ExtractFieldSigned, ExtractField64, InsertField, InsertField64>(
      triples_of(few_words(), positions(), positions()));
}

struct MaskBits {
  static constexpr const char* kName = "bmsk.clamp.b32";
  static __device__ u32 device(u32 position, u32 width) {
    u32 result;
    asm("bmsk.clamp.b32 %0, %1, %2;" : "=r"(result) : "r"(position), "r"(width));
    return result;
  }
  static u32 host(u32 position, u32 width) {
    u32 result = 0;
    for (u32 i = 0; i < 32; ++i) result |= (i >= position && i - position < width ? 1u : 0u) << i;
    return result;
  }
};

struct ExtendSign {
  static constexpr const char* kName = "szext.clamp.s32";
  static __device__ u32 device(u32 value, u32 width) {
    u32 result;
    asm("szext.clamp.s32 %0, %1, %2;" : "=r"(result) : "r"(value), "r"(width));
    return result;
  }
  static u32 host(u32 value, u32 width) {
    if (width == 0) return 0;
    if (width > 31) return value;
    const u32 sign = value >> (width - 1) & 1, mask = (u32{1} << width) - 1;
    return sign != 0 ? value | ~mask : value & mask;
  }
};

TEST(BitFields, Masks) {
  check_exact<MaskBits>(pairs_of(positions(), positions()));
  check_exact<ExtendSign>(pairs_of(words(), positions()));
}

/// The offset-th set bit at or above the base, or, for a negative offset, at or below it.
struct FindNthSet {
  static constexpr const char* kName = "fns.b32";
  static __device__ u32 device(u32 mask, u32 base, s32 offset) { return __fns(mask, base, offset); }
  static u32 host(u32 mask, u32 base, s32 offset) {
    if (offset == 0) return (mask >> base & 1) != 0 ? base : ~u32{0};
    int to_pass = (offset < 0 ? -offset : offset) - 1;
    for (int i = static_cast<int>(base); i >= 0 && i < 32; i += offset < 0 ? -1 : 1)
      if ((mask >> i & 1) != 0 && to_pass-- == 0) return static_cast<u32>(i);
    return ~u32{0};
  }
};

TEST(BitFields, NthSetBit) {
  const std::vector<u32> bases = {0, 1, 7, 16, 31};
  const std::vector<s32> offsets = {-33, -3, -2, -1, 0, 1, 2, 5, 32};
  check_exact<FindNthSet>(triples_of(words(), bases, offsets));
}

// ---- byte permutations

u32 byte_of_pair(u32 a, u32 b, u32 index) { return (index < 4 ? a >> 8 * index : b >> 8 * (index - 4)) & 0xFF; }

/// Bit 3 of a selector asks for the sign of the byte in place of the byte.
struct PermuteBytes {
  static constexpr const char* kName = "prmt.b32";
  static __device__ u32 device(u32 a, u32 b, u32 selectors) {
    u32 result;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selectors));
    return result;
  }
  static u32 host(u32 a, u32 b, u32 selectors) {
    u32 result = 0;
    for (u32 i = 0; i < 4; ++i) {
      const u32 selector = selectors >> 4 * i & 0xF;
      const u32 byte = byte_of_pair(a, b, selector & 7);
      result |= ((selector & 8) == 0 ? byte : byte >> 7 != 0 ? 0xFF : 0) << 8 * i;
    }
    return result;
  }
};

TEST(BytePermutations, OfSelectors) {
  std::vector<u32> selectors = {0x3210, 0x7654, 0x0123, 0x4567, 0xBA98, 0xFEDC, 0x8F0C, 0x6420, 0xFFFF7531};
  for (const u32 word : random_words(20, 7)) selectors.push_back(word);
  check_exact<PermuteBytes>(triples_of(few_words(), few_words(), selectors));
}

/// The named modes of prmt, by the bytes each picks for selectors 0 to 3, highest byte first as the ISA prints them.
struct PermuteModes {
  static constexpr const char* kName = "prmt.b32 .f4e, .b4e, .rc8, .ecl, .ecr, .rc16";
  static constexpr int kModes = 6;
  static __device__ u32 device(u32 a, u32 b, u32 mode_and_selector) {
    const u32 selector = mode_and_selector & 3;
    u32 result = 0;
    switch (mode_and_selector >> 2) {
      case 0: asm("prmt.b32.f4e %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector)); break;
      case 1: asm("prmt.b32.b4e %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector)); break;
      case 2: asm("prmt.b32.rc8 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector)); break;
      case 3: asm("prmt.b32.ecl %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector)); break;
      case 4: asm("prmt.b32.ecr %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector)); break;
      case 5: asm("prmt.b32.rc16 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(selector)); break;
    }
    return result;
  }
  static u32 host(u32 a, u32 b, u32 mode_and_selector) {
    static constexpr u32 kBytes[kModes][4] = {{0x3210, 0x4321, 0x5432, 0x6543}, {0x5670, 0x6701, 0x7012, 0x0123},
                                              {0x0000, 0x1111, 0x2222, 0x3333}, {0x3210, 0x3211, 0x3222, 0x3333},
                                              {0x0000, 0x1110, 0x2210, 0x3210}, {0x1010, 0x3232, 0x1010, 0x3232}};
    return PermuteBytes::host(a, b, kBytes[mode_and_selector >> 2][mode_and_selector & 3]);
  }
};

TEST(BytePermutations, OfNamedModes) {
  std::vector<u32> modes_and_selectors;
  for (u32 i = 0; i < PermuteModes::kModes * 4; ++i) modes_and_selectors.push_back(i);
  check_exact<PermuteModes>(triples_of(few_words(), few_words(), modes_and_selectors));
}

// ---- funnel shifts of the 64 bits b:a

template <bool kIsLeft, bool kIsClamped>
struct FunnelShift {
  static constexpr const char* kName =
      kIsLeft ? (kIsClamped ? "shf.l.clamp" : "shf.l.wrap") : (kIsClamped ? "shf.r.clamp" : "shf.r.wrap");
  static __device__ u32 device(u32 a, u32 b, u32 c) {
    u32 result;
    if constexpr (kIsLeft && kIsClamped)
      asm("shf.l.clamp.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    else if constexpr (kIsLeft)
      asm("shf.l.wrap.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    else if constexpr (kIsClamped)
      asm("shf.r.clamp.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    else
      asm("shf.r.wrap.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
  }
  static u32 host(u32 a, u32 b, u32 c) {
    const u64 both = u64{b} << 32 | a;
    const u32 count = kIsClamped ? std::min<u32>(c, 32) : c & 31;
    return static_cast<u32>(kIsLeft ? both << count >> 32 : both >> count);
  }
};

TEST(FunnelShifts, ClampAndWrap) {
  check_all<FunnelShift<true, true>, FunnelShift<true, false>, FunnelShift<false, true>, FunnelShift<false, false>>(
      triples_of(few_words(), few_words(), positions()));
}

// ---- three-input logic

template <int kTable>
__device__ u32 logic(u32 a, u32 b, u32 c) {
  u32 result;
  asm("lop3.b32 %0, %1, %2, %3, %4;" : "=r"(result) : "r"(a), "r"(b), "r"(c), "n"(kTable));
  return result;
}

template <int... kTables>
__global__ void logic_kernel(u32* results, u32 a, u32 b, u32 c, std::integer_sequence<int, kTables...>) {
  ((results[kTables] = logic<kTables>(a, b, c)), ...);
}

u32 expected_logic(int table, u32 a, u32 b, u32 c) {
  u32 result = 0;
  for (int bit = 0; bit < 32; ++bit) {
    const u32 row = (a >> bit & 1) << 2 | (b >> bit & 1) << 1 | (c >> bit & 1);
    result |= (static_cast<u32>(table) >> row & 1) << bit;
  }
  return result;
}

TEST(ThreeInputLogic, EveryTable) {
  using Tables = std::make_integer_sequence<int, 256>;
  const DeviceArray<u32> results(256);
  // With these bytes the result's low byte is the table itself; the other bytes mix.
  constexpr u32 kA = 0x12345FF0, kB = 0x9ABCDECC, kC = 0x0F1E2DAA;
  logic_kernel<<<1, 1>>>(results.data(), kA, kB, kC, Tables{});
  Checks checks("lop3.b32");
  const std::vector<u32> got = results.read();
  for (int table = 0; table < 256; ++table)
    checks.same(got[static_cast<std::size_t>(table)], expected_logic(table, kA, kB, kC),
                [&] { return "table " + std::to_string(table); });
}

}  // namespace
}  // namespace emulator::self_test
