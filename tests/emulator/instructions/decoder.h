#ifndef ARLOSS_TESTS_EMULATOR_INSTRUCTIONS_DECODER_H
#define ARLOSS_TESTS_EMULATOR_INSTRUCTIONS_DECODER_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "program/program.h"
#include "ptx/syntax.h"

namespace emulator {

/// What a name means where it is used.
struct Symbol {
  enum class Kind { kRegister, kAddress, kShared, kLocal, kKernelParameter, kFrameParameter };
  Kind kind;
  Operand operand;          // kRegister
  std::uint64_t value = 0;  // address or offset in the space of its kind
};

/// Thrown for an instruction the emulator does not know; it becomes one that stops the kernel when it is reached.
struct UnknownInstruction : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Names of one function and of its module, and the function that is being made.
class FunctionScope {
 public:
  FunctionScope(Program& owner, Function& made) : program(owner), function(made) {}

  Program& program;
  Function& function;
  std::unordered_map<std::string, Symbol> symbols;
  std::unordered_map<std::string, std::int32_t> labels;

  const Symbol* find(const std::string& name) const;
  /// The row of an immediate; equal ones share one.
  Operand constant(std::uint64_t value, Operand::Width width);
  /// The wide row with the address of the frame's local memory.
  Operand local_base();
  /// The predicate that carries from add.cc to addc.
  Operand carry();

 private:
  Operand carry_;
  std::map<std::pair<std::uint64_t, Operand::Width>, Operand> constants_;
};

/// One statement on its way to an Instruction. The families of instructions (one file each) read the statement's parts
/// through it and add the operands, results first.
class Decoder {
 public:
  Decoder(FunctionScope& names, const ptx::Instruction& statement, Instruction& made)
      : scope(names), text(statement), out(made) {}

  FunctionScope& scope;
  const ptx::Instruction& text;
  Instruction& out;

  const std::string& base() const { return text.mnemonic.front(); }
  bool has(const char* modifier) const;
  /// The n-th modifier that names a type ("u32", "f16x2", ...); negative n counts from the end. Throws where there is
  /// none.
  const std::string& type(int n = 0) const;
  const ptx::Operand& operand(std::size_t n) const;
  std::size_t num_operands() const { return text.operands.size(); }

  /// Adds an operand of exactly this width. "_" is a result that is dropped.
  void result(const ptx::Operand& named, Operand::Width width);
  void source(const ptx::Operand& named, Operand::Width width);
  /// Adds a statement's only operands: a result and `num_sources` sources, all of one width.
  void uniform_operands(std::size_t num_sources, Operand::Width width);
  /// Adds a register of any width (loads, stores and conversions take wider ones); immediates get `width`.
  void relaxed_result(const ptx::Operand& named);
  void relaxed_source(const ptx::Operand& named, Operand::Width width);
  void add(const Operand& resolved);
  /// [base + displacement]: adds the base as a source and sets out.displacement. `width` is that of shared addresses.
  void address(const ptx::Operand& named, Space space);

  Operand resolve(const ptx::Operand& named, Operand::Width width);
  /// The integer an immediate operand stands for. Throws where it is not one.
  std::int64_t immediate(const ptx::Operand& named) const;

  [[noreturn]] void unknown() const;

 private:
  Operand place(const Symbol& symbol, std::int64_t offset, Operand::Width width);
};

/// Width of a row that holds values of a type: "u16", "b32", "f64", "pred", "bf16x2", ...
Operand::Width width_of(const std::string& type);
/// Bytes of one value of a type.
int bytes_of(const std::string& type);
bool is_type(const std::string& modifier);

/// Decodes one statement. Throws UnknownInstruction.
void decode(FunctionScope& scope, const ptx::Instruction& statement, Instruction& made);

// The families. Each decodes the statements whose first word its table in decoder.cpp sends to it.
void decode_integer(Decoder& decoder);
void decode_floating(Decoder& decoder);
void decode_half(Decoder& decoder);
void decode_bits(Decoder& decoder);
void decode_compare(Decoder& decoder);
void decode_convert(Decoder& decoder);
void decode_move(Decoder& decoder);
void decode_memory(Decoder& decoder);
void decode_atomic(Decoder& decoder);
void decode_async_copy(Decoder& decoder);
void decode_warp(Decoder& decoder);
void decode_matrix(Decoder& decoder);
void decode_control(Decoder& decoder);

/// Calls made(Tag<T>{}) with the C++ type of a PTX integer type; false where it is none. Bit types are unsigned.
template <class T>
struct Tag {
  using Type = T;
};
template <class Made>
bool with_integer(const std::string& type, Made&& made) {
  const bool is_bits = type[0] == 'u' || type[0] == 'b';
  if (type.size() == 3 && is_bits && type.substr(1) == "16") return made(Tag<std::uint16_t>{}), true;
  if (type.size() == 3 && is_bits && type.substr(1) == "32") return made(Tag<std::uint32_t>{}), true;
  if (type.size() == 3 && is_bits && type.substr(1) == "64") return made(Tag<std::uint64_t>{}), true;
  if (type == "s16") return made(Tag<std::int16_t>{}), true;
  if (type == "s32") return made(Tag<std::int32_t>{}), true;
  if (type == "s64") return made(Tag<std::int64_t>{}), true;
  return false;
}
template <class Made>
bool with_float(const std::string& type, Made&& made) {
  if (type == "f32") return made(Tag<float>{}), true;
  if (type == "f64") return made(Tag<double>{}), true;
  return false;
}

}  // namespace emulator

#endif
