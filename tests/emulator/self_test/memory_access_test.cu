#include <gtest/gtest.h>

#include <numeric>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/values.h"

/// Loads and stores: sizes, vectors, sign extension, state spaces by generic addresses, and variables of the module.
namespace emulator::self_test {
namespace {

constexpr int kThreads = 64;

template <class T>
std::vector<T> counting(std::size_t count, T first = T{1}) {
  std::vector<T> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

// ---- vectors

template <class Vector>
__global__ void reverse_kernel(const Vector* in, Vector* out) {
  __shared__ Vector staged[kThreads];
  staged[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = staged[kThreads - 1 - threadIdx.x];
}

/// Whole vectors through global and shared memory, moved to the place of their mirror image.
template <class Vector, class T, int kWidth>
void check_vectors(const char* name) {
  const std::vector<T> values = counting<T>(kThreads * kWidth);
  const DeviceArray<T> in(values), out(values.size());
  run_kernel(reverse_kernel<Vector>, 1, kThreads, reinterpret_cast<const Vector*>(in.data()),
             reinterpret_cast<Vector*>(out.data()));
  std::vector<T> wanted(values.size());
  for (std::size_t i = 0; i < kThreads; ++i)
    for (std::size_t j = 0; j < kWidth; ++j) wanted[i * kWidth + j] = values[(kThreads - 1 - i) * kWidth + j];
  Checks(name).same_elements(out.read(), wanted);
}

TEST(MemoryAccess, Vectors) {
  check_vectors<float2, float, 2>("ld.v2.f32");
  check_vectors<float4, float, 4>("ld.v4.f32");
  check_vectors<uint4, u32, 4>("ld.v4.u32");
  check_vectors<double2, double, 2>("ld.v2.f64");
  check_vectors<ulonglong2, u64, 2>("ld.v2.u64");
  check_vectors<short4, s16, 4>("ld.v4.u16");
  check_vectors<uchar4, u8, 4>("ld.v4.u8");
  check_vectors<char2, s8, 2>("ld.v2.s8");
}

// ---- bytes and shorts: extended by their sign when loaded, cut when stored

__global__ void extend_kernel(const s8* bytes, const u16* shorts, s64* wide, u8* cut) {
  const u32 i = threadIdx.x;
  const s32 signed_byte = bytes[i], unsigned_byte = reinterpret_cast<const u8*>(bytes)[i];
  const s32 signed_short = reinterpret_cast<const s16*>(shorts)[i], unsigned_short = shorts[i];
  wide[4 * i] = signed_byte;
  wide[4 * i + 1] = unsigned_byte;
  wide[4 * i + 2] = signed_short;
  wide[4 * i + 3] = unsigned_short;
  cut[i] = static_cast<u8>(unsigned_short + 3);
}

TEST(MemoryAccess, SignExtension) {
  const auto bytes = counting<s8>(kThreads, static_cast<s8>(100));  // past 127 they turn negative
  const auto shorts = counting<u16>(kThreads, static_cast<u16>(32740));
  const DeviceArray<s8> device_bytes(bytes);
  const DeviceArray<u16> device_shorts(shorts);
  const DeviceArray<s64> wide(4 * kThreads);
  const DeviceArray<u8> cut(kThreads);
  run_kernel(extend_kernel, 1, kThreads, device_bytes.data(), device_shorts.data(), wide.data(), cut.data());
  std::vector<s64> wanted;
  std::vector<u8> wanted_cut;
  for (std::size_t i = 0; i < kThreads; ++i) {
    wanted.insert(wanted.end(), {bytes[i], static_cast<u8>(bytes[i]), static_cast<s16>(shorts[i]), shorts[i]});
    wanted_cut.push_back(static_cast<u8>(shorts[i] + 3));
  }
  Checks("ld.s8, ld.u8, ld.s16, ld.u16").same_elements(wide.read(), wanted);
  Checks("st.u8").same_elements(cut.read(), wanted_cut);
}

// ---- cache operators and volatile

__global__ void cached_kernel(const float4* in, float* out, volatile float* shared_again) {
  const u32 i = threadIdx.x;
  const float4 v = __ldg(in + i);
  out[i] = v.x + v.y + __ldcs(&in[i].z) + __ldcg(&in[i].w);
  shared_again[i] = v.x;
  __stcs(out + kThreads + i, shared_again[i] * 2);
  __stcg(out + 2 * kThreads + i, v.w);
}

TEST(MemoryAccess, CacheOperatorsAndVolatile) {
  const auto values = counting<float>(4 * kThreads);
  const DeviceArray<float> in(values), out(3 * kThreads), again(kThreads);
  run_kernel(cached_kernel, 1, kThreads, reinterpret_cast<const float4*>(in.data()), out.data(), again.data());
  std::vector<float> wanted(3 * kThreads);
  for (std::size_t i = 0; i < kThreads; ++i) {
    wanted[i] = std::accumulate(values.begin() + 4 * i, values.begin() + 4 * i + 4, 0.0f);
    wanted[kThreads + i] = values[4 * i] * 2;
    wanted[2 * kThreads + i] = values[4 * i + 3];
  }
  Checks("ld.global.nc, .cs, .cg, volatile").same_elements(out.read(), wanted);
}

// ---- generic addresses: one function, whatever memory its argument lies in

__device__ __noinline__ float sum_of_four(const float* values) { return values[0] + values[1] + values[2] + values[3]; }
__device__ __noinline__ void add_to(float* value, float amount) { *value += amount; }
__constant__ float constant_four[4] = {10.0f, 20.0f, 30.0f, 40.0f};

__global__ void generic_kernel(float* global, float* out) {
  __shared__ float shared[4];
  float local[4];
  for (int i = 0; i < 4; ++i) local[i] = global[i] * 3;
  if (threadIdx.x < 4) shared[threadIdx.x] = global[threadIdx.x] * 2;
  __syncthreads();
  add_to(&local[1], static_cast<float>(threadIdx.x));
  if (threadIdx.x == 0) add_to(&shared[2], 100.0f);
  __syncthreads();
  out[threadIdx.x * 4] = sum_of_four(global);
  out[threadIdx.x * 4 + 1] = sum_of_four(shared);
  out[threadIdx.x * 4 + 2] = sum_of_four(local);
  out[threadIdx.x * 4 + 3] = sum_of_four(constant_four);
}

TEST(MemoryAccess, GenericAddresses) {
  const DeviceArray<float> global(counting<float>(4)), out(4 * kThreads);
  run_kernel(generic_kernel, 1, kThreads, global.data(), out.data());
  std::vector<float> wanted;
  for (std::size_t i = 0; i < kThreads; ++i)
    wanted.insert(wanted.end(), {10.0f, 120.0f, 30.0f + static_cast<float>(i), 100.0f});
  Checks("ld and st by generic address").same_elements(out.read(), wanted);
}

/// Which space a generic address lies in, and the way there and back.
__global__ void space_kernel(u32* out, const u32* global) {
  __shared__ u32 shared[2];
  u32 local[2] = {threadIdx.x, 7};
  shared[0] = 5;
  shared[1] = 6;
  const u32* const pointers[] = {shared, local, global};
  for (u32 i = 0; i < 3; ++i)
    out[i] = (__isShared(pointers[i]) != 0 ? 1u : 0u) | (__isLocal(pointers[i]) != 0 ? 2u : 0u) |
             (__isGlobal(pointers[i]) != 0 ? 4u : 0u);
  u32 through_shared;
  asm volatile("ld.shared.u32 %0, [%1];"
               : "=r"(through_shared)
               : "r"(static_cast<u32>(__cvta_generic_to_shared(shared + 1))));
  out[3] = through_shared + *static_cast<const u32*>(__cvta_shared_to_generic(__cvta_generic_to_shared(shared)));
}

TEST(MemoryAccess, SpacesOfGenericAddresses) {
  const DeviceArray<u32> out(4), global(1);
  run_kernel(space_kernel, 1, 1, out.data(), global.data());
  Checks("isspacep and cvta").same_elements(out.read(), {1u, 2u, 4u, 11u});
}

/// Indices the compiler cannot know keep the array in local memory.
__global__ void local_array_kernel(const u32* indices, u32* out) {
  u32 table[32];
  u8 bytes[16];
  for (u32 i = 0; i < 32; ++i) table[i] = i * i + threadIdx.x;
  for (u32 i = 0; i < 16; ++i) bytes[i] = static_cast<u8>(250 + i);
  const u32 index = indices[threadIdx.x];
  table[index] += 1000;
  out[2 * threadIdx.x] = table[(index + 1) & 31] + table[index];
  out[2 * threadIdx.x + 1] = bytes[index & 15];
}

TEST(MemoryAccess, LocalArrays) {
  const std::vector<u32> words = random_words(kThreads, 15);
  std::vector<u32> indices, wanted;
  for (u32 i = 0; i < kThreads; ++i) {
    const u32 index = words[i] & 31, next = (index + 1) & 31;
    indices.push_back(index);
    wanted.push_back(next * next + i + index * index + i + 1000);
    wanted.push_back(static_cast<u8>(250 + (index & 15)));
  }
  const DeviceArray<u32> device_indices(indices), out(2 * kThreads);
  run_kernel(local_array_kernel, 1, kThreads, device_indices.data(), out.data());
  Checks("ld.local and st.local").same_elements(out.read(), wanted);
}

// ---- variables of the module

struct Settings {
  float scale;
  int offsets[3];
};
__constant__ Settings constant_settings = {0.5f, {1, 2, 3}};
__device__ int counters[4] = {10, 20, 30, 40};
__device__ const int* pointer_to_last_counter = &counters[3];  // which no thread changes
__device__ float zeroed[3];

__global__ void variables_kernel(float* out) {
  const u32 i = threadIdx.x;
  out[i] = constant_settings.scale * static_cast<float>(constant_settings.offsets[i] + counters[i]) + zeroed[i] +
           static_cast<float>(*pointer_to_last_counter);
  counters[i] += 1;
}

std::vector<float> run_variables_kernel() {
  const DeviceArray<float> out(3);
  run_kernel(variables_kernel, 1, 3, out.data());
  return out.read();
}

TEST(MemoryAccess, ModuleVariables) {
  Checks checks("__constant__ and __device__ variables");
  checks.same_elements(run_variables_kernel(), {0.5f * 11 + 40, 0.5f * 22 + 40, 0.5f * 33 + 40});

  int counted[4] = {};
  require_success(cudaMemcpyFromSymbol(counted, counters, sizeof counted), "cudaMemcpyFromSymbol");
  checks.same_elements(std::vector<int>(counted, counted + 4), {11, 21, 31, 40});

  const Settings changed = {2.0f, {-1, -2, -3}};
  require_success(cudaMemcpyToSymbol(constant_settings, &changed, sizeof changed), "cudaMemcpyToSymbol");
  const int one_counter = 7;
  require_success(cudaMemcpyToSymbol(counters, &one_counter, sizeof one_counter, sizeof(int)), "with an offset");
  checks.same_elements(run_variables_kernel(), {2.0f * 10 + 40, 2.0f * 5 + 40, 2.0f * 28 + 40});

  void* address = nullptr;
  require_success(cudaGetSymbolAddress(&address, counters), "cudaGetSymbolAddress");
  require_success(cudaMemcpy(counted, address, sizeof counted, cudaMemcpyDeviceToHost), "cudaMemcpy of a symbol");
  checks.same_elements(std::vector<int>(counted, counted + 4), {12, 8, 32, 40});
}

// ---- unaligned structures pass through parameters unharmed

struct Mixed {
  s8 small;
  double large;
  u16 shorts[3];
  const float* pointer;
};

__global__ void parameter_kernel(s8 first, Mixed mixed, u16 second, double* out) {
  out[0] = first;
  out[1] = mixed.small;
  out[2] = mixed.large;
  out[3] = mixed.shorts[threadIdx.x + 1];
  out[4] = mixed.pointer[1];
  out[5] = second;
}

TEST(MemoryAccess, Parameters) {
  const DeviceArray<float> values(std::vector<float>{1.5f, 2.5f});
  const DeviceArray<double> out(6);
  const Mixed mixed = {-5, 0.1, {1, 65535, 3}, values.data()};
  run_kernel(parameter_kernel, 1, 1, s8{-7}, mixed, u16{40000}, out.data());
  Checks("ld.param").same_elements(out.read(), {-7.0, -5.0, 0.1, 65535.0, 2.5, 40000.0});
}

}  // namespace
}  // namespace emulator::self_test
