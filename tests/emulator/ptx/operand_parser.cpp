#include "ptx/operand_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ptx/literal.h"

namespace emulator::ptx {
namespace {

using Form = Operand::Form;

Operand make_name(std::string_view name) {
  Operand operand;
  // The one constant that PTX predefines: the lanes of a warp.
  if (name == "WARP_SZ") {
    operand.form = Form::kInteger;
    operand.value = 32;
  } else {
    operand.name = name;
  }
  return operand;
}

Operand make_group(Form form, std::vector<Operand> elements) {
  Operand operand;
  operand.form = form;
  operand.elements = std::move(elements);
  return operand;
}

/// Everything that follows a base: +8, -4, +-8, +16+4.
std::uint64_t parse_offset(Cursor& cursor) {
  std::uint64_t offset = 0;
  while (cursor.is_at('+') || cursor.is_at('-')) {
    const bool is_negative = cursor.is_at('-');
    cursor.take();
    const std::uint64_t value = cursor.expect_integer("an integer offset");
    offset += is_negative ? 0 - value : value;
  }
  return offset;
}

Operand parse_number(Cursor& cursor) {
  const bool is_negative = cursor.accept('-');
  if (cursor.peek().kind != Token::Kind::kNumber) cursor.fail_expected("a number");
  const auto literal = parse_literal(cursor.peek().text, is_negative);
  if (!literal) cursor.fail_expected("a number of at most 64 bits");
  cursor.take();
  Operand operand;
  operand.form = literal->form;
  operand.value = literal->value;
  if (operand.form == Form::kInteger) operand.value += parse_offset(cursor);
  return operand;
}

std::vector<Operand> parse_list(Cursor& cursor, char open, char close) {
  std::vector<Operand> elements;
  cursor.expect(open);
  if (cursor.accept(close)) return elements;
  do {
    elements.push_back(parse_operand(cursor));
  } while (cursor.accept(','));
  cursor.expect(close);
  return elements;
}

Operand parse_address(Cursor& cursor) {
  cursor.expect('[');
  Operand address;
  address.form = Form::kAddress;
  if (cursor.peek().kind == Token::Kind::kWord) {
    address.elements.push_back(make_name(cursor.expect_name("an address")));
    address.value = parse_offset(cursor);
  } else {
    address.elements.push_back(parse_number(cursor));
  }
  while (cursor.accept(',')) address.elements.push_back(parse_operand(cursor));
  cursor.expect(']');
  return address;
}

Operand parse_named(Cursor& cursor) {
  Operand first = make_name(cursor.expect_name("an operand"));
  if (cursor.accept('|')) {
    Operand second = make_name(cursor.expect_name("the second of a pair"));
    return make_group(Form::kPair, {std::move(first), std::move(second)});
  }
  if (!cursor.is_at('+') && !cursor.is_at('-')) return first;
  const std::uint64_t offset = parse_offset(cursor);
  Operand sum = make_group(Form::kSum, {std::move(first)});
  sum.value = offset;
  return sum;
}

/// call (returns), function, (arguments), prototype: each but the function may be left out.
void parse_call_operands(Cursor& cursor, std::vector<Operand>& operands) {
  Operand returns = make_group(Form::kVector, {});
  if (cursor.is_at('(')) {
    returns.elements = parse_list(cursor, '(', ')');
    cursor.expect(',');
  }
  operands.push_back(std::move(returns));
  operands.push_back(make_name(cursor.expect_name("a function")));
  Operand arguments = make_group(Form::kVector, {});
  bool has_prototype = cursor.accept(',');
  if (has_prototype && cursor.is_at('(')) {
    arguments.elements = parse_list(cursor, '(', ')');
    has_prototype = cursor.accept(',');
  }
  operands.push_back(std::move(arguments));
  if (has_prototype) operands.push_back(make_name(cursor.expect_name("a prototype")));
}

}  // namespace

Operand parse_operand(Cursor& cursor) {
  if (cursor.is_at('{')) return make_group(Form::kVector, parse_list(cursor, '{', '}'));
  if (cursor.is_at('[')) return parse_address(cursor);
  if (cursor.is_at('-') || cursor.peek().kind == Token::Kind::kNumber) return parse_number(cursor);
  if (cursor.accept('!')) {
    Operand negated = make_name(cursor.expect_name("a predicate"));
    negated.form = Form::kNotName;
    return negated;
  }
  return parse_named(cursor);
}

void parse_operation(Cursor& cursor, Instruction& instruction) {
  instruction.mnemonic = split_mnemonic(cursor.expect_name("an instruction"));
  while (cursor.is_at_directive()) instruction.mnemonic.emplace_back(cursor.take().text.substr(1));
  if (instruction.mnemonic.front() == "call") {
    parse_call_operands(cursor, instruction.operands);
  } else if (!cursor.is_at(';')) {
    do {
      instruction.operands.push_back(parse_operand(cursor));
    } while (cursor.accept(','));
  }
  if (!cursor.is_at(';')) cursor.fail_expected("`;`");
}

std::vector<std::string> split_mnemonic(std::string_view mnemonic) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= mnemonic.size();) {
    const std::size_t end = std::min(mnemonic.find('.', begin), mnemonic.size());
    parts.emplace_back(mnemonic.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace emulator::ptx
