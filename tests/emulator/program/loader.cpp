#include "program/loader.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "instructions/decoder.h"
#include "machine/warp.h"
#include "memory/device_heap.h"
#include "program/sites.h"

namespace emulator {
namespace {

// Room for the local variables of functions a kernel calls; CUDA's default stack of a thread is 1024 bytes.
constexpr std::size_t kCallStackBytes = 4096;
constexpr std::size_t kDynamicAlignment = 16;

std::size_t align_up(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

const std::vector<std::pair<const char*, Special>>& special_names() {
  static const std::vector<std::pair<const char*, Special>> names = {
      {"%tid.x", Special::kTidX},
      {"%tid.y", Special::kTidY},
      {"%tid.z", Special::kTidZ},
      {"%ntid.x", Special::kNtidX},
      {"%ntid.y", Special::kNtidY},
      {"%ntid.z", Special::kNtidZ},
      {"%ctaid.x", Special::kCtaidX},
      {"%ctaid.y", Special::kCtaidY},
      {"%ctaid.z", Special::kCtaidZ},
      {"%nctaid.x", Special::kNctaidX},
      {"%nctaid.y", Special::kNctaidY},
      {"%nctaid.z", Special::kNctaidZ},
      {"%laneid", Special::kLaneId},
      {"%warpid", Special::kWarpId},
      {"%nwarpid", Special::kNwarpId},
      {"%lanemask_eq", Special::kLanemaskEq},
      {"%lanemask_lt", Special::kLanemaskLt},
      {"%lanemask_le", Special::kLanemaskLe},
      {"%lanemask_gt", Special::kLanemaskGt},
      {"%lanemask_ge", Special::kLanemaskGe},
      {"%dynamic_smem_size", Special::kDynamicSharedSize},
      {"%total_smem_size", Special::kTotalSharedSize}};
  return names;
}

/// The name a shared variable has in the source: `s` for the mangled name of a variable s of a kernel.
std::string source_name(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status),
                                                    std::free);
  if (status != 0) return mangled;
  const std::string whole = text.get();
  const std::size_t last = whole.rfind("::");
  return last == std::string::npos ? whole : whole.substr(last + 2);
}

/// Makes a Program of a parsed module: first everything that has a place, then the instructions, which name it.
class Loader {
 public:
  explicit Loader(const ptx::Module& module) : module_(module), program_(std::make_shared<Program>()) {}

  std::shared_ptr<Program> load() {
    add_sites();
    for (const ptx::Function& source : module_.functions) declare(source);
    place_variables();
    for (const ptx::Function& source : module_.functions) {
      if (source.has_body) define(source);
    }
    find_atomics_of_callees();
    return program_;
  }

 private:
  using Variable = ptx::Variable;

  void add_sites() {
    for (std::size_t k = 0; k < module_.locations.size(); ++k) sites_.push_back(k == 0 ? 0 : add_site(site_name(k)));
  }

  std::string site_name(std::size_t index) const {
    const ptx::Location& location = module_.locations[index];
    std::string file = location.file < module_.files.size() ? module_.files[location.file] : "";
    file = file.substr(file.rfind('/') + 1);
    std::string name = (file.empty() ? "?" : file) + ":" + std::to_string(location.line);
    if (location.inlined_at > 0) name += ", inlined at " + site_name(static_cast<std::size_t>(location.inlined_at));
    return name;
  }

  void place_variables() {
    for (const Variable& variable : module_.variables) {
      if (variable.space == Variable::Space::kShared) {
        add_shared(module_shared_, module_shared_end_, variable);
      } else if (!variable.is_extern) {
        place_in_device_memory(variable);
      }
    }
    for (const Variable& variable : module_.variables) write_references(variable);
  }

  void place_in_device_memory(const Variable& variable) {
    DeviceHeap& heap = DeviceHeap::get();
    const Address address = heap.allocate(variable.bytes, "variable " + variable.name);
    if (address == 0) throw std::runtime_error("no device memory for variable " + variable.name);
    std::memset(heap.backing(address), 0, variable.bytes);
    if (!variable.initial.empty())
      std::memcpy(heap.backing(address), variable.initial.data(), std::min(variable.bytes, variable.initial.size()));
    note_host_write(address, variable.bytes, OperationOrder{}, "initial value");
    program_->variables[variable.name] = {address, variable.bytes};
    Symbol symbol{Symbol::Kind::kAddress, {}, address};
    globals_[variable.name] = symbol;
  }

  void write_references(const Variable& variable) {
    for (const Variable::Reference& reference : variable.references) {
      const auto target = globals_.find(reference.symbol), own = globals_.find(variable.name);
      if (target == globals_.end() || own == globals_.end())
        throw std::runtime_error("variable " + variable.name + " holds the address of " + reference.symbol +
                                 ", which is not a variable in device memory");
      const std::uint64_t value = target->second.value + static_cast<std::uint64_t>(reference.addend);
      std::memcpy(DeviceHeap::get().backing(own->second.value) + reference.offset, &value, sizeof value);
    }
  }

