#include "semantics/types.h"

namespace emulator::semantics {

const char* type_name(Type type) {
  static constexpr const char* kNames[] = {"pred", "b8",   "b16", "b32", "b64",   "u8",    "u16",
                                           "u32",  "u64",  "s8",  "s16", "s32",   "s64",   "f16",
                                           "bf16", "tf32", "f32", "f64", "f16x2", "bf16x2"};
  static_assert(sizeof kNames / sizeof *kNames == static_cast<int>(Type::kBf16x2) + 1, "one name for each type");
  return kNames[static_cast<int>(type)];
}

}  // namespace emulator::semantics
