#include <algorithm>
#include <vector>

#include "bench_device.h"
#include "machine/machine_probes.h"

namespace bench {
namespace {

class DeviceCopy final : public TimedCall {
 public:
  DeviceCopy(const BenchDevice& device, std::size_t bytes, double items) : items_(items) {
    slots_.resize(device.copies(2 * bytes));
    for (Slot& slot : slots_) slot = {device.allocate(bytes), device.allocate(bytes)};
  }
  void check() override {
    for (const Slot& slot : slots_) slot.from->poison();
  }
  void poison() override {
    const std::vector<char> zeros(slots_[0].to->bytes());
    for (const Slot& slot : slots_) slot.to->write(zeros.data());
  }
  void run() override {
    turn_ = (turn_ + 1) % slots_.size();
    slots_[turn_].to->copy(*slots_[turn_].from);
  }
  bool has_worked() const override {
    const CallMemory& to = *slots_[turn_].to;
    const std::shared_ptr<const char> copied = to.read();
    return std::find(copied.get(), copied.get() + to.bytes(), char{0}) == copied.get() + to.bytes();
  }
  CallCost cost() const override { return {items_, 2 * static_cast<double>(slots_[0].to->bytes()), 0, 0}; }

 private:
  struct Slot {
    std::unique_ptr<CallMemory> from, to;
  };
  std::vector<Slot> slots_;
  std::size_t turn_ = 0;
  double items_;
};

}  // namespace

std::unique_ptr<TimedCall> make_device_copy(const BenchDevice& device, std::size_t bytes, double items) {
  return std::make_unique<DeviceCopy>(device, bytes, items);
}

}  // namespace bench
