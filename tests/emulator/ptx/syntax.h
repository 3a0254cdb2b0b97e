#ifndef ARLOSS_TESTS_EMULATOR_PTX_SYNTAX_H
#define ARLOSS_TESTS_EMULATOR_PTX_SYNTAX_H

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

/// What a PTX file says, names still unresolved (PTX ISA, "Syntax" and "Directives").
namespace emulator::ptx {

/// A place in the CUDA source, from .file and .loc.
struct Location {
  std::uint32_t file = 0;        // index into Module::files
  std::uint32_t line = 0;        // 0: the compiler knew none
  std::int32_t inlined_at = -1;  // index into Module::locations of the call this was inlined into; -1: not inlined
};

struct Operand {
  enum class Form {
    kName,     // %r1, symbol, %tid.x, or _ (no destination)
    kNotName,  // !%p1
    kInteger,  // 12, -3, 0xFF: value
    kFloat32,  // 0f3F800000: value holds the bits
    kFloat64,  // 0d3FF0000000000000: value holds the bits
    kAddress,  // [name+offset], [name], [integer]: elements[0] is the base, value the offset; coordinates follow it
    kVector,   // {a, b, ...}: elements
    kPair,     // %r1|%p1: elements
    kSum,      // name+offset outside brackets (initialisers, mov): elements[0] is the name, value the offset
  };
  Form form = Form::kName;
  std::string name;
  std::uint64_t value = 0;
  std::vector<Operand> elements;
};

struct Instruction {
  std::string guard;  // the predicate register of @%p1; empty: always
  bool is_guard_negated = false;
  /// "ld.global.nc.v4.f32" split at its points. Never empty.
  std::vector<std::string> mnemonic;
  /// In the order of the text. A call has its returns as a kVector (empty where there are none), the function's name,
  /// and its arguments as a kVector, whatever of these the text leaves out; a prototype of an indirect call follows. A
  /// brx.idx has the labels of its .branchtargets, as a kVector, in place of their name.
  std::vector<Operand> operands;
  std::uint32_t location = 0;  // index into Module::locations
  std::string text;            // the statement in one line, for messages
};

/// A declared place in memory: .global .align 4 .b8 table[16] = {...}, a .shared array, a .param of a function.
struct Variable {
  enum class Space { kGlobal, kConst, kShared, kLocal, kParam };
  Space space = Space::kGlobal;
  std::string name;
  std::size_t alignment = 1;
  std::size_t bytes = 0;  // 0 for an array of unknown length (extern shared memory)
  bool is_extern = false;
  /// Initial bytes, as many as the text gives; the rest is zero.
  std::vector<std::uint8_t> initial;
  /// Addresses to be put into the initial bytes: 8 bytes at `offset` are the generic address of `symbol` plus `addend`.
  struct Reference {
    std::size_t offset;
    std::string symbol;
    std::int64_t addend;
  };
  std::vector<Reference> references;
};

/// .reg .b32 %r<8>: eight registers %r0 to %r7; count 0: one register of exactly this name.
struct RegisterRange {
  std::string type;  // "pred", "b16", "b32", "b64", "f32", "f64", "s32", ...
  std::string prefix;
  std::uint32_t count = 0;
};

struct Function {
  std::string name;
  bool is_entry = false;
  bool has_body = false;
  std::vector<Variable> parameters;  // space kParam
  std::vector<Variable> returns;     // of a .func
  std::vector<RegisterRange> registers;
  /// .shared, .local and .param variables of the body. A name declared in an inner scope ({ ... }), be it of a
  /// register, a variable or a label, is made unique by a "#" and a number, in its declaration and wherever it is used.
  std::vector<Variable> variables;
  std::vector<Instruction> body;
  struct Label {
    std::string name;
    std::size_t position;  // index into body of the instruction that follows; body.size() at the end
  };
  std::vector<Label> labels;
  std::uint32_t max_threads = 0;  // product of .maxntid or .reqntid; 0: none given
};

struct Module {
  std::string target;               // "sm_80"
  std::vector<std::string> files;   // by .file number; names as given, unknown numbers empty
  std::vector<Location> locations;  // [0] is "unknown"
  std::vector<Variable> variables;  // .global, .const and module-level .shared
  std::vector<Function> functions;  // definitions and declarations; an .alias is a copy
};

struct SyntaxError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Parses a whole PTX module. Throws SyntaxError with the line of the PTX and its text.
Module parse(const std::string& text);

}  // namespace emulator::ptx

#endif
