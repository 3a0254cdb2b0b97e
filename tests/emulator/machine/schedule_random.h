#ifndef ARLOSS_TESTS_EMULATOR_MACHINE_SCHEDULE_RANDOM_H
#define ARLOSS_TESTS_EMULATOR_MACHINE_SCHEDULE_RANDOM_H

#include <cstdint>

namespace emulator {

/// xorshift64: schedules must be cheap to draw and the same on every platform; nothing statistical hangs on them.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream)
      : state_((seed * 0x9E3779B97F4A7C15u ^ (stream + 1) * 0xBF58476D1CE4E5B9u) | 1) {
    next();
    next();
  }
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  /// A number below `bound`, which is at most 2^32.
  std::uint32_t below(std::uint64_t bound) {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(static_cast<std::uint32_t>(next() >> 16)) * bound) >>
                                      32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace emulator

#endif
