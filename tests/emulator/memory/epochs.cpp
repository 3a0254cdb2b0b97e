#include "memory/epochs.h"

#include <algorithm>

#include "report.h"

namespace emulator {
namespace {

Epoch first_epoch(std::uint32_t chunk) { return static_cast<Epoch>(chunk * Epochs::kChunk); }

}  // namespace

Epochs& Epochs::get() {
  static auto* const epochs = new Epochs;  // other threads may still run kernels when the process exits
  return *epochs;
}

Epochs::Epochs() : table_(kMaxChunks * sizeof(EpochOwner)), owners_(reinterpret_cast<EpochOwner*>(table_.data())) {}

std::uint32_t Epochs::next_chunk() {
  const std::uint32_t chunk = num_chunks_.fetch_add(1, std::memory_order_relaxed);
  if (chunk < kMaxChunks) return chunk;
  num_chunks_.store(kMaxChunks, std::memory_order_relaxed);
  fail_launch(Kind::kUnsupported, "one process runs at most " + std::to_string(kMaxChunks) +
                                      " blocks (those with many barriers count more than once)");
}

Epoch Epochs::take_first(std::uint32_t operation, std::uint32_t stream, std::uint32_t block) {
  const std::uint32_t chunk = next_chunk();
  owners_[chunk] = {operation, stream, chunk, block};
  return first_epoch(chunk);
}

Epoch Epochs::take(const EpochOwner& owner) {
  const std::uint32_t chunk = next_chunk();
  owners_[chunk] = owner;
  return first_epoch(chunk);
}

Epoch Epochs::settle(const OperationOrder& order, bool is_start) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (begun_.empty() || begun_.back().operation != order.operation) {
    const std::uint32_t chunks = std::min(num_chunks_.load(std::memory_order_relaxed), kMaxChunks - 1);
    begun_.push_back({order.operation, order.stream, first_epoch(chunks)});
  }
  std::size_t& settled = num_settled_[{order.stream, is_start}];
  while (begun_[settled].operation != order.operation &&
         order.is_after(begun_[settled].operation, begun_[settled].stream)) {
    ++settled;
  }
  return begun_[settled].first;
}

Epoch Epochs::take_host(const OperationOrder& order, const std::string& name) {
  std::size_t index;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    index = static_cast<std::size_t>(std::find(host_names_.begin(), host_names_.end(), name) - host_names_.begin());
    if (index == host_names_.size()) host_names_.push_back(name);
  }
  return take({order.operation, order.stream, 0, static_cast<std::uint32_t>(index)});
}

std::string Epochs::host_name(const EpochOwner& owner) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return host_names_[owner.block];
}

}  // namespace emulator
