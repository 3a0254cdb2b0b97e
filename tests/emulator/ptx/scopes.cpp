#include "ptx/scopes.h"

#include <utility>

namespace emulator::ptx {
namespace {

void rename_labels(Operand& operand, const std::unordered_map<std::string, std::string>& labels) {
  if (operand.form == Operand::Form::kName) {
    if (const auto found = labels.find(operand.name); found != labels.end()) operand.name = found->second;
  }
  for (Operand& element : operand.elements) rename_labels(element, labels);
}

void insert_branch_table(Instruction& instruction,
                         const std::unordered_map<std::string, std::vector<std::string>>& tables) {
  if (instruction.mnemonic.front() != "brx" || instruction.operands.empty()) return;
  Operand& table = instruction.operands.back();
  const auto found = tables.find(table.name);
  if (table.form != Operand::Form::kName || found == tables.end()) return;
  Operand targets;
  targets.form = Operand::Form::kVector;
  for (const std::string& label : found->second) {
    targets.elements.emplace_back();
    targets.elements.back().name = label;
  }
  table = std::move(targets);
}

}  // namespace

Scopes::Scopes(Function& function) : function_(function) { scopes_.push_back({{}, 0, {}, {}, {}}); }

void Scopes::open() { scopes_.push_back({"#" + std::to_string(++opened_), function_.body.size(), {}, {}, {}}); }

void Scopes::close() {
  const Scope scope = std::move(scopes_.back());
  scopes_.pop_back();
  if (scope.labels.empty() && scope.branch_tables.empty()) return;
  for (std::size_t i = scope.first_instruction; i < function_.body.size(); ++i) {
    insert_branch_table(function_.body[i], scope.branch_tables);
    for (Operand& operand : function_.body[i].operands) rename_labels(operand, scope.labels);
  }
}

std::string Scopes::declare(std::string_view name) {
  Scope& scope = scopes_.back();
  std::string unique = std::string(name) + scope.suffix;
  // A name of the body needs no entry: it is what is left where no inner scope knows the name.
  if (!scope.suffix.empty()) scope.names[std::string(name)] = unique;
  return unique;
}

void Scopes::declare_label(std::string_view name) {
  Scope& scope = scopes_.back();
  std::string unique = std::string(name) + scope.suffix;
  function_.labels.push_back({unique, function_.body.size()});
  if (!scope.suffix.empty()) scope.labels[std::string(name)] = std::move(unique);
}

void Scopes::declare_branch_table(std::string_view name, std::vector<std::string> labels) {
  scopes_.back().branch_tables[std::string(name)] = std::move(labels);
}

void Scopes::resolve(Instruction& instruction) const {
  if (scopes_.size() == 1) return;
  resolve(instruction.guard);
  for (Operand& operand : instruction.operands) resolve(operand);
}

void Scopes::resolve(std::string& name) const {
  for (std::size_t i = scopes_.size(); i-- > 1;) {
    const auto found = scopes_[i].names.find(name);
    if (found == scopes_[i].names.end()) continue;
    name = found->second;
    return;
  }
}

void Scopes::resolve(Operand& operand) const {
  if (!operand.name.empty()) resolve(operand.name);
  for (Operand& element : operand.elements) resolve(element);
}

}  // namespace emulator::ptx
