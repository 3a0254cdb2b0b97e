#ifndef ARLOSS_TESTS_EMULATOR_MACHINE_BLOCK_H
#define ARLOSS_TESTS_EMULATOR_MACHINE_BLOCK_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "machine/machine.h"
#include "machine/schedule.h"
#include "machine/warp.h"
#include "memory/block_memory.h"

namespace emulator {

/// Runs blocks of a launch, one after the other, on one host thread: picks a warp and a group of its lanes, lets it run
/// until it blocks, and lets those meet that wait for each other.
class Block {
 public:
  BlockMemory memory;

  /// `parameters`: where the kernel's parameter buffer lies.
  void begin_launch(const Launch& launch, const LaunchMemory& launch_memory, const std::byte* parameters);
  /// Throws LaunchFailure, after its report, where the block cannot go on.
  void run(std::uint32_t block_index);
  void end_launch();

  const Launch& launch() const { return *launch_; }
  const std::byte* parameters() const { return parameters_; }
  /// "block 3, warp 1 lane 5 (thread 37)"
  std::string place(const Warp& warp, int lane) const;

  std::uint64_t blocks_run = 0, barriers_met = 0, collectives_met = 0;
  std::uint64_t executed() const;

 private:
  /// bar.sync and its kin, by number.
  struct Barrier {
    const Instruction* first = nullptr;  // of the instructions that arrived: where, for reports
    std::uint32_t expected = 0;          // threads
    std::uint32_t arrived = 0;
    std::uint32_t arrived_warps = 0, waiting_warps = 0;
    std::uint32_t votes = 0;  // threads whose predicate was true
    bool has_count = false;
  };

  void begin_block(std::uint32_t block_index);
  void set_specials(Warp& warp);
  /// Puts the address of a frame's local memory into its register.
  void set_local_base(const Warp& warp, Frame& frame) const;

  // ---- which lanes run (block.cpp)
  void run_warp(Warp& warp);
  std::size_t pick_group(Warp& warp);
  void run_group(Warp& warp, std::size_t index);
  void update_ready(const Warp& warp);
  void check_budget(const Warp& warp) const;

  // ---- instructions that move lanes (block_flow.cpp). True: the group at `index` goes on at its position, and no
  // other group has become ready.
  bool step(Warp& warp, std::size_t index, const Instruction& instruction, LaneMask lanes);
  bool branch(Warp& warp, std::size_t index, std::int32_t target, LaneMask lanes);
  bool branch_table(Warp& warp, std::size_t index, const Instruction& instruction, LaneMask lanes);
  bool call(Warp& warp, std::size_t index, const Instruction& instruction);
  const Function& called_function(Warp& warp, std::size_t index, const Instruction& instruction);
  bool return_lanes(Warp& warp, std::size_t index, const Instruction& instruction);
  bool exit_lanes(Warp& warp, std::size_t index, const Instruction& instruction);

  // ---- where lanes meet (block_meetings.cpp)
  bool meet(Warp& warp, std::size_t index, const Instruction& instruction);
  [[noreturn]] void report_other_masks(const Warp& warp, const Instruction& instruction, LaneMask lanes,
                                       LaneMask members, LaneMask same) const;
  void arrive(Warp& warp, std::size_t index, const Instruction& instruction, LaneMask members);
  void complete(Warp& warp, std::size_t pending_index);
  void complete_without_exited(Warp& warp);
  bool wait_at_barrier(Warp& warp, std::size_t index, const Instruction& instruction);
  void join_barrier(Barrier& barrier, const Warp& warp, const Instruction& instruction, LaneMask lanes);
  void release(int number);
  void release_group(Warp& warp, Group& group, const Barrier& barrier);
  [[noreturn]] void report_deadlock();

  std::uint32_t live_threads() const { return num_threads_ - exited_threads_; }

  const Launch* launch_ = nullptr;
  const std::byte* parameters_ = nullptr;
  std::uint32_t block_index_ = 0;
  std::uint32_t num_threads_ = 0;
  std::uint32_t exited_threads_ = 0;
  std::uint32_t ready_warps_ = 0;
  std::size_t local_bytes_ = 0;  // of a thread
  std::unique_ptr<Schedule> schedule_;
  std::vector<std::unique_ptr<Warp>> warps_;  // as many as any block had
  std::size_t num_warps_ = 0;
  std::array<Barrier, 16> barriers_;
};

}  // namespace emulator

#endif
