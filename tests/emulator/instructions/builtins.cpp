#include "instructions/builtins.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "machine/block.h"
#include "memory/device_heap.h"
#include "program/sites.h"
#include "report.h"
#include "semantics/format.h"

namespace emulator {
namespace {

std::byte* parameter(Warp& warp, std::size_t offset, int lane) {
  Frame& frame = warp.frame();
  return frame.parameters + static_cast<std::size_t>(lane) * frame.function->parameter_bytes + offset;
}

const Call& call_of(Warp& warp, const Instruction& instruction) {
  return warp.frame().function->calls[static_cast<std::size_t>(instruction.target)];
}

template <class T>
T argument(Warp& warp, const Instruction& instruction, std::size_t k, int lane) {
  T value;
  std::memcpy(&value, parameter(warp, call_of(warp, instruction).arguments.at(k), lane), sizeof value);
  return value;
}

// Strings of a module lie in device memory.
std::string read_string(Address address) {
  const DeviceHeap& heap = DeviceHeap::get();
  const DeviceHeap::Allocation* const allocation = heap.contains(address) ? heap.find(address) : nullptr;
  if (allocation == nullptr) return "(not a string in device memory)";
  const auto* const text = reinterpret_cast<const char*>(heap.backing(address));
  return {text, strnlen(text, allocation->address + allocation->bytes - address)};
}

// vprintf(format, packed arguments): what a thread prints goes out when it prints it.
void run_printf(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  for_each_lane(lanes, [&](int lane) {
    const std::string format = read_string(argument<Address>(warp, instruction, 0, lane));
    Address addresses[kWarpSize];
    std::byte* bytes[kWarpSize] = {};
    addresses[lane] = argument<Address>(warp, instruction, 1, lane);
    // A call without arguments passes a null pointer.
    if (addresses[lane] != 0) {
      const WarpAccess access{AccessKind::kRead, Space::kGeneric, false, warp.index, LaneMask{1} << lane, 1,
                              instruction.site};
      warp.block.memory.access(access, addresses, bytes);
    }
    const std::string text = semantics::format_printf(format, bytes[lane], read_string);
    std::fwrite(text.data(), 1, text.size(), stdout);
    const auto printed = static_cast<std::int32_t>(text.size());
    for (const std::size_t result : call_of(warp, instruction).results)
      std::memcpy(parameter(warp, result, lane), &printed, sizeof printed);
  });
}

// __assertfail(message, file, line, function, size of a character)
void run_assert_fail(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const int lane = __builtin_ctz(lanes);
  fail_launch(Kind::kAssertion, "assertion \"" + read_string(argument<Address>(warp, instruction, 0, lane)) +
                                    "\" failed at " + read_string(argument<Address>(warp, instruction, 1, lane)) + ":" +
                                    std::to_string(argument<std::uint32_t>(warp, instruction, 2, lane)) + " in " +
                                    read_string(argument<Address>(warp, instruction, 3, lane)) + ", " +
                                    warp.block.place(warp, lane));
}

}  // namespace

Handler find_builtin(const std::string& name) {
  if (name == "vprintf") return run_printf;
  if (name == "__assertfail") return run_assert_fail;
  return nullptr;
}

}  // namespace emulator
