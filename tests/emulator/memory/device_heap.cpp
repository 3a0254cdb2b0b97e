#include "memory/device_heap.h"

#include <cstring>
#include <iterator>

#include "memory/block_memory.h"

namespace emulator {
namespace {

constexpr int kPoison = 0xFF;
constexpr std::size_t kMostReleased = 4096;  // remembered for reports

std::size_t round_up(std::size_t bytes) {
  return (bytes + DeviceHeap::kAlignment - 1) / DeviceHeap::kAlignment * DeviceHeap::kAlignment;
}

std::string name(const DeviceHeap::Allocation& allocation) {
  return "allocation of " + allocation.label + " (" + std::to_string(allocation.bytes) + " bytes)";
}

}  // namespace

DeviceHeap& DeviceHeap::get() {
  static auto* const heap = new DeviceHeap;  // a fault at exit is still explained
  return *heap;
}

DeviceHeap::DeviceHeap()
    : range_(kReserved, Mapping::Protection::kNone),
      backing_(kReserved),
      base_(reinterpret_cast<Address>(range_.data())) {}

Address DeviceHeap::allocate(std::size_t bytes, const std::string& label) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (bytes > kCapacity - live_bytes_) return 0;
  const std::size_t step = round_up(bytes) + kAlignment;
  if (step > kReserved - used_) return 0;
  const Address address = base_ + used_;
  used_ += step;
  live_bytes_ += bytes;
  allocations_[address] = {address, bytes, label};
  std::memset(backing(address), kPoison, bytes);
  open_device_range(address, bytes);
  return address;
}

bool DeviceHeap::release(Address address) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = allocations_.find(address);
  if (found == allocations_.end()) return false;
  const std::size_t bytes = found->second.bytes;
  live_bytes_ -= bytes;
  backing_.discard(position(address), bytes);
  close_device_range(address, bytes);
  released_.insert(allocations_.extract(found));
  if (released_.size() > kMostReleased) released_.erase(released_.begin());
  return true;
}

const DeviceHeap::Allocation* DeviceHeap::find_in(const Allocations& allocations, Address address) {
  const auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return nullptr;
  const Allocation& allocation = std::prev(next)->second;
  return address - allocation.address < allocation.bytes ? &allocation : nullptr;
}

const DeviceHeap::Allocation* DeviceHeap::find(Address address) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return find_in(allocations_, address);
}

const DeviceHeap::Allocation* DeviceHeap::find_range(Address address, std::size_t bytes) const {
  const Allocation* const allocation = find(address);
  if (allocation == nullptr || bytes > allocation->bytes - (address - allocation->address)) return nullptr;
  return allocation;
}

std::size_t DeviceHeap::live_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return live_bytes_;
}

std::string DeviceHeap::describe(Address address) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto inside = [&](const Allocation& allocation) {
    return name(allocation) + " + " + std::to_string(address - allocation.address);
  };
  if (const Allocation* const live = find_in(allocations_, address)) return inside(*live);
  if (const Allocation* const freed = find_in(released_, address)) return "freed " + inside(*freed);
  return "device memory outside every allocation" + nearest(address);
}

std::string DeviceHeap::nearest(Address address) const {
  const auto next = allocations_.upper_bound(address);
  const Allocation* const above = next == allocations_.end() ? nullptr : &next->second;
  const Allocation* const below = next == allocations_.begin() ? nullptr : &std::prev(next)->second;
  const Address past = below == nullptr ? 0 : address - (below->address + below->bytes);
  if (below != nullptr && (above == nullptr || past <= above->address - address))
    return ", " + std::to_string(past) + " bytes past the end of the " + name(*below);
  if (above == nullptr) return "";
  return ", " + std::to_string(above->address - address) + " bytes before the " + name(*above);
}

}  // namespace emulator