  /// The next variable of a window of shared memory; extern ones have no place of their own.
  void add_shared(std::vector<LaunchMemory::SharedVariable>& window, std::size_t& end, const Variable& variable) {
    if (variable.is_extern) {
      dynamic_shared_.push_back(variable.name);
      dynamic_alignment_ = std::max(dynamic_alignment_, variable.alignment);
      return;
    }
    const std::size_t offset = align_up(end, std::max<std::size_t>(variable.alignment, 1));
    window.push_back({variable.name, offset, variable.bytes});
    end = offset + variable.bytes + BlockMemory::kSharedGap;
  }

  /// Offsets of parameters, results, scoped .param variables, locals and shared variables of a function.
  void declare(const ptx::Function& source) {
    if (!source.has_body) return;
    auto made = std::make_unique<Function>();
    made->name = source.name;
    made->is_entry = source.is_entry;
    if (source.is_entry) {
      lay_out_kernel(source, *made);
    } else {
      for (const Variable& variable : source.parameters) made->parameters.push_back(place_parameter(*made, variable));
      for (const Variable& variable : source.returns) made->results.push_back(place_parameter(*made, variable));
      std::vector<LaunchMemory::SharedVariable>& window = module_shared_;
      for (const Variable& variable : source.variables) {
        if (variable.space == Variable::Space::kShared) add_shared(window, module_shared_end_, variable);
      }
    }
    made->program = program_.get();
    if (!source.is_entry) give_address(*made);
    program_->functions[source.name] = std::move(made);
  }

  /// An address for pointers to the function; nothing can be read there.
  void give_address(const Function& function) {
    const Address address = DeviceHeap::get().allocate(0, "function " + function.name);
    program_->function_at[address] = &function;
    globals_[function.name] = Symbol{Symbol::Kind::kAddress, {}, address};
  }

  static Parameter place_parameter(Function& function, const Variable& variable) {
    const std::size_t offset = align_up(function.parameter_bytes, std::max<std::size_t>(variable.alignment, 1));
    function.parameter_bytes = offset + variable.bytes;
    return {offset, variable.bytes};
  }

  static void lay_out_kernel(const ptx::Function& source, Function& kernel) {
    KernelFacts& facts = kernel.facts;
    for (const Variable& variable : source.parameters) {
      facts.parameter_buffer_bytes =
          align_up(facts.parameter_buffer_bytes, std::max<std::size_t>(variable.alignment, 1));
      facts.parameter_offsets.push_back(facts.parameter_buffer_bytes);
      facts.parameter_bytes.push_back(variable.bytes);
      facts.parameter_buffer_bytes += variable.bytes;
    }
    facts.max_threads = source.max_threads != 0 ? source.max_threads : kMaxThreads;
  }

  void define(const ptx::Function& source) {
    Function& function = *program_->functions.at(source.name);
    FunctionScope scope(*program_, function);
    scope.symbols = globals_;
    name_registers(source, scope);
    name_variables(source, scope);
    for (const ptx::Function::Label& label : source.labels)
      scope.labels[label.name] = static_cast<std::int32_t>(label.position);
    function.code.reserve(source.body.size() + 1);
    for (const ptx::Instruction& statement : source.body) function.code.push_back(decoded(scope, statement));
    // A body may end without ret.
    Instruction end;
    end.flow = Flow::kReturn;
    end.name = "the end of the function";
    function.code.push_back(end);
    function.local_bytes = align_up(function.local_bytes, 16);
    if (function.is_entry) finish_kernel(function);
  }

  void name_registers(const ptx::Function& source, FunctionScope& scope) const {
    for (const auto& [name, special] : special_names()) {
      Symbol symbol{Symbol::Kind::kRegister, {}, 0};
      symbol.operand = {static_cast<std::int32_t>(static_cast<std::size_t>(special) * kWordRowBytes),
                        Operand::Base::kSpecials, Operand::Width::kWord};
      scope.symbols[name] = symbol;
    }
    std::size_t& bytes = scope.function.register_bytes;
    for (const ptx::RegisterRange& range : source.registers) {
      if (!is_type(range.type)) throw std::runtime_error("registers of type ." + range.type + " in " + source.name);
      const Operand::Width width = width_of(range.type);
      const std::size_t row = width == Operand::Width::kPredicate ? sizeof(std::uint64_t)
                              : width == Operand::Width::kWide    ? kWideRowBytes
                                                                  : kWordRowBytes;
      bytes = align_up(bytes, width == Operand::Width::kPredicate ? sizeof(std::uint64_t) : 64);
      for (std::uint32_t k = 0; k < std::max(range.count, 1u); ++k) {
        Symbol symbol{Symbol::Kind::kRegister, {}, 0};
        symbol.operand = {static_cast<std::int32_t>(bytes), Operand::Base::kRegisters, width};
        scope.symbols[range.count == 0 ? range.prefix : range.prefix + std::to_string(k)] = symbol;
        bytes += row;
      }
    }
    bytes = align_up(bytes, 64);
  }

