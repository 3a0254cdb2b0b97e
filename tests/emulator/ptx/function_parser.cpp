#include "ptx/function_parser.h"

#include <string>
#include <utility>

#include "ptx/operand_parser.h"
#include "ptx/scopes.h"
#include "ptx/variable_parser.h"

namespace emulator::ptx {
namespace {

std::vector<Variable> parse_parameters(Cursor& cursor) {
  std::vector<Variable> parameters;
  cursor.expect('(');
  if (cursor.accept(')')) return parameters;
  do {
    parameters.push_back(parse_parameter(cursor));
  } while (cursor.accept(','));
  cursor.expect(')');
  return parameters;
}

/// The product of up to three thread counts: 256, 1, 1.
std::uint32_t parse_thread_count(Cursor& cursor) {
  std::uint64_t product = 1;
  do {
    product *= cursor.expect_index("a number of threads");
    if (product > UINT32_MAX) cursor.fail("more threads than a block can have");
  } while (cursor.accept(','));
  return static_cast<std::uint32_t>(product);
}

/// The directives between a function's parameters and its body. Those that only advise the compiler, or bound what the
/// machine may have, change nothing here.
void parse_function_directives(Cursor& cursor, Function& function) {
  while (cursor.is_at_directive()) {
    const std::string_view directive = cursor.take().text;
    if (directive == ".maxntid" || directive == ".reqntid") {
      function.max_threads = parse_thread_count(cursor);
    } else if (directive == ".pragma") {
      cursor.skip_past(';');
    } else if (cursor.is_at('(')) {
      cursor.skip_brackets('(', ')');
    } else if (cursor.peek().kind == Token::Kind::kNumber) {
      parse_thread_count(cursor);
    }
  }
}

Function parse_header(Cursor& cursor) {
  Function function;
  function.is_entry = cursor.accept_word(".entry");
  if (!function.is_entry && !cursor.accept_word(".func")) cursor.fail_expected(".entry or .func");
  if (cursor.accept_word(".attribute")) cursor.skip_brackets('(', ')');
  if (cursor.is_at('(')) function.returns = parse_parameters(cursor);
  function.name = cursor.expect_name("a function's name");
  if (cursor.is_at('(')) function.parameters = parse_parameters(cursor);
  parse_function_directives(cursor, function);
  return function;
}

class BodyParser {
 public:
  BodyParser(Cursor& cursor, LocationTable& locations, std::uint32_t location, Function& function)
      : cursor_(cursor), locations_(locations), location_(location), function_(function), scopes_(function) {}

  void parse() {
    cursor_.expect('{');
    while (!scopes_.is_empty()) {
      cursor_.begin_statement();
      parse_statement();
    }
  }

 private:
  void parse_statement() {
    if (cursor_.accept('{')) return scopes_.open();
    if (cursor_.accept('}')) return scopes_.close();
    if (cursor_.accept(';')) return;
    if (cursor_.is_at_directive()) return parse_directive();
    if (cursor_.peek(1).text == ":") return parse_label();
    parse_instruction();
  }

  void parse_instruction() {
    Instruction instruction;
    if (cursor_.accept('@')) {
      instruction.is_guard_negated = cursor_.accept('!');
      instruction.guard = cursor_.expect_name("a predicate");
    }
    parse_operation(cursor_, instruction);
    instruction.text = cursor_.statement_text();
    instruction.location = location_;
    cursor_.expect(';');
    scopes_.resolve(instruction);
    function_.body.push_back(std::move(instruction));
  }

  void parse_label() {
    const std::string_view name = cursor_.expect_name("a label");
    cursor_.expect(':');
    if (cursor_.accept_word(".branchtargets")) return parse_branch_table(name);
    // What an indirect call may reach and how it is called: known from the function that is called.
    if (cursor_.is_at_word(".calltargets") || cursor_.is_at_word(".callprototype")) return cursor_.skip_past(';');
    scopes_.declare_label(name);
  }

  void parse_branch_table(std::string_view name) {
    std::vector<std::string> labels;
    do {
      labels.emplace_back(cursor_.expect_name("a label"));
    } while (cursor_.accept(','));
    cursor_.expect(';');
    scopes_.declare_branch_table(name, std::move(labels));
  }

  void parse_directive() {
    if (cursor_.accept_word(".loc")) {
      location_ = parse_location(cursor_, locations_);
    } else if (cursor_.accept_word(".reg")) {
      parse_registers();
    } else if (cursor_.accept_word(".pragma")) {
      cursor_.skip_past(';');
    } else {
      parse_declaration();
    }
  }

  void parse_registers() {
    const std::string_view type = cursor_.expect_directive("a register's type").substr(1);
    if (type == "v2" || type == "v4") cursor_.fail("vector registers are not supported");
    do {
      const std::string_view prefix = cursor_.expect_name("a register's name");
      std::uint32_t count = 0;
      if (cursor_.accept('<')) {
        count = cursor_.expect_index("a number of registers");
        cursor_.expect('>');
        if (count == 0) continue;
      }
      declare_registers(type, prefix, count);
    } while (cursor_.accept(','));
    cursor_.expect(';');
  }

  void declare_registers(std::string_view type, std::string_view prefix, std::uint32_t count) {
    if (count == 0 || scopes_.depth() == 1) {
      function_.registers.push_back({std::string(type), scopes_.declare(prefix), count});
      return;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string name = scopes_.declare(std::string(prefix) + std::to_string(i));
      function_.registers.push_back({std::string(type), name, 0});
    }
  }

  void parse_declaration() {
    bool is_extern = false;
    while (cursor_.is_at_word(".extern") || cursor_.is_at_word(".visible") || cursor_.is_at_word(".weak")) {
      is_extern |= cursor_.take().text == ".extern";
    }
    if (!variable_space(cursor_.peek().text)) cursor_.fail_expected("a directive of function bodies");
    for (Variable& variable : parse_variables(cursor_, is_extern)) {
      variable.name = scopes_.declare(variable.name);
      function_.variables.push_back(std::move(variable));
    }
    cursor_.expect(';');
  }

  Cursor& cursor_;
  LocationTable& locations_;
  std::uint32_t location_;
  Function& function_;
  Scopes scopes_;
};

SourcePosition parse_position(Cursor& cursor) {
  SourcePosition position;
  position.file = cursor.expect_index("a file number");
  position.line = cursor.expect_index("a line");
  position.column = cursor.expect_index("a column");
  return position;
}

}  // namespace

std::uint32_t parse_location(Cursor& cursor, LocationTable& locations) {
  const SourcePosition at = parse_position(cursor);
  if (!cursor.accept(',')) return locations.add(at);
  if (!cursor.accept_word("function_name")) cursor.fail_expected("function_name");
  const std::string_view function = cursor.expect_name("a label");
  if (cursor.accept('+')) cursor.expect_index("an offset");
  cursor.expect(',');
  if (!cursor.accept_word("inlined_at")) cursor.fail_expected("inlined_at");
  return locations.add_inlined(at, function, parse_position(cursor));
}

Function parse_function(Cursor& cursor, LocationTable& locations, std::uint32_t location) {
  Function function = parse_header(cursor);
  if (cursor.accept(';')) return function;
  function.has_body = true;
  BodyParser(cursor, locations, location, function).parse();
  locations.end_function();
  return function;
}

}  // namespace emulator::ptx
