// mma, ldmatrix, stmatrix, movmatrix: all 32 lanes of a warp.
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "instructions/decoder.h"
#include "machine/block.h"
#include "program/sites.h"
#include "report.h"
#include "semantics/matrix.h"

namespace emulator {
namespace {

using semantics::MmaShape;
using semantics::Type;

void need_all_lanes(const Instruction& instruction, LaneMask lanes) {
  if (lanes == kAllLanes) return;
  fail_launch(Kind::kWarpMismatch, std::string(instruction.name) + " at " + site_text(instruction.site) +
                                       " needs all 32 lanes of a warp; some have exited or do not exist");
}

// sources: rows of A, B and C.
void multiply(Warp&, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
              CollectiveRow* results) {
  need_all_lanes(instruction, lanes);
  const auto& mma = *static_cast<const semantics::Mma*>(instruction.data);
  const void *a[4], *b[4], *c[4];
  void* d[4];
  // Registers of 8 bytes are gathered as two halves, and must be whole for the product.
  std::uint64_t wide[8][kWarpSize];
  const bool is_wide = instruction.bytes == 8;
  int next = 0;
  const auto row = [&](int k) -> const void* {
    if (!is_wide) return sources[k].low;
    for (int lane = 0; lane < kWarpSize; ++lane)
      wide[k][lane] = static_cast<std::uint64_t>(sources[k].high[lane]) << 32 | sources[k].low[lane];
    return wide[k];
  };
  for (int k = 0; k < mma.a_registers; ++k) a[k] = row(next++);
  for (int k = 0; k < mma.b_registers; ++k) b[k] = row(next++);
  for (int k = 0; k < mma.c_registers; ++k) c[k] = row(next++);
  std::uint64_t wide_results[2][kWarpSize];
  for (int k = 0; k < mma.c_registers; ++k) d[k] = is_wide ? static_cast<void*>(wide_results[k]) : results[k].low;
  mma.run(a, b, c, d);
  if (!is_wide) return;
  for (int k = 0; k < mma.c_registers; ++k) {
    for (int lane = 0; lane < kWarpSize; ++lane) {
      results[k].low[lane] = static_cast<std::uint32_t>(wide_results[k][lane]);
      results[k].high[lane] = static_cast<std::uint32_t>(wide_results[k][lane] >> 32);
    }
  }
}

const std::map<std::string, Type>& element_types() {
  static const std::map<std::string, Type> types = {{"f16", Type::kF16}, {"bf16", Type::kBf16}, {"tf32", Type::kTf32},
                                                    {"f64", Type::kF64}, {"s8", Type::kS8},     {"u8", Type::kU8},
                                                    {"f32", Type::kF32}, {"s32", Type::kS32}};
  return types;
}

/// Kept for the life of the process: instructions point to them.
const semantics::Mma* keep(const semantics::Mma& mma) {
  static std::mutex mutex;
  static auto* const kept = new std::map<semantics::MmaFunction, semantics::Mma>;
  const std::lock_guard<std::mutex> lock(mutex);
  return &kept->emplace(mma.run, mma).first->second;
}

void decode_mma(Decoder& decoder) {
  static const std::map<std::string, MmaShape> kShapes = {
      {"m8n8k4", MmaShape::kM8n8k4},   {"m8n8k16", MmaShape::kM8n8k16},   {"m16n8k4", MmaShape::kM16n8k4},
      {"m16n8k8", MmaShape::kM16n8k8}, {"m16n8k16", MmaShape::kM16n8k16}, {"m16n8k32", MmaShape::kM16n8k32}};
  // mma.sync.aligned.SHAPE.row.col[.satfinite].D.A.B.C
  const std::vector<std::string>& words = decoder.text.mnemonic;
  if (words.size() < 10 || words[1] != "sync" || words[4] != "row" || words[5] != "col") decoder.unknown();
  const auto shape = kShapes.find(words[3]);
  const bool saturates = decoder.has("satfinite");
  const std::size_t first = saturates ? 7 : 6;
  if (shape == kShapes.end() || words.size() != first + 4) decoder.unknown();
  const auto type = [&](std::size_t k) {
    const auto found = element_types().find(words[first + k]);
    if (found == element_types().end()) decoder.unknown();
    return found->second;
  };
  if (type(0) != type(3)) decoder.unknown();
  const semantics::Mma mma = semantics::find_mma({shape->second, type(1), type(2), type(0), saturates});
  if (mma.run == nullptr) decoder.unknown();
  Instruction& out = decoder.out;
  out.data = keep(mma);
  out.bytes = type(0) == Type::kF64 ? 8 : 4;
  out.collective = multiply;
  const auto width = out.bytes == 8 ? Operand::Width::kWide : Operand::Width::kWord;
  for (const ptx::Operand& element : decoder.operand(0).elements) decoder.result(element, width);
  for (std::size_t k = 1; k < 4; ++k) {
    const ptx::Operand& operand = decoder.operand(k);
    if (operand.form != ptx::Operand::Form::kVector) decoder.unknown();
    for (const ptx::Operand& element : operand.elements) decoder.source(element, width);
  }
  if (out.num_results != mma.c_registers || out.num_operands != mma.a_registers + mma.b_registers + 2 * mma.c_registers)
    decoder.unknown();
}

// The addresses of ldmatrix and stmatrix: eight rows for each matrix, given by as many lanes.
void matrix_rows(Warp& warp, const Instruction& instruction, AccessKind kind, const CollectiveRow& addresses,
                 std::byte** rows) {
  Address row_addresses[kWarpSize];
  const LaneMask givers = kAllLanes >> (kWarpSize - semantics::kMatrixRows * instruction.elements);
  for_each_lane(givers, [&](int lane) {
    row_addresses[lane] = addresses.low[lane] + static_cast<std::uint32_t>(instruction.displacement);
  });
  WarpAccess access{kind, Space::kShared, false, warp.index, givers, semantics::kMatrixRowBytes, instruction.site};
  warp.block.memory.access(access, row_addresses, rows);
}

void load_matrices(Warp& warp, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
                   CollectiveRow* results) {
  need_all_lanes(instruction, lanes);
  std::byte* rows[kWarpSize];
  matrix_rows(warp, instruction, AccessKind::kRead, sources[0], rows);
  for (int k = 0; k < instruction.elements; ++k)
    semantics::load_matrix(rows + semantics::address_lane(k, 0), instruction.is_flag, results[k].low);
}

void store_matrices(Warp& warp, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
                    CollectiveRow*) {
  need_all_lanes(instruction, lanes);
  std::byte* rows[kWarpSize];
  matrix_rows(warp, instruction, AccessKind::kWrite, sources[0], rows);
  for (int k = 0; k < instruction.elements; ++k)
    semantics::store_matrix(sources[1 + k].low, instruction.is_flag, rows + semantics::address_lane(k, 0));
}

void transpose(Warp&, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
               CollectiveRow* results) {
  need_all_lanes(instruction, lanes);
  semantics::transpose_matrix(sources[0].low, results[0].low);
}

void decode_load_store(Decoder& decoder) {
  Instruction& out = decoder.out;
  const bool loads = decoder.base() == "ldmatrix";
  if (!decoder.has("m8n8") || !decoder.has("b16") || !(decoder.has("shared") || decoder.has("shared::cta")))
    decoder.unknown();
  out.elements = decoder.has("x4") ? 4 : decoder.has("x2") ? 2 : 1;
  out.is_flag = decoder.has("trans");
  out.collective = loads ? load_matrices : store_matrices;
  const ptx::Operand& registers = decoder.operand(loads ? 0 : 1);
  if (registers.elements.size() != out.elements) decoder.unknown();
  if (loads) {
    for (const ptx::Operand& element : registers.elements) decoder.result(element, Operand::Width::kWord);
  }
  decoder.address(decoder.operand(loads ? 1 : 0), Space::kShared);
  if (!loads) {
    for (const ptx::Operand& element : registers.elements) decoder.source(element, Operand::Width::kWord);
  }
}

}  // namespace

void decode_matrix(Decoder& decoder) {
  const std::string& base = decoder.base();
  decoder.out.flow = Flow::kCollective;
  if (base == "mma") return decode_mma(decoder);
  if (base != "movmatrix") return decode_load_store(decoder);
  if (!decoder.has("trans") || !decoder.has("b16")) decoder.unknown();
  decoder.out.collective = transpose;
  decoder.result(decoder.operand(0), Operand::Width::kWord);
  decoder.source(decoder.operand(1), Operand::Width::kWord);
}

}  // namespace emulator
