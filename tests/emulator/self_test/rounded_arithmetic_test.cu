#include <gtest/gtest.h>

#include "self_test/host_arithmetic.h"
#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// add, mul, fma, div, rcp and sqrt of f32 and f64: correctly rounded in each of the four modes.
namespace emulator::self_test {
namespace {

template <Rounding kRounding>
struct SingleArithmetic {
  struct Add {
    static constexpr const char* kName = "add.f32";
    static __device__ float device(float a, float b) {
      switch (kRounding) {
        case Rounding::kZero: return __fadd_rz(a, b);
        case Rounding::kDown: return __fadd_rd(a, b);
        case Rounding::kUp: return __fadd_ru(a, b);
        default: return __fadd_rn(a, b);
      }
    }
    static float host(float a, float b) { return host::add(a, b, kRounding); }
  };
  struct Subtract {
    static constexpr const char* kName = "sub.f32";
    static __device__ float device(float a, float b) {
      switch (kRounding) {
        case Rounding::kZero: return __fsub_rz(a, b);
        case Rounding::kDown: return __fsub_rd(a, b);
        case Rounding::kUp: return __fsub_ru(a, b);
        default: return __fsub_rn(a, b);
      }
    }
    static float host(float a, float b) { return host::add(a, -b, kRounding); }
  };
  struct Multiply {
    static constexpr const char* kName = "mul.f32";
    static __device__ float device(float a, float b) {
      switch (kRounding) {
        case Rounding::kZero: return __fmul_rz(a, b);
        case Rounding::kDown: return __fmul_rd(a, b);
        case Rounding::kUp: return __fmul_ru(a, b);
        default: return __fmul_rn(a, b);
      }
    }
    static float host(float a, float b) { return host::multiply(a, b, kRounding); }
  };
  struct Divide {
    static constexpr const char* kName = "div.f32";
    static __device__ float device(float a, float b) {
      switch (kRounding) {
        case Rounding::kZero: return __fdiv_rz(a, b);
        case Rounding::kDown: return __fdiv_rd(a, b);
        case Rounding::kUp: return __fdiv_ru(a, b);
        default: return __fdiv_rn(a, b);
      }
    }
    static float host(float a, float b) { return host::divide(a, b, kRounding); }
  };
  struct Reciprocal {
    static constexpr const char* kName = "rcp.f32";
    static __device__ float device(float a) {
      switch (kRounding) {
        case Rounding::kZero: return __frcp_rz(a);
        case Rounding::kDown: return __frcp_rd(a);
        case Rounding::kUp: return __frcp_ru(a);
        default: return __frcp_rn(a);
      }
    }
    static float host(float a) { return host::divide(1.0f, a, kRounding); }
  };
  struct SquareRoot {
    static constexpr const char* kName = "sqrt.f32";
    static __device__ float device(float a) {
      switch (kRounding) {
        case Rounding::kZero: return __fsqrt_rz(a);
        case Rounding::kDown: return __fsqrt_rd(a);
        case Rounding::kUp: return __fsqrt_ru(a);
        default: return __fsqrt_rn(a);
      }
    }
    static float host(float a) { return host::square_root(a, kRounding); }
  };
  struct MultiplyAdd {
    static constexpr const char* kName = "fma.f32";
    static __device__ float device(float a, float b, float c) {
      switch (kRounding) {
        case Rounding::kZero: return __fmaf_rz(a, b, c);
        case Rounding::kDown: return __fmaf_rd(a, b, c);
        case Rounding::kUp: return __fmaf_ru(a, b, c);
        default: return __fmaf_rn(a, b, c);
      }
    }
    static float host(float a, float b, float c) { return host::multiply_add(a, b, c, kRounding); }
  };
};

template <Rounding kRounding>
struct DoubleArithmetic {
  struct Add {
    static constexpr const char* kName = "add.f64";
    static __device__ double device(double a, double b) {
      switch (kRounding) {
        case Rounding::kZero: return __dadd_rz(a, b);
        case Rounding::kDown: return __dadd_rd(a, b);
        case Rounding::kUp: return __dadd_ru(a, b);
        default: return __dadd_rn(a, b);
      }
    }
    static double host(double a, double b) { return host::add(a, b, kRounding); }
  };
  struct Subtract {
    static constexpr const char* kName = "sub.f64";
    static __device__ double device(double a, double b) {
      switch (kRounding) {
        case Rounding::kZero: return __dsub_rz(a, b);
        case Rounding::kDown: return __dsub_rd(a, b);
        case Rounding::kUp: return __dsub_ru(a, b);
        default: return __dsub_rn(a, b);
      }
    }
    static double host(double a, double b) { return host::add(a, -b, kRounding); }
  };
  struct Multiply {
    static constexpr const char* kName = "mul.f64";
    static __device__ double device(double a, double b) {
      switch (kRounding) {
        case Rounding::kZero: return __dmul_rz(a, b);
        case Rounding::kDown: return __dmul_rd(a, b);
        case Rounding::kUp: return __dmul_ru(a, b);
        default: return __dmul_rn(a, b);
      }
    }
    static double host(double a, double b) { return host::multiply(a, b, kRounding); }
  };
  struct Divide {
    static constexpr const char* kName = "div.f64";
    static __device__ double device(double a, double b) {
      switch (kRounding) {
        case Rounding::kZero: return __ddiv_rz(a, b);
        case Rounding::kDown: return __ddiv_rd(a, b);
        case Rounding::kUp: return __ddiv_ru(a, b);
        default: return __ddiv_rn(a, b);
      }
    }
    static double host(double a, double b) { return host::divide(a, b, kRounding); }
  };
  struct Reciprocal {
    static constexpr const char* kName = "rcp.f64";
    static __device__ double device(double a) {
      switch (kRounding) {
        case Rounding::kZero: return __drcp_rz(a);
        case Rounding::kDown: return __drcp_rd(a);
        case Rounding::kUp: return __drcp_ru(a);
        default: return __drcp_rn(a);
      }
    }
    static double host(double a) { return host::divide(1.0, a, kRounding); }
  };
  struct SquareRoot {
    static constexpr const char* kName = "sqrt.f64";
    static __device__ double device(double a) {
      switch (kRounding) {
        case Rounding::kZero: return __dsqrt_rz(a);
        case Rounding::kDown: return __dsqrt_rd(a);
        case Rounding::kUp: return __dsqrt_ru(a);
        default: return __dsqrt_rn(a);
      }
    }
    static double host(double a) { return host::square_root(a, kRounding); }
  };
  struct MultiplyAdd {
    static constexpr const char* kName = "fma.f64";
    static __device__ double device(double a, double b, double c) {
      switch (kRounding) {
        case Rounding::kZero: return __fma_rz(a, b, c);
        case Rounding::kDown: return __fma_rd(a, b, c);
        case Rounding::kUp: return __fma_ru(a, b, c);
        default: return __fma_rn(a, b, c);
      }
    }
    static double host(double a, double b, double c) { return host::multiply_add(a, b, c, kRounding); }
  };
};

template <class Arithmetic, class T>
void check_arithmetic(const std::vector<T>& values, const std::vector<T>& few) {
  check_all<typename Arithmetic::Add, typename Arithmetic::Subtract, typename Arithmetic::Multiply,
            typename Arithmetic::Divide>(pairs_of(values, values));
  check_all<typename Arithmetic::Reciprocal, typename Arithmetic::SquareRoot>(table_of(values));
  check_exact<typename Arithmetic::MultiplyAdd>(triples_of(few, few, few));
}

template <Rounding kRounding>
void check_mode(const char* mode) {
  SCOPED_TRACE(mode);
  check_arithmetic<SingleArithmetic<kRounding>>(floats(), few_floats());
  check_arithmetic<DoubleArithmetic<kRounding>>(doubles(), few_doubles());
}

TEST(RoundedArithmetic, ToNearestEven) { check_mode<Rounding::kNearestEven>("rn"); }
TEST(RoundedArithmetic, ToZero) { check_mode<Rounding::kZero>("rz"); }
TEST(RoundedArithmetic, Down) { check_mode<Rounding::kDown>("rm"); }
TEST(RoundedArithmetic, Up) { check_mode<Rounding::kUp>("rp"); }

}  // namespace
}  // namespace emulator::self_test
