#include "runtime/host_memory.h"

#include <cstdlib>
#include <iterator>

namespace emulator::runtime {
namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

void* HostMemory::allocate(std::size_t bytes, unsigned flags) {
  if (bytes > SIZE_MAX - kPage) return nullptr;
  void* const pointer = std::aligned_alloc(kPage, (bytes + kPage - 1) / kPage * kPage);
  if (!pointer) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(pointer);
  ranges_[begin] = {begin, bytes, true, flags};
  return pointer;
}

bool HostMemory::release(const void* pointer) {
  const auto found = ranges_.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == ranges_.end() || !found->second.is_allocated) return false;
  std::free(reinterpret_cast<void*>(found->first));
  ranges_.erase(found);
  return true;
}

bool HostMemory::lock(const void* pointer, std::size_t bytes, unsigned flags) {
  const auto begin = reinterpret_cast<std::uintptr_t>(pointer);
  const auto next = ranges_.lower_bound(begin);
  if (next != ranges_.end() && next->first - begin < bytes) return false;
  if (next != ranges_.begin() && begin - std::prev(next)->first < std::prev(next)->second.bytes) return false;
  ranges_[begin] = {begin, bytes, false, flags};
  return true;
}

bool HostMemory::unlock(const void* pointer) {
  const auto found = ranges_.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == ranges_.end() || found->second.is_allocated) return false;
  ranges_.erase(found);
  return true;
}

const HostMemory::Range* HostMemory::find(const void* pointer, std::size_t bytes) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(pointer);
  const auto next = ranges_.upper_bound(begin);
  if (next == ranges_.begin()) return nullptr;
  const Range& range = std::prev(next)->second;
  const std::size_t offset = begin - range.begin;
  return offset <= range.bytes && bytes <= range.bytes - offset ? &range : nullptr;
}

void HostMemory::release_all() {
  for (const auto& entry : ranges_) {
    if (entry.second.is_allocated) std::free(reinterpret_cast<void*>(entry.first));
  }
  ranges_.clear();
}

}  // namespace emulator::runtime
