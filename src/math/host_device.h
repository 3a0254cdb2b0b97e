#ifndef ARLOSS_MATH_HOST_DEVICE_H
#define ARLOSS_MATH_HOST_DEVICE_H

/// Marks a formula that both the CPU backend and CUDA kernels call.
#ifdef __CUDACC__
#define ARLOSS_HOST_DEVICE __host__ __device__
#else
#define ARLOSS_HOST_DEVICE
#endif

#endif
