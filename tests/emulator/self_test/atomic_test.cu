#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/expected_reports.h"
#include "self_test/values.h"

/// Atomics of 32 and 64 bits in global and in shared memory: what is stored in the end, and what every thread got back.
namespace emulator::self_test {
namespace {

constexpr int kThreads = 96;

/// Operation::apply(cell, value) by every thread on one cell: the old values it returns, and what each step left
/// behind.
template <class Operation, class T>
__global__ void atomic_kernel(T* cell, const T* values, T* befores, T* afters, bool is_in_shared) {
  __shared__ T shared_cell;
  const u32 i = threadIdx.x;
  if (i == 0) shared_cell = *cell;
  __syncthreads();
  const T old = Operation::apply(is_in_shared ? &shared_cell : cell, values[i]);
  befores[i] = old;
  afters[i] = Operation::join(old, values[i]);
  __syncthreads();
  if (is_in_shared && i == 0) *cell = shared_cell;
}

/// The order of the threads is open: sorted on the device, so that the host never sees it.
template <class T>
__global__ void sort_kernel(T* values, int count) {
  for (int i = 1; i < count; ++i) {
    const T value = values[i];
    int place = i;
    for (; place > 0 && value < values[place - 1]; --place) values[place] = values[place - 1];
    values[place] = value;
  }
}

template <class T>
std::vector<T> read_sorted(const DeviceArray<T>& values) {
  run_kernel(sort_kernel<T>, 1, 1, values.data(), static_cast<int>(values.size()));
  return values.read();
}

struct Add {
  static constexpr const char* kName = "atom.add";
  template <class T>
  static __device__ T apply(T* cell, T value) {
    return atomicAdd(cell, value);
  }
  template <class T>
  static __host__ __device__ T join(T a, T b) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
  }
};
struct Smaller {
  static constexpr const char* kName = "atom.min";
  template <class T>
  static __device__ T apply(T* cell, T value) {
    return atomicMin(cell, value);
  }
  template <class T>
  static __host__ __device__ T join(T a, T b) {
    return a < b ? a : b;
  }
};
struct Larger {
  static constexpr const char* kName = "atom.max";
  template <class T>
  static __device__ T apply(T* cell, T value) {
    return atomicMax(cell, value);
  }
  template <class T>
  static __host__ __device__ T join(T a, T b) {
    return a < b ? b : a;
  }
};
struct And {
  static constexpr const char* kName = "atom.and";
  template <class T>
  static __device__ T apply(T* cell, T value) {
    return atomicAnd(cell, value);
  }
  template <class T>
  static __host__ __device__ T join(T a, T b) {
    return a & b;
  }
};
struct Or {
  static constexpr const char* kName = "atom.or";
  template <class T>
  static __device__ T apply(T* cell, T value) {
    return atomicOr(cell, value);
  }
  template <class T>
  static __host__ __device__ T join(T a, T b) {
    return a | b;
  }
};
struct Xor {
  static constexpr const char* kName = "atom.xor";
  template <class T>
  static __device__ T apply(T* cell, T value) {
    return atomicXor(cell, value);
  }
  template <class T>
  static __host__ __device__ T join(T a, T b) {
    return a ^ b;
  }
};

/// Each step begins with what the last one left: the values before all steps and in the end are the initial value and
/// those after all steps.
template <class T>
bool is_chain(T initial, std::vector<T> befores, std::vector<T> afters, T final) {
  befores.push_back(final);
  afters.push_back(initial);
  std::sort(befores.begin(), befores.end());
  std::sort(afters.begin(), afters.end());
  return befores == afters;
}

template <class Operation, class T>
void check_atomic(T initial, const std::vector<T>& values) {
  Checks checks(Operation::kName);
  T wanted = initial;
  for (const T value : values) wanted = Operation::join(wanted, value);
  for (const bool is_in_shared : {false, true}) {
    const auto where = [&] {
      return std::to_string(8 * sizeof(T)) + " bits in " + (is_in_shared ? "shared" : "global") + " memory";
    };
    const DeviceArray<T> cell(std::vector<T>{initial}), inputs(values), befores(kThreads), afters(kThreads);
    run_kernel(atomic_kernel<Operation, T>, 1, kThreads, cell.data(), inputs.data(), befores.data(), afters.data(),
               is_in_shared);
    const T final = cell.read()[0];
    checks.same(final, wanted, where);
    checks.same(is_chain(initial, read_sorted(befores), read_sorted(afters), final), true,
                [&] { return where() + ", values returned"; });
  }
}

template <class T>
std::vector<T> atomic_values() {
  const std::vector<u32> words = random_words(2 * kThreads, 16);
  std::vector<T> values(kThreads);
  for (std::size_t i = 0; i < kThreads; ++i) values[i] = static_cast<T>(u64{words[2 * i]} << 32 | words[2 * i + 1]);
  return values;
}

template <class T>
void check_integer_atomics() {
  const std::vector<T> values = atomic_values<T>();
  check_atomic<Add, T>(5, values);
  check_atomic<Smaller, T>(5, values);
  check_atomic<Larger, T>(5, values);
}

template <class T>
void check_bit_atomics() {
  std::vector<T> with_holes = atomic_values<T>(), sparse = with_holes;
  for (std::size_t i = 0; i < kThreads; ++i) {
    with_holes[i] = static_cast<T>(~(T{1} << (i % 24)));
    sparse[i] = static_cast<T>(T{1} << (i % 29));
  }
  check_atomic<And, T>(static_cast<T>(~T{0}), with_holes);
  check_atomic<Or, T>(0, sparse);
  check_atomic<Xor, T>(9, atomic_values<T>());
}

TEST(Atomics, Integers) {
  check_integer_atomics<u32>();
  check_integer_atomics<unsigned long long>();
}

/// Signed ones have no 64-bit sum.
TEST(Atomics, SignedIntegers) {
  const std::vector<s32> values = atomic_values<s32>();
  check_atomic<Add, s32>(5, values);
  check_atomic<Smaller, s32>(5, values);
  check_atomic<Larger, s32>(5, values);
  check_atomic<Smaller, long long>(5, atomic_values<long long>());
  check_atomic<Larger, long long>(5, atomic_values<long long>());
}

TEST(Atomics, Bits) {
  check_bit_atomics<u32>();
  check_bit_atomics<unsigned long long>();
}

// ---- exchange: a chain in which every value is handed on once

template <class T>
__global__ void exchange_kernel(T* cells, T* olds) {
  olds[threadIdx.x] = atomicExch(cells, static_cast<T>(100 + threadIdx.x));
  __syncthreads();
  if (threadIdx.x == 0) olds[kThreads] = *cells;
}

template <class T>
void check_exchange() {
  const DeviceArray<T> cell(std::vector<T>{7}), olds(kThreads + 1);
  run_kernel(exchange_kernel<T>, 1, kThreads, cell.data(), olds.data());
  std::vector<T> wanted(kThreads + 1, T{7});
  std::iota(wanted.begin() + 1, wanted.end(), T{100});
  Checks("atom.exch").same_elements(read_sorted(olds), wanted);
}

TEST(Atomics, Exchange) {
  check_exchange<u32>();
  check_exchange<unsigned long long>();
  check_exchange<float>();
}

// ---- counters that wrap

struct Increment {
  static constexpr const char* kName = "atom.inc";
  static __device__ u32 apply(u32* cell, u32 limit) { return atomicInc(cell, limit); }
  static __host__ __device__ u32 join(u32 old, u32 limit) { return old >= limit ? 0 : old + 1; }
};
struct Decrement {
  static constexpr const char* kName = "atom.dec";
  static __device__ u32 apply(u32* cell, u32 limit) { return atomicDec(cell, limit); }
  static __host__ __device__ u32 join(u32 old, u32 limit) { return old == 0 || old > limit ? limit : old - 1; }
};

TEST(Atomics, WrappingCounters) {
  for (const u32 initial : {0u, 3u, 50u, 1000u}) {
    check_atomic<Increment, u32>(initial, std::vector<u32>(kThreads, 40));
    check_atomic<Decrement, u32>(initial, std::vector<u32>(kThreads, 40));
  }
}

// ---- compare and swap: a product by hand, which needs every thread's turn

template <class T>
__global__ void multiply_by_swap_kernel(T* cell) {
  T old = atomicAdd(cell, T{0}), assumed;
  do {
    assumed = old;
    old = atomicCAS(cell, assumed, assumed * 3);
  } while (old != assumed);
}

__global__ void swap_short_kernel(unsigned short* cells, unsigned short* olds) {
  const u32 i = threadIdx.x;
  olds[i] = atomicCAS(cells + i, static_cast<unsigned short>(i % 3), static_cast<unsigned short>(i + 100));
}

template <class T>
void check_compare_and_swap() {
  const DeviceArray<T> cell(std::vector<T>{1});
  run_kernel(multiply_by_swap_kernel<T>, 2, kThreads, cell.data());
  T wanted = 1;
  for (int i = 0; i < 2 * kThreads; ++i) wanted *= 3;
  Checks("atom.cas").same_elements(cell.read(), {wanted});
}

TEST(Atomics, CompareAndSwap) {
  check_compare_and_swap<u32>();
  check_compare_and_swap<unsigned long long>();

  std::vector<unsigned short> initial(kThreads, 1), wanted(kThreads, 1);
  for (std::size_t i = 1; i < kThreads; i += 3) wanted[i] = static_cast<unsigned short>(i + 100);
  const DeviceArray<unsigned short> cells(initial), olds(kThreads);
  run_kernel(swap_short_kernel, 1, kThreads, cells.data(), olds.data());
  Checks checks("atom.cas.b16");
  checks.same_elements(cells.read(), wanted);
  checks.same_elements(olds.read(), initial);
}

// ---- sums of floats: small integers, so that every order gives the same; the emulator notes each use

template <class T>
__global__ void add_floats_kernel(T* cells, T* olds) {
  const T one = static_cast<T>(1.0f);
  olds[threadIdx.x] = atomicAdd(cells, one);  // the result is used: atom
  atomicAdd(cells + 1, one + one);            // and not: red
}

__global__ void add_half_pairs_kernel(__half2* cell) { atomicAdd(cell, __floats2half2_rn(1.0f, 2.0f)); }

template <class T>
void check_float_sums(const char* name) {
  const DeviceArray<T> cells(std::vector<T>(2)), olds(kThreads);
  run_kernel(add_floats_kernel<T>, 1, kThreads, cells.data(), olds.data());
  std::vector<T> wanted(kThreads);
  std::iota(wanted.begin(), wanted.end(), T{0});
  Checks checks(name);
  checks.same_elements(read_sorted(olds), wanted);
  checks.same_elements(cells.read(), {T{kThreads}, T{2 * kThreads}});
}

TEST(Atomics, FloatSums) {
  const ExpectedReports reports;
  check_float_sums<float>("atom.add.f32");
  check_float_sums<double>("atom.add.f64");

  const auto pair = DeviceArray<u32>::zeros(1);
  run_kernel(add_half_pairs_kernel, 1, kThreads, reinterpret_cast<__half2*>(pair.data()));
  const u32 sums = pair.read()[0];
  Checks checks("atom.add.noftz.f16x2");
  checks.same(Half{static_cast<u16>(sums)}, to_half(kThreads), [] { return "lower"; });
  checks.same(Half{static_cast<u16>(sums >> 16)}, to_half(2 * kThreads), [] { return "upper"; });
}

}  // namespace
}  // namespace emulator::self_test
