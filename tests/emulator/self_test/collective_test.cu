#include <gtest/gtest.h>

#include <algorithm>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/values.h"

/// Instructions in which the lanes of a warp work together: votes, matches, reductions, lane masks.
namespace emulator::self_test {
namespace {

constexpr int kLanes = 32;
constexpr u32 kAllLanes = 0xFFFFFFFF;

std::vector<u32> member_masks() { return {kAllLanes, 0x0000FFFF, 0xFF000000, 0xF0F0A5A5, 0x00000080, 0x80000001}; }

bool has_lane(u32 mask, int lane) { return (mask >> lane & 1) != 0; }

std::string where_text(u32 members, int lane) { return "members " + text(members) + ", lane " + std::to_string(lane); }

/// Runs Operation::device(members, value) in the lanes that are members, and compares with
/// Operation::host(members, the values of all lanes, lane).
template <class Operation, class Value, class Result>
__global__ void member_kernel(u32 members, const Value* values, Result* results) {
  const int lane = static_cast<int>(threadIdx.x);
  if ((members >> lane & 1) != 0) results[lane] = Operation::device(members, values[lane]);
}

template <class Operation, class Value>
void check_members(const std::vector<Value>& values) {
  using Result = decltype(Operation::host(u32{}, values, 0));
  Checks checks(Operation::kName);
  const DeviceArray<Value> inputs(values);
  for (const u32 members : member_masks()) {
    const auto results = DeviceArray<Result>::zeros(kLanes);
    run_kernel(member_kernel<Operation, Value, Result>, 1, kLanes, members, inputs.data(), results.data());
    const std::vector<Result> got = results.read();
    for (int lane = 0; lane < kLanes; ++lane) {
      if (!has_lane(members, lane)) continue;
      checks.same(got[static_cast<std::size_t>(lane)], Operation::host(members, values, lane),
                  [&] { return where_text(members, lane); });
    }
  }
}

// ---- votes

struct Ballot {
  static constexpr const char* kName = "vote.sync.ballot.b32";
  static __device__ u32 device(u32 members, u32 value) { return __ballot_sync(members, value != 0); }
  static u32 host(u32 members, const std::vector<u32>& values, int) {
    u32 result = 0;
    for (int i = 0; i < kLanes; ++i)
      result |= (has_lane(members, i) && values[static_cast<std::size_t>(i)] != 0 ? 1u : 0u) << i;
    return result;
  }
};

/// Bit 0: all, bit 1: any, bit 2: uniform.
struct Votes {
  static constexpr const char* kName = "vote.sync.all, .any and .uni";
  static __device__ u32 device(u32 members, u32 value) {
    const u32 all = __all_sync(members, value != 0) != 0, any = __any_sync(members, value != 0) != 0;
    return all | any << 1 | static_cast<u32>(__uni_sync(members, value != 0) != 0) << 2;
  }
  static u32 host(u32 members, const std::vector<u32>& values, int) {
    const u32 ballot = Ballot::host(members, values, 0);
    const bool all = ballot == members, any = ballot != 0;
    return (all ? 1u : 0u) | (any ? 2u : 0u) | (all || !any ? 4u : 0u);
  }
};

std::vector<u32> bits_of(u32 pattern) {
  std::vector<u32> bits(kLanes);
  for (int i = 0; i < kLanes; ++i) bits[static_cast<std::size_t>(i)] = pattern >> i & 1;
  return bits;
}

TEST(Votes, OfMembers) {
  for (const u32 pattern : {0u, kAllLanes, 0x0000FFFFu, 0x00000080u, 0xFFFFFF7Fu, 0x5A5A1234u}) {
    check_members<Ballot>(bits_of(pattern));
    check_members<Votes>(bits_of(pattern));
  }
}

// ---- matches

template <class T>
struct MatchAny {
  static constexpr const char* kName = sizeof(T) == 4 ? "match.any.sync.b32" : "match.any.sync.b64";
  static __device__ u32 device(u32 members, T value) { return __match_any_sync(members, value); }
  static u32 host(u32 members, const std::vector<T>& values, int lane) {
    u32 result = 0;
    for (int i = 0; i < kLanes; ++i) {
      const bool is_equal = values[static_cast<std::size_t>(i)] == values[static_cast<std::size_t>(lane)];
      result |= (has_lane(members, i) && is_equal ? 1u : 0u) << i;
    }
    return result;
  }
};

template <class T>
struct MatchAll {
  static constexpr const char* kName = sizeof(T) == 4 ? "match.all.sync.b32" : "match.all.sync.b64";
  static __device__ Two<u32> device(u32 members, T value) {
    int is_uniform;
    const u32 mask = __match_all_sync(members, value, &is_uniform);
    return {mask, is_uniform != 0 ? 1u : 0u};
  }
  static Two<u32> host(u32 members, const std::vector<T>& values, int lane) {
    const bool is_uniform = MatchAny<T>::host(members, values, lane) == members;
    return {is_uniform ? members : 0, is_uniform ? 1u : 0u};
  }
};

TEST(Matches, OfMembers) {
  std::vector<u32> some(kLanes), one(kLanes, 7);
  std::vector<unsigned long long> long_some(kLanes), long_one(kLanes, 7ull << 40);
  for (std::size_t i = 0; i < kLanes; ++i) {
    some[i] = static_cast<u32>(i * i % 5);
    long_some[i] = static_cast<unsigned long long>(some[i]) << 32 | 1;  // equal in the lower half
  }
  for (const auto& values : {some, one}) {
    check_members<MatchAny<u32>>(values);
    check_members<MatchAll<u32>>(values);
  }
  for (const auto& values : {long_some, long_one}) {
    check_members<MatchAny<unsigned long long>>(values);
    check_members<MatchAll<unsigned long long>>(values);
  }
}

// ---- reductions

/// Folds the members' values.
template <class T, class Join>
T fold(u32 members, const std::vector<T>& values, Join join) {
  bool is_first = true;
  T result{};
  for (int i = 0; i < kLanes; ++i) {
    if (!has_lane(members, i)) continue;
    const T value = values[static_cast<std::size_t>(i)];
    result = is_first ? value : join(result, value);
    is_first = false;
  }
  return result;
}

template <class T>
struct ReduceAdd {
  static constexpr const char* kName = "redux.sync.add";
  static __device__ T device(u32 members, T value) { return __reduce_add_sync(members, value); }
  static T host(u32 members, const std::vector<T>& values, int) {
    return fold(members, values, [](T a, T b) { return static_cast<T>(static_cast<u32>(a) + static_cast<u32>(b)); });
  }
};

template <class T>
struct ReduceMin {
  static constexpr const char* kName = std::is_signed_v<T> ? "redux.sync.min.s32" : "redux.sync.min.u32";
  static __device__ T device(u32 members, T value) { return __reduce_min_sync(members, value); }
  static T host(u32 members, const std::vector<T>& values, int) {
    return fold(members, values, [](T a, T b) { return std::min(a, b); });
  }
};

template <class T>
struct ReduceMax {
  static constexpr const char* kName = std::is_signed_v<T> ? "redux.sync.max.s32" : "redux.sync.max.u32";
  static __device__ T device(u32 members, T value) { return __reduce_max_sync(members, value); }
  static T host(u32 members, const std::vector<T>& values, int) {
    return fold(members, values, [](T a, T b) { return std::max(a, b); });
  }
};

struct ReduceAnd {
  static constexpr const char* kName = "redux.sync.and.b32";
  static __device__ u32 device(u32 members, u32 value) { return __reduce_and_sync(members, value | 0x00F00000); }
  static u32 host(u32 members, const std::vector<u32>& values, int) {
    return fold(members, values, [](u32 a, u32 b) { return a & b; }) | 0x00F00000;
  }
};

struct ReduceOr {
  static constexpr const char* kName = "redux.sync.or.b32";
  static __device__ u32 device(u32 members, u32 value) { return __reduce_or_sync(members, value & 0xFF0FF0FF); }
  static u32 host(u32 members, const std::vector<u32>& values, int) {
    return fold(members, values, [](u32 a, u32 b) { return a | b; }) & 0xFF0FF0FF;
  }
};

struct ReduceXor {
  static constexpr const char* kName = "redux.sync.xor.b32";
  static __device__ u32 device(u32 members, u32 value) { return __reduce_xor_sync(members, value); }
  static u32 host(u32 members, const std::vector<u32>& values, int) {
    return fold(members, values, [](u32 a, u32 b) { return a ^ b; });
  }
};

TEST(Reductions, OfMembers) {
  const std::vector<u32> values = random_words(kLanes, 8);
  check_members<ReduceAdd<u32>>(values);
  check_members<ReduceMin<u32>>(values);
  check_members<ReduceMax<u32>>(values);
  check_members<ReduceAnd>(values);
  check_members<ReduceOr>(values);
  check_members<ReduceXor>(values);
  check_members<ReduceAdd<s32>>(as<s32>(values));
  check_members<ReduceMin<s32>>(as<s32>(values));
  check_members<ReduceMax<s32>>(as<s32>(values));
}

// ---- who is here

struct LaneMasks {
  u32 lane, equal, less, less_equal, greater, greater_equal;
};

__global__ void lane_masks_kernel(LaneMasks* results) {
  LaneMasks masks;
  asm("mov.u32 %0, %%laneid;" : "=r"(masks.lane));
  asm("mov.u32 %0, %%lanemask_eq;" : "=r"(masks.equal));
  asm("mov.u32 %0, %%lanemask_lt;" : "=r"(masks.less));
  asm("mov.u32 %0, %%lanemask_le;" : "=r"(masks.less_equal));
  asm("mov.u32 %0, %%lanemask_gt;" : "=r"(masks.greater));
  asm("mov.u32 %0, %%lanemask_ge;" : "=r"(masks.greater_equal));
  results[threadIdx.x] = masks;
}

TEST(LaneMasks, OfTwoWarps) {
  const DeviceArray<LaneMasks> results(2 * kLanes);
  run_kernel(lane_masks_kernel, 1, 2 * kLanes, results.data());
  Checks checks("%laneid and %lanemask_*");
  const std::vector<LaneMasks> got = results.read();
  for (u32 i = 0; i < 2 * kLanes; ++i) {
    const u32 lane = i % kLanes, equal = u32{1} << lane, less = equal - 1;
    const auto where = [&] { return "thread " + std::to_string(i); };
    checks.same(got[i].lane, lane, where);
    checks.same(got[i].equal, equal, where);
    checks.same(got[i].less, less, where);
    checks.same(got[i].less_equal, less | equal, where);
    checks.same(got[i].greater, ~(less | equal), where);
    checks.same(got[i].greater_equal, ~less, where);
  }
}

__global__ void active_mask_kernel(u32 branch, u32* results) {
  const u32 lane = threadIdx.x;
  if ((branch >> lane & 1) == 0) return;
  const u32 active = __activemask();
  results[lane] = (active & ~branch) == 0 && (active >> lane & 1) != 0 ? 1 : 0;
}

/// The ISA promises no reconvergence, so a lane may see fewer lanes than took its branch, but never others, and itself.
TEST(LaneMasks, ActiveLanesAreOfTheBranch) {
  for (const u32 branch : member_masks()) {
    const auto results = DeviceArray<u32>::zeros(kLanes);
    run_kernel(active_mask_kernel, 1, kLanes, branch, results.data());
    Checks("activemask.b32").same_elements(results.read(), bits_of(branch));
  }
}

}  // namespace
}  // namespace emulator::self_test