  void name_variables(const ptx::Function& source, FunctionScope& scope) {
    Function& function = scope.function;
    for (std::size_t k = 0; k < source.parameters.size(); ++k) {
      scope.symbols[source.parameters[k].name] =
          function.is_entry ? Symbol{Symbol::Kind::kKernelParameter, {}, function.facts.parameter_offsets[k]}
                            : Symbol{Symbol::Kind::kFrameParameter, {}, function.parameters[k].offset};
    }
    for (std::size_t k = 0; k < source.returns.size(); ++k)
      scope.symbols[source.returns[k].name] = Symbol{Symbol::Kind::kFrameParameter, {}, function.results[k].offset};
    std::size_t shared_end = module_shared_end_;
    function.shared = module_shared_;
    for (const Variable& variable : source.variables) name_variable(variable, scope, shared_end);
    // No better aligned than promised, so that code which counts on more is found out.
    const std::size_t alignment = std::max(dynamic_alignment_, kDynamicAlignment);
    function.dynamic_shared_offset = align_up(shared_end, 2 * alignment) + alignment;
    for (const LaunchMemory::SharedVariable& variable : function.shared)
      scope.symbols[variable.name] = Symbol{Symbol::Kind::kShared, {}, variable.offset};
    for (const std::string& name : dynamic_shared_)
      scope.symbols[name] = Symbol{Symbol::Kind::kShared, {}, function.dynamic_shared_offset};
  }

  void name_variable(const Variable& variable, FunctionScope& scope, std::size_t& shared_end) {
    Function& function = scope.function;
    switch (variable.space) {
      case Variable::Space::kShared:
        if (function.is_entry) add_shared(function.shared, shared_end, variable);
        break;
      case Variable::Space::kLocal:
        function.local_bytes = align_up(function.local_bytes, std::max<std::size_t>(variable.alignment, 1));
        scope.symbols[variable.name] = Symbol{Symbol::Kind::kLocal, {}, function.local_bytes};
        function.local_bytes += variable.bytes;
        break;
      case Variable::Space::kParam:
        scope.symbols[variable.name] =
            Symbol{Symbol::Kind::kFrameParameter, {}, place_parameter(function, variable).offset};
        break;
      default: place_in_device_memory(variable); scope.symbols[variable.name] = globals_.at(variable.name);
    }
  }

  const char* keep(const std::string& text) { return program_->texts.emplace_back(text).c_str(); }

  Instruction decoded(FunctionScope& scope, const ptx::Instruction& statement) {
    Instruction made;
    try {
      decode(scope, statement, made);
      std::string name = statement.mnemonic.front();
      for (std::size_t k = 1; k < statement.mnemonic.size(); ++k) name += "." + statement.mnemonic[k];
      made.name = keep(name);
    } catch (const UnknownInstruction& unknown) {
      made = Instruction{};
      made.flow = Flow::kFail;
      made.name = keep(std::string("unknown instruction `") + unknown.what() + "`");
    }
    made.site = sites_.at(statement.location);
    if (!statement.guard.empty()) {
      const Symbol* const guard = scope.find(statement.guard);
      if (guard == nullptr) throw std::runtime_error("unknown predicate in `" + statement.text + "`");
      made.has_guard = true;
      made.guard = guard->operand;
      made.is_guard_negated = statement.is_guard_negated;
    }
    return made;
  }

  static void finish_kernel(Function& kernel) {
    const bool has_calls =
        std::any_of(kernel.calls.begin(), kernel.calls.end(), [](const Call& call) { return !call.is_builtin; });
    kernel.facts.local_bytes = kernel.local_bytes + (has_calls ? kCallStackBytes : 0);
    for (LaunchMemory::SharedVariable& variable : kernel.shared) {
      kernel.facts.static_shared_bytes += variable.bytes;
      variable.name = source_name(variable.name);
    }
    kernel.facts.num_registers = static_cast<int>(std::min<std::size_t>(kernel.register_bytes / kWordRowBytes, 255));
  }

  /// Of a call through an address any function may be the callee.
  bool calls_atomics(const Call& call) const {
    if (call.is_builtin) return false;
    if (call.callee != nullptr) return call.callee->has_global_atomics;
    return std::any_of(program_->function_at.begin(), program_->function_at.end(),
                       [](const auto& known) { return known.second->has_global_atomics; });
  }

  void find_atomics_of_callees() {
    for (bool changes = true; changes;) {
      changes = false;
      for (const auto& [name, function] : program_->functions) {
        if (function->has_global_atomics) continue;
        function->has_global_atomics = std::any_of(function->calls.begin(), function->calls.end(),
                                                   [&](const Call& call) { return calls_atomics(call); });
        changes |= function->has_global_atomics;
      }
    }
  }

  const ptx::Module& module_;
  std::shared_ptr<Program> program_;
  std::vector<std::uint32_t> sites_;
  std::unordered_map<std::string, Symbol> globals_;
  std::vector<LaunchMemory::SharedVariable> module_shared_;
  std::size_t module_shared_end_ = 0;
  std::vector<std::string> dynamic_shared_;
  std::size_t dynamic_alignment_ = 1;
};

}  // namespace

std::shared_ptr<Program> load_module(const ptx::Module& module) { return Loader(module).load(); }

}  // namespace emulator
