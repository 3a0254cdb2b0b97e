// Control flow and barriers: bra, brx.idx, call, ret, exit, trap, bar, barrier, and hints that do nothing here.
#include <cstdint>
#include <string>

#include "instructions/builtins.h"
#include "instructions/decoder.h"
#include "machine/block.h"
#include "program/sites.h"
#include "report.h"

namespace emulator {
namespace {

void run_nothing(Warp&, const Instruction&, LaneMask) {}

void run_grid_dependency_wait(Warp& warp, const Instruction&, LaneMask lanes) {
  warp.block.memory.grid_dependency_wait(warp.index, lanes);
}

void run_trap(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  fail_launch(Kind::kAssertion, "trap at " + site_text(instruction.site) + ", executed by " +
                                    warp.block.place(warp, __builtin_ctz(lanes)));
}

std::int32_t label_position(const Decoder& decoder, const std::string& label) {
  const auto found = decoder.scope.labels.find(label);
  if (found == decoder.scope.labels.end()) decoder.unknown();
  return found->second;
}

void decode_branch(Decoder& decoder) {
  decoder.out.flow = Flow::kBranch;
  decoder.out.target = label_position(decoder, decoder.operand(0).name);
}

void decode_branch_table(Decoder& decoder) {
  const ptx::Operand& labels = decoder.operand(1);
  if (!decoder.has("idx") || labels.form != ptx::Operand::Form::kVector) decoder.unknown();
  std::vector<std::int32_t> positions;
  for (const ptx::Operand& label : labels.elements) positions.push_back(label_position(decoder, label.name));
  decoder.out.flow = Flow::kBranchTable;
  decoder.out.target = static_cast<std::int32_t>(decoder.scope.function.branch_tables.size());
  decoder.scope.function.branch_tables.push_back(std::move(positions));
  decoder.source(decoder.operand(0), Operand::Width::kWord);
}

/// Where the variables named in a call's list lie in the caller's parameter memory.
std::vector<std::size_t> parameter_offsets(const Decoder& decoder, const ptx::Operand& list) {
  std::vector<std::size_t> offsets;
  for (const ptx::Operand& element : list.elements) {
    const Symbol* const symbol = decoder.scope.find(element.name);
    if (symbol == nullptr || symbol->kind != Symbol::Kind::kFrameParameter) decoder.unknown();
    offsets.push_back(symbol->value);
  }
  return offsets;
}

void set_callee(Decoder& decoder, const std::string& name, Call& call) {
  const auto callee = decoder.scope.program.functions.find(name);
  if (callee == decoder.scope.program.functions.end()) decoder.unknown();
  call.callee = callee->second.get();
  if (call.callee->parameters.size() != call.arguments.size() || call.callee->results.size() != call.results.size())
    decoder.unknown();
}

void decode_call(Decoder& decoder) {
  const std::string& name = decoder.operand(1).name;
  Function& caller = decoder.scope.function;
  Call call;
  call.results = parameter_offsets(decoder, decoder.operand(0));
  call.arguments = parameter_offsets(decoder, decoder.operand(2));
  decoder.out.target = static_cast<std::int32_t>(caller.calls.size());
  if (const Handler builtin = find_builtin(name)) {
    call.is_builtin = true;
    decoder.out.run = builtin;
  } else {
    decoder.out.flow = Flow::kCall;
    if (decoder.num_operands() == 3) {
      set_callee(decoder, name, call);
    } else {
      decoder.source(decoder.operand(1), Operand::Width::kWide);  // through an address; a prototype follows
    }
  }
  caller.calls.push_back(std::move(call));
}

void synchronise_warp(Warp& warp, const Instruction&, LaneMask lanes, const CollectiveRow*, CollectiveRow*) {
  warp.block.memory.warp_barrier(warp.index, lanes);
}

void decode_warp_barrier(Decoder& decoder) {
  decoder.out.flow = Flow::kCollective;
  decoder.out.collective = synchronise_warp;
  decoder.source(decoder.operand(0), Operand::Width::kWord);
  decoder.out.member_mask = 0;
}

// bar.sync a{, b}; bar.arrive a, b; bar.red.op d, a{, b}, p.
void decode_barrier(Decoder& decoder) {
  Instruction& out = decoder.out;
  if (decoder.has("cluster")) decoder.unknown();
  if (decoder.has("warp")) return decode_warp_barrier(decoder);
  const bool votes = decoder.has("red");
  out.flow = Flow::kBarrier;
  out.barrier = decoder.has("arrive") ? BarrierKind::kArrive
                : !votes              ? BarrierKind::kSync
                : decoder.has("popc") ? BarrierKind::kCount
                : decoder.has("and")  ? BarrierKind::kAnd
                                      : BarrierKind::kOr;
  std::size_t next = 0;
  if (votes)
    decoder.result(decoder.operand(next++), decoder.has("popc") ? Operand::Width::kWord : Operand::Width::kPredicate);
  const std::size_t last = decoder.num_operands() - (votes ? 1 : 0);
  while (next < last) decoder.source(decoder.operand(next++), Operand::Width::kWord);
  if (votes) decoder.source(decoder.operand(next), Operand::Width::kPredicate);
  if (out.barrier == BarrierKind::kArrive && out.num_operands != 2) decoder.unknown();
}

}  // namespace

void decode_control(Decoder& decoder) {
  const std::string& base = decoder.base();
  if (base == "bra") return decode_branch(decoder);
  if (base == "brx") return decode_branch_table(decoder);
  if (base == "call") return decode_call(decoder);
  if (base == "bar" || base == "barrier") return decode_barrier(decoder);
  if (base == "ret") {
    decoder.out.flow = Flow::kReturn;
  } else if (base == "exit") {
    decoder.out.flow = Flow::kExit;
  } else if (base == "griddepcontrol" && decoder.has("wait")) {
    decoder.out.run = run_grid_dependency_wait;
  } else {
    // griddepcontrol.launch_dependents orders nothing.
    decoder.out.run = base == "trap" ? run_trap : run_nothing;
  }
}

}  // namespace emulator
