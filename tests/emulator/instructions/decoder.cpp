#include "instructions/decoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>

#include "machine/warp.h"

namespace emulator {
namespace {

struct TypeFacts {
  int bytes;
  Operand::Width width;
};

const std::unordered_map<std::string, TypeFacts>& type_facts() {
  using Width = Operand::Width;
  static const std::unordered_map<std::string, TypeFacts> facts = {
      {"pred", {1, Width::kPredicate}}, {"b8", {1, Width::kWord}},   {"u8", {1, Width::kWord}},
      {"s8", {1, Width::kWord}},        {"b16", {2, Width::kWord}},  {"u16", {2, Width::kWord}},
      {"s16", {2, Width::kWord}},       {"f16", {2, Width::kWord}},  {"bf16", {2, Width::kWord}},
      {"b32", {4, Width::kWord}},       {"u32", {4, Width::kWord}},  {"s32", {4, Width::kWord}},
      {"f32", {4, Width::kWord}},       {"tf32", {4, Width::kWord}}, {"f16x2", {4, Width::kWord}},
      {"bf16x2", {4, Width::kWord}},    {"b64", {8, Width::kWide}},  {"u64", {8, Width::kWide}},
      {"s64", {8, Width::kWide}},       {"f64", {8, Width::kWide}},
  };
  return facts;
}

using Family = void (*)(Decoder&);

const std::unordered_map<std::string, Family>& families() {
  static const std::unordered_map<std::string, Family> table = [] {
    std::unordered_map<std::string, Family> made;
    const auto assign = [&](Family family, std::initializer_list<const char*> names) {
      for (const char* name : names) made[name] = family;
    };
    assign(decode_integer, {"add", "sub", "mul", "mad", "div", "rem", "abs", "neg", "min", "max", "sad", "mul24",
                            "mad24", "addc", "subc", "madc", "dp4a", "dp2a"});
    assign(decode_floating, {"fma", "ex2", "lg2", "rcp", "sqrt", "rsqrt", "sin", "cos", "tanh", "copysign", "testp"});
    assign(decode_bits, {"and", "or", "xor", "not", "cnot", "shl", "shr", "shf", "popc", "clz", "bfind", "brev", "bfe",
                         "bfi", "prmt", "lop3", "bmsk", "szext", "fns"});
    assign(decode_compare, {"setp", "set", "selp", "slct"});
    assign(decode_convert, {"cvt"});
    assign(decode_move, {"mov", "cvta", "isspacep"});
    assign(decode_memory, {"ld", "ldu", "st", "prefetch", "prefetchu", "discard", "membar", "fence"});
    assign(decode_atomic, {"atom", "red"});
    assign(decode_async_copy, {"cp"});
    assign(decode_warp, {"shfl", "vote", "match", "redux", "activemask", "elect"});
    assign(decode_matrix, {"mma", "ldmatrix", "stmatrix", "movmatrix"});
    assign(decode_control,
           {"bra", "brx", "call", "ret", "exit", "trap", "bar", "barrier", "nanosleep", "griddepcontrol", "pmevent"});
    return made;
  }();
  return table;
}

}  // namespace

bool is_type(const std::string& modifier) { return type_facts().count(modifier) != 0; }
Operand::Width width_of(const std::string& type) { return type_facts().at(type).width; }
int bytes_of(const std::string& type) { return type_facts().at(type).bytes; }

const Symbol* FunctionScope::find(const std::string& name) const {
  const auto found = symbols.find(name);
  return found == symbols.end() ? nullptr : &found->second;
}

Operand FunctionScope::constant(std::uint64_t value, Operand::Width width) {
  if (width == Operand::Width::kPredicate) value = value != 0 ? kAllLanes : 0;
  const auto [place, is_new] = constants_.emplace(std::make_pair(value, width), Operand{});
  if (!is_new) return place->second;
  std::vector<ConstantRow>& rows = function.constants;
  place->second = {static_cast<std::int32_t>(rows.size() * sizeof(ConstantRow)), Operand::Base::kConstants, width};
  rows.emplace_back();
  if (width == Operand::Width::kWide) {
    rows.emplace_back();
    const std::array<std::uint64_t, kWarpSize / 2> half = [&] {
      std::array<std::uint64_t, kWarpSize / 2> filled;
      filled.fill(value);
      return filled;
    }();
    for (std::size_t k = 0; k < 2; ++k) std::memcpy(rows[rows.size() - 2 + k].lanes, half.data(), sizeof half);
  } else {
    std::fill(std::begin(rows.back().lanes), std::end(rows.back().lanes), static_cast<std::uint32_t>(value));
  }
  return place->second;
}

Operand FunctionScope::local_base() {
  if (function.local_base < 0) {
    function.local_base = static_cast<std::int32_t>(function.register_bytes);
    function.register_bytes += kWideRowBytes;
  }
  return {function.local_base, Operand::Base::kRegisters, Operand::Width::kWide};
}

Operand FunctionScope::carry() {
  if (carry_.width == Operand::Width::kNone) {
    carry_ = {static_cast<std::int32_t>(function.register_bytes), Operand::Base::kRegisters,
              Operand::Width::kPredicate};
    function.register_bytes += sizeof(std::uint64_t);
  }
  return carry_;
}

bool Decoder::has(const char* modifier) const {
  return std::find(text.mnemonic.begin() + 1, text.mnemonic.end(), modifier) != text.mnemonic.end();
}

const std::string& Decoder::type(int n) const {
  std::vector<const std::string*> types;
  for (std::size_t k = 1; k < text.mnemonic.size(); ++k) {
    if (is_type(text.mnemonic[k])) types.push_back(&text.mnemonic[k]);
  }
  const int place = n < 0 ? static_cast<int>(types.size()) + n : n;
  if (place < 0 || place >= static_cast<int>(types.size())) unknown();
  return *types[static_cast<std::size_t>(place)];
}

const ptx::Operand& Decoder::operand(std::size_t n) const {
  if (n >= text.operands.size()) unknown();
  return text.operands[n];
}

void Decoder::unknown() const { throw UnknownInstruction(text.text); }

void Decoder::add(const Operand& resolved) {
  if (out.num_operands >= out.operands.size()) unknown();
  out.operands[out.num_operands++] = resolved;
}

void Decoder::result(const ptx::Operand& named, Operand::Width width) {
  const Operand resolved = resolve(named, width);
  if (resolved.width != Operand::Width::kNone &&
      (resolved.width != width || resolved.base != Operand::Base::kRegisters))
    unknown();
  add(resolved);
  out.num_results = out.num_operands;
}

void Decoder::source(const ptx::Operand& named, Operand::Width width) {
  const Operand resolved = resolve(named, width);
  if (resolved.width != width) unknown();
  add(resolved);
}

void Decoder::uniform_operands(std::size_t num_sources, Operand::Width width) {
  if (num_operands() != num_sources + 1) unknown();
  result(operand(0), width);
  for (std::size_t k = 1; k <= num_sources; ++k) source(operand(k), width);
}

void Decoder::relaxed_result(const ptx::Operand& named) {
  const Operand resolved = resolve(named, Operand::Width::kWord);
  if (resolved.width != Operand::Width::kNone && resolved.base != Operand::Base::kRegisters) unknown();
  add(resolved);
  out.num_results = out.num_operands;
}

void Decoder::relaxed_source(const ptx::Operand& named, Operand::Width width) { add(resolve(named, width)); }

std::int64_t Decoder::immediate(const ptx::Operand& named) const {
  if (named.form != ptx::Operand::Form::kInteger) unknown();
  return static_cast<std::int64_t>(named.value);
}

Operand Decoder::place(const Symbol& symbol, std::int64_t offset, Operand::Width width) {
  if (symbol.kind == Symbol::Kind::kRegister) {
    if (offset != 0) unknown();
    return symbol.operand;
  }
  if (symbol.kind == Symbol::Kind::kLocal) unknown();
  return scope.constant(symbol.value + static_cast<std::uint64_t>(offset), width);
}

Operand Decoder::resolve(const ptx::Operand& named, Operand::Width width) {
  using Form = ptx::Operand::Form;
  switch (named.form) {
    case Form::kInteger:
    case Form::kFloat32:
    case Form::kFloat64: return scope.constant(named.value, width);
    case Form::kNotName: {
      Operand negated = resolve(ptx::Operand{Form::kName, named.name, 0, {}}, width);
      if (negated.width != Operand::Width::kPredicate) unknown();
      negated.is_negated = true;
      return negated;
    }
    case Form::kName:
      if (named.name == "_") return {};
      break;
    case Form::kSum: break;
    default: unknown();
  }
  const std::string& name = named.form == Form::kSum ? named.elements.at(0).name : named.name;
  const Symbol* const symbol = scope.find(name);
  if (symbol == nullptr) throw UnknownInstruction(text.text + " (unknown name " + name + ")");
  return place(*symbol, named.form == Form::kSum ? static_cast<std::int64_t>(named.value) : 0, width);
}

void Decoder::address(const ptx::Operand& named, Space space) {
  if (named.form != ptx::Operand::Form::kAddress) unknown();
  const ptx::Operand& base = named.elements.at(0);
  out.displacement = static_cast<std::int64_t>(named.value);
  const Symbol* const symbol = base.form == ptx::Operand::Form::kName ? scope.find(base.name) : nullptr;
  if (symbol != nullptr && symbol->kind == Symbol::Kind::kLocal) {
    out.displacement += static_cast<std::int64_t>(symbol->value);
    add(scope.local_base());
    return;
  }
  // Shared addresses are 32 or 64 bits wide, the others 64.
  add(resolve(base, space == Space::kShared ? Operand::Width::kWord : Operand::Width::kWide));
}

void decode(FunctionScope& scope, const ptx::Instruction& statement, Instruction& made) {
  Decoder decoder(scope, statement, made);
  const auto family = families().find(decoder.base());
  if (family == families().end()) decoder.unknown();
  family->second(decoder);
}

}  // namespace emulator
