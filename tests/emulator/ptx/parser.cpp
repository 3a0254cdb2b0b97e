#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ptx/cursor.h"
#include "ptx/function_parser.h"
#include "ptx/location_table.h"
#include "ptx/syntax.h"
#include "ptx/variable_parser.h"

namespace emulator::ptx {
namespace {

class ModuleParser {
 public:
  explicit ModuleParser(const std::string& text) : cursor_(text), locations_(module_.locations) {}

  Module parse() {
    while (!cursor_.is_at_end()) {
      cursor_.begin_statement();
      parse_statement();
    }
    cursor_.begin_statement();
    for (const auto& [name, target] : aliases_) define_alias(name, target);
    return std::move(module_);
  }

 private:
  void parse_statement() {
    if (cursor_.accept(';')) return;
    if (cursor_.accept_word(".version")) {
      cursor_.take();
    } else if (cursor_.accept_word(".target")) {
      parse_target();
    } else if (cursor_.accept_word(".address_size")) {
      if (cursor_.expect_integer("an address size") != 64) cursor_.fail("addresses of other than 64 bits");
    } else if (cursor_.accept_word(".file")) {
      parse_file();
    } else if (cursor_.accept_word(".loc")) {
      location_ = parse_location(cursor_, locations_);
    } else if (cursor_.accept_word(".section")) {
      parse_section();
    } else if (cursor_.accept_word(".alias")) {
      parse_alias();
    } else if (cursor_.accept_word(".pragma")) {
      cursor_.skip_past(';');
    } else {
      parse_definition();
    }
  }

  void parse_target() {
    module_.target = cursor_.expect_name("a target");
    while (cursor_.accept(',')) cursor_.expect_name("a target option");
  }

  /// .file 1 "pair.cu", timestamp, size
  void parse_file() {
    const std::uint32_t number = cursor_.expect_index("a file number");
    // A number is an index: a huge one would be a mistake, and memory for all below it.
    constexpr std::uint32_t kMostFiles = 1u << 20;
    if (number >= kMostFiles) cursor_.fail("a file number of more than a million");
    if (module_.files.size() <= number) module_.files.resize(number + 1);
    module_.files[number] = cursor_.expect_string("a file's name");
    while (cursor_.accept(',')) cursor_.expect_integer("a time or a size");
  }

  /// Debugging information, which says nothing that runs.
  void parse_section() {
    cursor_.expect_directive("a section's name");
    if (!cursor_.is_at('{')) cursor_.fail_expected("`{`");
    cursor_.skip_brackets('{', '}');
  }

  void parse_alias() {
    const std::string_view name = cursor_.expect_name("a function");
    cursor_.expect(',');
    aliases_.emplace_back(name, cursor_.expect_name("a function"));
    cursor_.expect(';');
  }

  void define_alias(const std::string& name, const std::string& target) {
    const auto is_target = [&](const Function& function) { return function.has_body && function.name == target; };
    const auto found = std::find_if(module_.functions.begin(), module_.functions.end(), is_target);
    if (found == module_.functions.end()) cursor_.fail("an alias of `" + target + "`, which has no body");
    Function copy = *found;
    copy.name = name;
    module_.functions.push_back(std::move(copy));
  }

  void parse_definition() {
    bool is_extern = false;
    while (is_linking_directive(cursor_.peek().text)) is_extern |= cursor_.take().text == ".extern";
    if (cursor_.is_at_word(".entry") || cursor_.is_at_word(".func")) {
      module_.functions.push_back(parse_function(cursor_, locations_, std::exchange(location_, 0)));
    } else if (variable_space(cursor_.peek().text)) {
      for (Variable& variable : parse_variables(cursor_, is_extern)) module_.variables.push_back(std::move(variable));
      cursor_.expect(';');
    } else {
      cursor_.fail_expected("a directive of modules");
    }
  }

  static bool is_linking_directive(std::string_view directive) {
    return directive == ".visible" || directive == ".weak" || directive == ".extern" || directive == ".common";
  }

  Module module_;
  Cursor cursor_;
  LocationTable locations_;
  std::uint32_t location_ = 0;  // of the last .loc outside functions
  std::vector<std::pair<std::string, std::string>> aliases_;
};

}  // namespace

Module parse(const std::string& text) { return ModuleParser(text).parse(); }

}  // namespace emulator::ptx
