#include "memory/block_memory.h"

#include <cstring>

#include "memory/checker.h"
#include "memory/device_heap.h"

namespace emulator {
namespace {

constexpr int kPoison = 0xFF;
// Behind each thread's local memory: an index past its end must not reach the next thread's.
constexpr std::size_t kLocalGap = 64;

}  // namespace

BlockMemory::Checker::Checker(const BlockMemory& block_memory)
    : memory(block_memory),
      shared_bytes(kSharedWindow),
      shared_shadow(kSharedWindow),
      report(order, layout),
      check(order, layout, report) {
  const DeviceHeap& heap = DeviceHeap::get();
  const Address first = heap.first_address();
  device = {false, false, first, DeviceHeap::kReserved, heap.backing(first), &device_shadow()};
  const auto shared = reinterpret_cast<Address>(shared_bytes.data());
  shared_generic = {true, false, shared, kSharedWindow, shared_bytes.data(), &shared_shadow};
  shared_offsets = shared_generic;
  shared_offsets.begin = 0;
}

void BlockMemory::Checker::open_shared() {
  for (const auto& variable : layout.variables()) shared_shadow.open(variable.offset, variable.bytes);
}

void BlockMemory::Checker::reserve_local(std::size_t bytes, std::size_t stride) {
  local_bytes = bytes;
  const std::size_t wanted = bytes == 0 ? 0 : kMaxThreads * stride;
  if (wanted == 0) {
    local.reset();
  } else if (!local || local->bytes() != wanted) {
    local.emplace(wanted);
  }
}

void BlockMemory::Checker::begin_block(std::uint32_t block, int threads) {
  num_threads = threads;
  order.begin_block(block, threads);
  check.begin_epoch();
  copies.forget_all();
  if (has_abandoned_copies) open_shared();
  has_abandoned_copies = false;
  std::memset(shared_bytes.data(), kPoison, layout.end());
  if (local) std::memset(local->data(), kPoison, static_cast<std::size_t>(threads) * memory.local_stride_);
}

BlockMemory::BlockMemory() : checker_(std::make_unique<Checker>(*this)) {
  shared_window_ = reinterpret_cast<Address>(checker_->shared_bytes.data());
}

BlockMemory::~BlockMemory() = default;

void BlockMemory::begin_launch(const LaunchMemory& launch) {
  Checker& checker = *checker_;
  checker.shared_shadow.close(0, checker.layout.end());
  checker.layout = SharedLayout(launch.shared);
  checker.open_shared();
  local_stride_ = launch.local_bytes + kLocalGap;
  checker.reserve_local(launch.local_bytes, local_stride_);
  local_window_ = checker.local ? reinterpret_cast<Address>(checker.local->data()) : 0;
  checker.device.is_locked = launch.is_parallel;
  checker.order.begin_launch(launch.order, launch.before_wait);
}

void BlockMemory::begin_block(std::uint32_t block, int num_threads) { checker_->begin_block(block, num_threads); }

void BlockMemory::end_launch() {
  checker_->copies.forget_all();
  checker_->has_abandoned_copies = false;
}

void BlockMemory::access(const WarpAccess& access, const Address* addresses, std::byte** bytes) {
  checker_->access(access, addresses, bytes);
}

Space BlockMemory::space_of(Address address) const {
  const Checker& checker = *checker_;
  if (address - shared_window_ < kSharedWindow) return Space::kShared;
  if (checker.local && address - local_window_ < checker.local->bytes()) return Space::kLocal;
  return DeviceHeap::get().contains(address) ? Space::kGlobal : Space::kGeneric;
}

void BlockMemory::block_barrier() {
  checker_->order.block_barrier();
  checker_->check.begin_epoch();
}

void BlockMemory::warp_barrier(int warp, LaneMask lanes) { checker_->order.warp_barrier(warp, lanes); }

void BlockMemory::named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps) {
  checker_->order.named_barrier(arrived_warps, waiting_warps);
}

void BlockMemory::fence(int warp, LaneMask lanes) { checker_->order.fence(warp, lanes); }

void BlockMemory::grid_dependency_wait(int warp, LaneMask lanes) { checker_->order.grid_dependency_wait(warp, lanes); }

std::uint64_t BlockMemory::checked_accesses() const { return checker_->num_accesses; }

}  // namespace emulator
