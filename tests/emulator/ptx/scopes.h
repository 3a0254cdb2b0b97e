#ifndef ARLOSS_TESTS_EMULATOR_PTX_SCOPES_H
#define ARLOSS_TESTS_EMULATOR_PTX_SCOPES_H

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/syntax.h"

namespace emulator::ptx {

/// The nested { ... } of a function's body and the names that belong to them. A name of an inner scope is made unique
/// in the function by "#" and the scope's number; those of the body itself stay as they are.
class Scopes {
 public:
  /// Opens the scope of the body.
  explicit Scopes(Function& function);

  void open();
  /// Ends the innermost scope: its labels, which may be used before they are placed, get their unique names, and each
  /// brx.idx gets the labels of the table it names.
  void close();
  bool is_empty() const { return scopes_.empty(); }
  /// 1 in the body itself.
  std::size_t depth() const { return scopes_.size(); }

  /// The unique name of a register or variable declared in the innermost scope.
  std::string declare(std::string_view name);
  void declare_label(std::string_view name);
  void declare_branch_table(std::string_view name, std::vector<std::string> labels);

  /// Puts the unique names of registers and variables into the guard and the operands.
  void resolve(Instruction& instruction) const;

 private:
  struct Scope {
    std::string suffix;  // empty for the body
    std::size_t first_instruction;
    std::unordered_map<std::string, std::string> names;
    std::unordered_map<std::string, std::string> labels;
    std::unordered_map<std::string, std::vector<std::string>> branch_tables;
  };

  void resolve(std::string& name) const;
  void resolve(Operand& operand) const;

  Function& function_;
  std::vector<Scope> scopes_;
  std::size_t opened_ = 0;
};

}  // namespace emulator::ptx

#endif
