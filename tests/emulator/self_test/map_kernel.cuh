#ifndef ARLOSS_TESTS_EMULATOR_SELF_TEST_MAP_KERNEL_CUH
#define ARLOSS_TESTS_EMULATOR_SELF_TEST_MAP_KERNEL_CUH

#include <tuple>
#include <vector>

#include "self_test/checks.h"
#include "self_test/device_array.h"

/// Checks of instructions that work on one thread's registers. An operation is a struct with the name of its
/// instruction, what the device does and what the ISA says it must give:
///   static constexpr const char* kName;
///   static __device__ Result device(Arguments...);
///   static Result host(Arguments...);
namespace emulator::self_test {

/// results[i] = Operation::device(arguments[i]...)
template <class Operation, class Result, class... Arguments>
__global__ void map_kernel(int count, Result* results, const Arguments*... arguments) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) results[i] = Operation::device(arguments[i]...);
}

/// One vector per argument, all of one length.
template <class... Arguments>
using Table = std::tuple<std::vector<Arguments>...>;

template <class A>
Table<A> table_of(const std::vector<A>& as) {
  return {as};
}

/// Every pair.
template <class A, class B>
Table<A, B> pairs_of(const std::vector<A>& as, const std::vector<B>& bs) {
  Table<A, B> table;
  for (const A& a : as) {
    for (const B& b : bs) {
      std::get<0>(table).push_back(a);
      std::get<1>(table).push_back(b);
    }
  }
  return table;
}

/// Every triple.
template <class A, class B, class C>
Table<A, B, C> triples_of(const std::vector<A>& as, const std::vector<B>& bs, const std::vector<C>& cs) {
  Table<A, B, C> table;
  for (const A& a : as) {
    for (const B& b : bs) {
      for (const C& c : cs) {
        std::get<0>(table).push_back(a);
        std::get<1>(table).push_back(b);
        std::get<2>(table).push_back(c);
      }
    }
  }
  return table;
}

/// What the device gives for every row.
template <class Operation, class Result, class... Arguments>
std::vector<Result> map_on_device(const std::vector<Arguments>&... columns) {
  const std::size_t count = std::get<0>(std::tie(columns...)).size();
  const DeviceArray<Result> results(count);
  const std::tuple<DeviceArray<Arguments>...> arguments(columns...);
  constexpr unsigned kThreads = 128;
  std::apply(
      [&](const auto&... array) {
        run_kernel(map_kernel<Operation, Result, Arguments...>,
                   (static_cast<unsigned>(count) + kThreads - 1) / kThreads, kThreads, static_cast<int>(count),
                   results.data(), array.data()...);
      },
      arguments);
  return results.read();
}

/// "(0x00000001, 0x00000002)"
template <class First, class... Rest>
std::string text_of_arguments(First first, Rest... rest) {
  std::string result = "(" + text(first);
  ((result += ", " + text(rest)), ...);
  return result + ")";
}

/// Every row's result equals Operation::host, bit by bit.
template <class Operation, class... Arguments>
void check_exact(const Table<Arguments...>& table) {
  std::apply(
      [](const auto&... columns) {
        using Result = decltype(Operation::host(Arguments{}...));
        const auto got = map_on_device<Operation, Result>(columns...);
        Checks checks(Operation::kName);
        for (std::size_t i = 0; i < got.size(); ++i)
          checks.same(got[i], Operation::host(columns[i]...), [&] { return text_of_arguments(columns[i]...); });
      },
      table);
}

/// The same table for several operations.
template <class... Operations, class... Arguments>
void check_all(const Table<Arguments...>& table) {
  (check_exact<Operations>(table), ...);
}

/// In place of host: Operation::exact(argument) is the exact value, Operation::tolerance(exact, argument) how far from
/// it the float may be that Operation::device gives.
template <class Operation>
void check_bounded(const std::vector<float>& arguments) {
  const auto got = map_on_device<Operation, float>(arguments);
  Checks checks(Operation::kName);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const long double exact = Operation::exact(arguments[i]);
    checks.close(got[i], exact, Operation::tolerance(exact, arguments[i]),
                 [&] { return text_of_arguments(arguments[i]); });
  }
}

}  // namespace emulator::self_test

#endif
