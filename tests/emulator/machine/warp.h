#ifndef ARLOSS_TESTS_EMULATOR_MACHINE_WARP_H
#define ARLOSS_TESTS_EMULATOR_MACHINE_WARP_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "memory/block_memory.h"
#include "memory/lanes.h"
#include "program/program.h"

namespace emulator {

class Block;

/// Special registers as rows of 32-bit values, in this order (PTX ISA, "Special Registers").
enum class Special : std::uint8_t {
  kTidX,
  kTidY,
  kTidZ,
  kNtidX,
  kNtidY,
  kNtidZ,
  kCtaidX,
  kCtaidY,
  kCtaidZ,
  kNctaidX,
  kNctaidY,
  kNctaidZ,
  kLaneId,
  kWarpId,
  kNwarpId,
  kLanemaskEq,
  kLanemaskLt,
  kLanemaskLe,
  kLanemaskGt,
  kLanemaskGe,
  kDynamicSharedSize,
  kTotalSharedSize,
  kCount
};
constexpr std::size_t kWordRowBytes = kWarpSize * sizeof(std::uint32_t);
constexpr std::size_t kWideRowBytes = kWarpSize * sizeof(std::uint64_t);

/// An activation of a function by a group of lanes. Lanes that call a function at different times have frames of their
/// own, so that recursion works.
struct Frame {
  const Function* function = nullptr;  // while lanes are inside
  std::uint64_t serial = 0;            // the function's
  Frame* caller = nullptr;
  std::uint32_t return_position = 0;
  int depth = 0;
  int lanes_inside = 0;  // the frame is free again when it is left by the last
  std::size_t local_offset = 0;
  std::unique_ptr<std::byte[]> storage;
  std::byte* registers = nullptr;   // 64-byte aligned, function->register_bytes
  std::byte* parameters = nullptr;  // [lane][function->parameter_bytes]
};

/// Lanes that stand at the same instruction of the same frame, and run together.
struct Group {
  enum class State : std::uint8_t { kReady, kAtCollective, kAtBarrier };
  LaneMask lanes = 0;
  std::uint32_t position = 0;
  Frame* frame = nullptr;
  State state = State::kReady;
  int barrier = 0;  // which, for kAtBarrier
};

/// A collective some lanes have reached while others of its mask have not.
struct PendingCollective {
  const Instruction* instruction;
  LaneMask members;
  LaneMask arrived;
  std::vector<CollectiveRow> sources;
};

/// Rows of one warp and the lanes' places in the program. Handlers read and write rows; the scheduler moves groups.
class Warp {
 public:
  Warp(Block& owner, int place) : block(owner), index(place) {}

  Block& block;
  const int index;  // in the block
  LaneMask alive = 0;
  std::vector<Group> groups;
  std::vector<PendingCollective> pending;

  /// The row of an operand, for the group that runs.
  template <class Value>
  const Value* row(const Operand& operand) const {
    return reinterpret_cast<const Value*>(bases_[static_cast<int>(operand.base)] + operand.offset);
  }
  template <class Value>
  Value* row(const Operand& operand) {
    return reinterpret_cast<Value*>(bases_[static_cast<int>(operand.base)] + operand.offset);
  }
  LaneMask predicate(const Operand& operand) const {
    const LaneMask value = *row<LaneMask>(operand);
    return operand.is_negated ? ~value : value;
  }
  void set_predicate(const Operand& operand, LaneMask lanes, LaneMask value) {
    if (operand.width == Operand::Width::kNone) return;
    LaneMask& held = *row<LaneMask>(operand);
    held = (held & ~lanes) | (value & lanes);
  }
  /// One lane's value, whatever the width of its row.
  std::uint64_t lane_value(const Operand& operand, int lane) const;
  void set_lane_value(const Operand& operand, int lane, std::uint64_t value);

  /// Makes the rows of a frame the ones handlers see.
  void select(Frame& frame) {
    frame_ = &frame;
    bases_[0] = frame.registers;
    bases_[1] = reinterpret_cast<std::byte*>(const_cast<ConstantRow*>(frame.function->constants.data()));
  }
  Frame& frame() { return *frame_; }
  std::uint32_t* special(Special which) { return specials_[static_cast<int>(which)]; }

  /// A fresh frame; its registers hold 0xFF, a NaN in every float type.
  Frame& open_frame(const Function& function, Frame* caller, std::uint32_t return_position, LaneMask lanes);
  void leave_frame(Frame& frame, LaneMask lanes);
  /// Forgets everything, and puts the lanes at the kernel's first instruction.
  void start(const Function& kernel, LaneMask lanes);
  /// Moves `lanes` of the group at position `group` into a new group at the same place; returns its index. Groups may
  /// move.
  std::size_t split(std::size_t group, LaneMask lanes);
  /// Joins ready groups that stand at the same instruction of the same frame, and drops empty ones.
  void merge_ready();
  void drop_empty();
  /// The first instruction after the running group's at which another group could be joined; the end where none can.
  std::uint32_t merge_limit(std::size_t running) const;

  std::uint64_t executed = 0;  // instructions times lanes, of all blocks
  std::uint64_t steps = 0;     // instructions of this block, whatever their lanes

 private:
  std::byte* bases_[3] = {nullptr, nullptr, reinterpret_cast<std::byte*>(specials_)};
  Frame* frame_ = nullptr;
  alignas(64) std::uint32_t specials_[static_cast<int>(Special::kCount)][kWarpSize] = {};
  std::vector<std::unique_ptr<Frame>> frames_;
};

}  // namespace emulator

#endif
