#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_DEVICE_HEAP_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_DEVICE_HEAP_H

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "memory/lanes.h"
#include "memory/mapping.h"

namespace emulator {

/// The device's global memory. Device addresses are a reserved range that host code can never touch (it faults, and the
/// fault is explained); the bytes lie in a second mapping only the emulator knows. Addresses are never handed out
/// twice, so a use after free is always found.
class DeviceHeap {
 public:
  static constexpr std::size_t kReserved = std::size_t{32} << 30;  // addresses of one process's life
  static constexpr std::size_t kCapacity = std::size_t{4} << 30;   // bytes alive at once
  static constexpr std::size_t kAlignment = 512;                   // what cudaMalloc promises is 256

  struct Allocation {
    Address address;
    std::size_t bytes;
    std::string label;  // who allocated, for reports
  };

  static DeviceHeap& get();

  /// Bytes filled with 0xFF (a NaN in every float type), at least kAlignment bytes away from every other allocation,
  /// and known to the checker as never written. 0 where the capacity or the addresses are used up. Zero bytes get an
  /// address of their own, too.
  Address allocate(std::size_t bytes, const std::string& label);
  /// False where no live allocation starts at `address`. The pages go back to the system, and the checker finds every
  /// later access.
  bool release(Address address);

  Address first_address() const { return base_; }
  bool contains(Address address) const { return address - base_ < kReserved; }
  /// The live allocation `address` lies in; null where there is none. Valid until it is released.
  const Allocation* find(Address address) const;
  /// The allocation that covers all of [address, address + bytes), or null.
  const Allocation* find_range(Address address, std::size_t bytes) const;
  /// The bytes behind an address of the range.
  std::byte* backing(Address address) const { return backing_.data() + (address - base_); }
  /// Position of an address in the range.
  std::size_t position(Address address) const { return address - base_; }
  std::size_t live_bytes() const;
  /// "allocation of cudaMalloc #3 (400 bytes) + 12", or "freed allocation of ...", or "device memory outside every
  /// allocation", with the nearest one.
  std::string describe(Address address) const;

 private:
  using Allocations = std::map<Address, Allocation>;

  DeviceHeap();
  /// The allocation of `allocations` that `address` lies in.
  static const Allocation* find_in(const Allocations& allocations, Address address);
  std::string nearest(Address address) const;

  Mapping range_, backing_;
  Address base_;
  mutable std::mutex mutex_;
  std::size_t used_ = kAlignment;  // addresses below the first allocation belong to none
  std::size_t live_bytes_ = 0;
  Allocations allocations_;
  Allocations released_;  // the latest, so that a use after free is told as one
};

}  // namespace emulator

#endif
