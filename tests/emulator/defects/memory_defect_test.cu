#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "defects/reports.h"
#include "self_test/device_array.h"

/// Accesses to memory that is gone, not there, not written, not aligned, or another thread's; each beside a twin that
/// is right.
namespace emulator::defects {
namespace {

constexpr const char* kFile = "memory_defect_test.cu";
constexpr unsigned kThreads = 64;

class MemoryDefect : public ReportTest {};

__global__ void read_kernel(const float* in, float* out) { out[threadIdx.x] = in[threadIdx.x] * 2; }

// ---- lifetimes

void read_from(const float* in) {
  const DeviceArray<float> out(kThreads);
  run_kernel(read_kernel, 1, kThreads, in, out.data());
}

float* allocate_zeros() {
  float* data = nullptr;
  require_success(cudaMalloc(reinterpret_cast<void**>(&data), kThreads * sizeof(float)), "cudaMalloc");
  require_success(cudaMemset(data, 0, kThreads * sizeof(float)), "cudaMemset");
  return data;
}

TEST_F(MemoryDefect, UseAfterFree) {
  expect_silence([] {
    float* const data = allocate_zeros();
    read_from(data);
    require_success(cudaFree(data), "cudaFree");
  });
  expect_report("OutOfBounds", kFile, [] {
    float* const data = allocate_zeros();
    require_success(cudaFree(data), "cudaFree");
    read_from(data);
  });
}

TEST_F(MemoryDefect, FreedTwice) {
  expect_report("Api", "", [] {
    float* const data = allocate_zeros();
    EXPECT_EQ(cudaFree(data), cudaSuccess);
    EXPECT_EQ(cudaFree(data), cudaErrorInvalidValue);
  });
}

TEST_F(MemoryDefect, FreedInTheMiddle) {
  expect_report("Api", "", [] {
    float* const data = allocate_zeros();
    EXPECT_EQ(cudaFree(data + 4), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(data), cudaSuccess);
  });
}

// ---- what was never written

template <bool kIsDefective>
void read_new_memory() {
  const DeviceArray<float> in(kThreads), out(kThreads);
  if (!kIsDefective) require_success(cudaMemset(in.data(), 0, kThreads * sizeof(float)), "cudaMemset");
  run_kernel(read_kernel, 1, kThreads, in.data(), out.data());
}

TEST_F(MemoryDefect, ReadOfNewGlobalMemory) {
  expect_silence(read_new_memory<false>);
  expect_report("UninitialisedGlobal", kFile, read_new_memory<true>);
}

/// Shared memory does not outlive a block: what block 0 wrote is nothing to block 1.
template <bool kIsDefective>
__global__ void inherit_kernel(float* out) {
  __shared__ float values[kThreads];
  if (blockIdx.x == 0 || !kIsDefective) values[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * kThreads + threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

template <bool kIsDefective>
void inherit_shared_memory() {
  const DeviceArray<float> out(2 * kThreads);
  run_kernel(inherit_kernel<kIsDefective>, 2, kThreads, out.data());
}

TEST_F(MemoryDefect, ReadOfAnotherBlocksSharedMemory) {
  expect_silence(inherit_shared_memory<false>);
  expect_report("UninitialisedShared", kFile, inherit_shared_memory<true>);
}

// ---- bounds, alignment, host pointers

__global__ void write_kernel(float* out, int offset) { out[static_cast<int>(threadIdx.x) + offset] = 1; }

void write_with_offset(int offset) {
  const DeviceArray<float> neighbour_before(kThreads), out(kThreads), neighbour_after(kThreads);
  run_kernel(write_kernel, 1, kThreads, out.data(), offset);
}

TEST_F(MemoryDefect, WriteBesideAnAllocation) {
  expect_silence([] { write_with_offset(0); });
  expect_report("OutOfBounds", kFile, [] { write_with_offset(1); });
  expect_report("OutOfBounds", kFile, [] { write_with_offset(-1); });
}

__global__ void null_kernel(float* out) { out[threadIdx.x] = 1; }

TEST_F(MemoryDefect, NullPointer) {
  const KeptReports reports = [] {
    try {
      run_kernel(null_kernel, 1, 1, nullptr);
    } catch (const std::runtime_error&) {
      // The report says why.
    }
    return take_reports();
  }();
  EXPECT_TRUE(has_report(reports, "HostPointer", kFile) || has_report(reports, "OutOfBounds", kFile))
      << text_of(reports);
}

__global__ void vector_kernel(const float* in, int offset, float4* out) {
  out[threadIdx.x] = *reinterpret_cast<const float4*>(in + 4 * threadIdx.x + offset);
}

void load_vectors(int offset) {
  const auto in = DeviceArray<float>::zeros(4 * kThreads + 4);
  const DeviceArray<float4> out(kThreads);
  run_kernel(vector_kernel, 1, kThreads, in.data(), offset, out.data());
}

TEST_F(MemoryDefect, MisalignedVector) {
  expect_silence([] { load_vectors(4); });
  expect_report("Misaligned", kFile, [] { load_vectors(1); });
}

// ---- bytes

enum class Store { kOwnByte, kWordOverAll, kPairOverNeighbour };

/// Every thread writes its byte; in the defects some write more than that.
template <Store kStore>
__device__ void store_bytes(unsigned char* bytes) {
  const unsigned i = threadIdx.x;
  if (kStore == Store::kWordOverAll && i == 0)
    *reinterpret_cast<unsigned*>(bytes) = 0x01020304;
  else if (kStore == Store::kPairOverNeighbour && i % 2 == 0)
    *reinterpret_cast<unsigned short*>(bytes + i) = 0x0102;
  else
    bytes[i] = static_cast<unsigned char>(i);
}

template <Store kStore>
__global__ void bytes_kernel(unsigned char* global) {
  __shared__ __align__(4) unsigned char shared[kThreads];
  store_bytes<kStore>(shared);
  store_bytes<kStore>(global);
  __syncthreads();
  global[kThreads + threadIdx.x] = shared[threadIdx.x];
}

template <Store kStore>
void store_bytes_everywhere() {
  const DeviceArray<unsigned char> global(2 * kThreads);
  run_kernel(bytes_kernel<kStore>, 1, kThreads, global.data());
}

TEST_F(MemoryDefect, OverlappingBytes) {
  expect_silence(store_bytes_everywhere<Store::kOwnByte>);
  expect_reports({"SharedRace", "GlobalRace"}, kFile, store_bytes_everywhere<Store::kWordOverAll>);
  expect_reports({"SharedRace", "GlobalRace"}, kFile, store_bytes_everywhere<Store::kPairOverNeighbour>);
}

// ---- order of additions

template <class T>
__global__ void sum_kernel(T* sum) {
  atomicAdd(sum, static_cast<T>(threadIdx.x));
}

template <class T>
void sum_by_atomics() {
  const auto sum = DeviceArray<T>::zeros(1);
  run_kernel(sum_kernel<T>, 1, kThreads, sum.data());
}

TEST_F(MemoryDefect, FloatAtomics) {
  expect_silence(sum_by_atomics<int>);
  expect_report("FloatAtomic", kFile, sum_by_atomics<float>);
  expect_report("FloatAtomic", kFile, sum_by_atomics<double>);
}

// ---- another thread's variables

template <bool kIsDefective>
__global__ void escape_kernel(const int* in, int* out) {
  __shared__ int shared[kThreads];
  __shared__ const int* pointers[kThreads];
  const unsigned i = threadIdx.x;
  int local = in[i];
  shared[i] = local;
  pointers[i] = kIsDefective ? &local : &shared[i];
  __syncthreads();
  out[i] = *pointers[kThreads - 1 - i];
  __syncthreads();
}

template <bool kIsDefective>
void pass_pointers() {
  const auto in = DeviceArray<int>::zeros(kThreads);
  const DeviceArray<int> out(kThreads);
  run_kernel(escape_kernel<kIsDefective>, 1, kThreads, in.data(), out.data());
}

TEST_F(MemoryDefect, LocalVariableOfAnotherThread) {
  expect_silence(pass_pointers<false>);
  expect_report("LocalEscape", kFile, pass_pointers<true>);
}

// ---- cp.async

template <bool kWaits>
__global__ void copy_kernel(const float4* in, float4* out) {
  __shared__ float4 staged[kThreads];
  const unsigned i = threadIdx.x;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\ncp.async.commit_group;" ::"r"(
                   static_cast<std::uint32_t>(__cvta_generic_to_shared(&staged[i]))),
               "l"(in + i)
               : "memory");
  if (kWaits) {
    asm volatile("cp.async.wait_group 0;" ::: "memory");
    out[i] = staged[i];
  } else {
    out[i] = in[i];
  }
}

template <bool kWaits>
void copy_by_threads(const float4* host) {
  const std::vector<float4> values(kThreads);
  const DeviceArray<float4> in(values), out(kThreads);
  run_kernel(copy_kernel<kWaits>, 1, kThreads, host != nullptr ? host : in.data(), out.data());
}

TEST_F(MemoryDefect, CopyInFlightAtExit) {
  expect_silence([] { copy_by_threads<true>(nullptr); });
  expect_report("AsyncCopy", kFile, [] { copy_by_threads<false>(nullptr); });
}

TEST_F(MemoryDefect, CopyOfHostMemory) {
  const std::vector<float4> host(kThreads);
  expect_report("HostPointer", kFile, [&] { copy_by_threads<true>(host.data()); });
}

/// cp.async orders only for the thread that waits: the others need a barrier after it.
template <bool kIsDefective>
__global__ void copy_for_others_kernel(const float4* in, float4* out) {
  __shared__ float4 staged[kThreads];
  const unsigned i = threadIdx.x;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\ncp.async.wait_all;" ::"r"(
                   static_cast<std::uint32_t>(__cvta_generic_to_shared(&staged[i]))),
               "l"(in + i)
               : "memory");
  if (!kIsDefective) __syncthreads();
  out[i] = staged[kThreads - 1 - i];
}

template <bool kIsDefective>
void copy_for_others() {
  const std::vector<float4> values(kThreads);
  const DeviceArray<float4> in(values), out(kThreads);
  run_kernel(copy_for_others_kernel<kIsDefective>, 1, kThreads, in.data(), out.data());
}

TEST_F(MemoryDefect, CopyReadByOthersWithoutABarrier) {
  expect_silence(copy_for_others<false>);
  for (const std::uint64_t seed : kSeeds) {
    set_schedule(seed);
    copy_for_others<true>();
    const KeptReports reports = take_reports();
    EXPECT_TRUE(has_report(reports, "SharedRace", kFile) || has_report(reports, "AsyncCopy", kFile))
        << "under seed " << seed << ", " << text_of(reports);
  }
}

}  // namespace
}  // namespace emulator::defects
