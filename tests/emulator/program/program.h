#ifndef ARLOSS_TESTS_EMULATOR_PROGRAM_PROGRAM_H
#define ARLOSS_TESTS_EMULATOR_PROGRAM_PROGRAM_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "machine/machine.h"
#include "memory/block_memory.h"
#include "memory/lanes.h"
#include "ptx/syntax.h"

namespace emulator {

class Warp;
struct Instruction;

/// A register, an immediate or a special register of a whole warp: one value per lane, side by side, so that one host
/// instruction serves several lanes. Values of 4 bytes and less take 4 bytes each, the others 8; a predicate is one
/// LaneMask.
struct Operand {
  enum class Width : std::uint8_t { kNone, kPredicate, kWord, kWide };
  /// Which array of rows holds it: the frame's registers, the function's immediates, the warp's special registers.
  enum class Base : std::uint8_t { kRegisters, kConstants, kSpecials };
  std::int32_t offset = 0;  // bytes from the start of that array
  Base base = Base::kRegisters;
  Width width = Width::kNone;  // kNone: "_", or not there
  bool is_negated = false;     // !%p
};

/// What an instruction does for the lanes of a mask. Control flow is the scheduler's (Flow).
using Handler = void (*)(Warp& warp, const Instruction& instruction, LaneMask lanes);

/// Values of a collective's operand, gathered from all lanes; high holds the upper halves of 8-byte values.
struct alignas(64) CollectiveRow {
  std::uint32_t low[kWarpSize];
  std::uint32_t high[kWarpSize];
};
/// An instruction lanes of a warp execute together: from the sources of all lanes that take part, the results of all.
using Collective = void (*)(Warp& warp, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
                            CollectiveRow* results);

enum class Flow : std::uint8_t {
  kNext,  // run(), then the next instruction
  kBranch,
  kBranchTable,  // brx.idx
  kCall,
  kReturn,
  kExit,
  kCollective,  // lanes of a warp meet
  kBarrier,     // threads of a block meet
  kFail,        // an instruction that is not known: its text is the report
};

enum class BarrierKind : std::uint8_t { kSync, kArrive, kCount, kAnd, kOr };

struct Instruction {
  Flow flow = Flow::kNext;
  bool is_guard_negated = false;
  bool has_guard = false;
  Operand guard;
  Handler run = nullptr;
  Collective collective = nullptr;
  const char* name = "";  // what a report calls it: "shfl.sync"
  std::uint32_t site = 0;
  std::array<Operand, 16> operands;  // results first
  std::uint8_t num_results = 0;
  std::uint8_t num_operands = 0;
  std::int8_t member_mask = -1;  // index of the operand with a collective's lane mask; -1: all 32 lanes
  BarrierKind barrier = BarrierKind::kSync;
  // Meaning by instruction: displacement of an address, comparison, table of lop3, group count, ...
  std::int64_t displacement = 0;
  std::int32_t target = 0;    // position branched to, index of a call or of a branch table
  std::uint8_t bytes = 0;     // of one memory element
  std::uint8_t elements = 1;  // of a vector load or store
  std::uint8_t mode = 0;
  bool is_flag = false;  // .trans, .acq_rel, ... by instruction
  Space space = Space::kGeneric;
  void (*pointer)() = nullptr;  // a function of the instruction's family, cast back by it
  const void* data = nullptr;   // what else a family needs
};

struct Function;

/// A call: where its arguments and results lie in the caller's parameter memory.
struct Call {
  const Function* callee = nullptr;  // null: a builtin, or the function whose address is the instruction's operand
  bool is_builtin = false;
  std::vector<std::size_t> arguments, results;
};

/// A parameter or result of a device function, in the parameter memory of its frames.
struct Parameter {
  std::size_t offset, bytes;
};

struct alignas(64) ConstantRow {
  std::uint32_t lanes[kWarpSize];
};

struct Function {
  /// Tells functions apart for good: another may lie where that of an unloaded module lay.
  const std::uint64_t serial = next_serial();
  const Program* program = nullptr;
  std::string name;
  bool is_entry = false;
  std::vector<Instruction> code;
  std::vector<ConstantRow> constants;
  std::vector<Call> calls;
  std::vector<std::vector<std::int32_t>> branch_tables;
  std::size_t register_bytes = 0;  // of a frame of one warp, predicates included
  /// .param memory of a frame, per lane: the function's own parameters and results, and those of the calls it makes.
  std::size_t parameter_bytes = 0;
  std::vector<Parameter> parameters, results;
  std::size_t local_bytes = 0;
  std::int32_t local_base = -1;     // offset of the register row that holds the address of the frame's local memory
  bool has_global_atomics = false;  // itself or a function it calls
  // ---- of kernels
  KernelFacts facts;
  std::vector<LaunchMemory::SharedVariable> shared;  // static ones
  std::size_t dynamic_shared_offset = 0;             // behind them

 private:
  static std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
};

class Program {
 public:
  std::map<std::string, std::unique_ptr<Function>> functions;
  std::unordered_map<std::string, DeviceVariable> variables;
  std::unordered_map<Address, const Function*> function_at;  // by the addresses functions have as values
  /// Names and texts instructions point to.
  std::deque<std::string> texts;
};

}  // namespace emulator

#endif
