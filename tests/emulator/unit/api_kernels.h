#ifndef ARLOSS_TESTS_EMULATOR_UNIT_API_KERNELS_H
#define ARLOSS_TESTS_EMULATOR_UNIT_API_KERNELS_H

#include <cuda_runtime_api.h>

namespace emulator {

/// data[i] += value for i < count, by one block of 64 threads.
void add_value(int* data, int count, int value, cudaStream_t stream = nullptr);
/// to[i] = from[i] for i < count, likewise.
void copy_ints(const int* from, int* to, int count, cudaStream_t stream = nullptr);

/// The kernels themselves, for calls that name one: (int*, int, int) as above.
const void* add_value_kernel();
/// No parameters, 1024 bytes of static shared memory and blocks of at most 128 threads.
const void* bounded_kernel();

/// int[4], zeros.
const void* device_symbol();
/// int[2], {5, 7}.
const void* constant_symbol();

}  // namespace emulator

#endif
