#ifndef ARLOSS_KERNELS_CLASS_PLACES_CUH
#define ARLOSS_KERNELS_CLASS_PLACES_CUH

#include <cstdint>

namespace arloss::kernels {

/// The classes that some cells have, each with a place of its own, 0 and on: a hash table in shared memory. Which class
/// has which place is up to the schedule, so no order of additions may depend on it.
struct ClassPlaces {
  static constexpr int kMost = 256;
  static constexpr std::uint32_t kSlots = 2 * kMost;
  static constexpr std::int32_t kEmpty = -1;

  std::int32_t keys[kSlots];
  std::uint16_t places[kSlots];
  std::int32_t classes[kMost];  // by place
  std::uint16_t rows[kMost];    // places of the classes that were added as rows, in any order
  int count, num_rows;          // classes; more than kMost: they do not fit

  /// By all threads of a block; a barrier before the first add.
  __device__ void clear(unsigned num_threads) {
    for (unsigned slot = threadIdx.x; slot < kSlots; slot += num_threads) keys[slot] = kEmpty;
    if (threadIdx.x == 0) count = num_rows = 0;
  }

  __device__ void add(std::int32_t label, bool is_row) {
    for (std::uint32_t probe = 0; probe < kSlots; ++probe) {
      const std::uint32_t slot = (static_cast<std::uint32_t>(label) + probe) % kSlots;
      const std::int32_t found = atomicCAS(&keys[slot], kEmpty, label);
      if (found == label) return;
      if (found == kEmpty) return settle(slot, label, is_row);
    }
  }

  /// Of a class that was added; a barrier after the last add.
  __device__ int place_of(std::int32_t label) const {
    std::uint32_t slot = static_cast<std::uint32_t>(label) % kSlots;
    while (keys[slot] != label) slot = (slot + 1) % kSlots;
    return places[slot];
  }

 private:
  __device__ void settle(std::uint32_t slot, std::int32_t label, bool is_row) {
    const int place = atomicAdd(&count, 1);
    if (place >= kMost) return;
    places[slot] = static_cast<std::uint16_t>(place);
    classes[place] = label;
    if (is_row) rows[atomicAdd(&num_rows, 1)] = static_cast<std::uint16_t>(place);
  }
};

}  // namespace arloss::kernels

#endif
