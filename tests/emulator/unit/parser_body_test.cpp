#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ptx/syntax.h"
#include "unit/ptx_texts.h"

namespace emulator::ptx {
namespace {

using Form = Operand::Form;

Instruction parse_instruction(const std::string& statement) {
  const Module module = parse_body(statement);
  EXPECT_EQ(module.functions.at(0).body.size(), 1u) << statement;
  return module.functions.at(0).body.at(0);
}

/// The only operand of an instruction.
Operand parse_one_operand(const std::string& operand) {
  const Instruction instruction = parse_instruction("op " + operand + ";");
  EXPECT_EQ(instruction.operands.size(), 1u) << operand;
  return instruction.operands.at(0);
}

/// "file:line" of a location and of all it was inlined into, innermost first.
std::string chain(const Module& module, std::uint32_t location) {
  std::string text;
  for (auto i = static_cast<std::int32_t>(location); i >= 0;) {
    const Location& at = module.locations.at(static_cast<std::size_t>(i));
    text += (text.empty() ? "" : " < ") + std::to_string(at.file) + ":" + std::to_string(at.line);
    i = at.inlined_at;
  }
  return text;
}

std::vector<std::string> chains(const Module& module) {
  std::vector<std::string> found;
  for (const Instruction& instruction : module.functions.at(0).body) {
    found.push_back(chain(module, instruction.location));
  }
  return found;
}

TEST(ParserInstruction, MnemonicIsSplitAtItsPoints) {
  EXPECT_EQ(parse_instruction("ld.global.nc.v4.f32 a, b;").mnemonic, (Names{"ld", "global", "nc", "v4", "f32"}));
  EXPECT_EQ(parse_instruction("ld.shared::cta .u32 a, b;").mnemonic, (Names{"ld", "shared::cta", "u32"}));
  EXPECT_EQ(parse_instruction("ret;").mnemonic, Names{"ret"});
  EXPECT_TRUE(parse_instruction("ret;").operands.empty());
}

TEST(ParserInstruction, Guards) {
  const Instruction plain = parse_instruction("@%p1 bra $L;");
  EXPECT_EQ(plain.guard, "%p1");
  EXPECT_FALSE(plain.is_guard_negated);
  const Instruction negated = parse_instruction("@!%p2 bra $L;");
  EXPECT_EQ(negated.guard, "%p2");
  EXPECT_TRUE(negated.is_guard_negated);
  EXPECT_EQ(negated.mnemonic, Names{"bra"});
}

TEST(ParserInstruction, TextIsTheStatementInOneLine) {
  const Instruction instruction = parse_instruction("@%p1  add.s32 \t%r1, // a comment\n   %r2,\n\t 4 ;");
  EXPECT_EQ(instruction.text, "@%p1 add.s32 %r1, %r2, 4");
}

TEST(ParserOperand, Names) {
  EXPECT_EQ(parse_one_operand("%r1").form, Form::kName);
  EXPECT_EQ(parse_one_operand("%tid.x").name, "%tid.x");
  EXPECT_EQ(parse_one_operand("_").name, "_");
  EXPECT_EQ(parse_one_operand("!%p1").form, Form::kNotName);
  EXPECT_EQ(parse_one_operand("!%p1").name, "%p1");
}

TEST(ParserOperand, Numbers) {
  EXPECT_EQ(parse_one_operand("12").form, Form::kInteger);
  EXPECT_EQ(parse_one_operand("12").value, 12u);
  EXPECT_EQ(parse_one_operand("-3").value, static_cast<std::uint64_t>(-3));
  EXPECT_EQ(parse_one_operand("0xffffffffffffffff").value, ~0ull);
  EXPECT_EQ(parse_one_operand("0x1E").value, 30u);
  EXPECT_EQ(parse_one_operand("16+4-1").value, 19u);
  EXPECT_EQ(parse_one_operand("WARP_SZ").form, Form::kInteger);
  EXPECT_EQ(parse_one_operand("WARP_SZ").value, 32u);
  EXPECT_EQ(parse_one_operand("0f3F800000").form, Form::kFloat32);
  EXPECT_EQ(parse_one_operand("0f3F800000").value, 0x3F800000u);
  EXPECT_EQ(parse_one_operand("0F3f8000aB").value, 0x3F8000ABu);
  EXPECT_EQ(parse_one_operand("0d3FF0000000000000").form, Form::kFloat64);
  EXPECT_EQ(parse_one_operand("0d3FF0000000000000").value, 0x3FF0000000000000u);
  EXPECT_EQ(parse_one_operand("-0f3F800000").value, 0xBF800000u);
  EXPECT_EQ(parse_one_operand("-0d3FF0000000000000").value, 0xBFF0000000000000u);
  EXPECT_EQ(parse_one_operand("-1.0").form, Form::kFloat64);
  EXPECT_EQ(parse_one_operand("-1.0").value, 0xBFF0000000000000u);
}

TEST(ParserOperand, Addresses) {
  const Operand plain = parse_one_operand("[%rd1]");
  EXPECT_EQ(plain.form, Form::kAddress);
  EXPECT_EQ(names_of(plain.elements), Names{"%rd1"});
  EXPECT_EQ(plain.value, 0u);
  EXPECT_EQ(parse_one_operand("[param0+16]").value, 16u);
  EXPECT_EQ(parse_one_operand("[%rd1+-8]").value, static_cast<std::uint64_t>(-8));
  EXPECT_EQ(parse_one_operand("[%rd1 - 0x10]").value, static_cast<std::uint64_t>(-16));
  EXPECT_EQ(parse_one_operand("[%rd1+16+4]").value, 20u);
  const Operand absolute = parse_one_operand("[128]");
  EXPECT_EQ(absolute.elements.at(0).form, Form::kInteger);
  EXPECT_EQ(absolute.elements.at(0).value, 128u);
  EXPECT_EQ(absolute.value, 0u);
}

TEST(ParserOperand, CoordinatesFollowTheBaseOfAnAddress) {
  const Operand address = parse_one_operand("[map, {%r1, %r2}]");
  ASSERT_EQ(address.elements.size(), 2u);
  EXPECT_EQ(address.elements[0].name, "map");
  EXPECT_EQ(names_of(address.elements[1].elements), (Names{"%r1", "%r2"}));
}

TEST(ParserOperand, VectorsPairsAndSums) {
  const Operand vector = parse_one_operand("{%f1, _, 4}");
  EXPECT_EQ(vector.form, Form::kVector);
  ASSERT_EQ(vector.elements.size(), 3u);
  EXPECT_EQ(vector.elements[1].name, "_");
  EXPECT_EQ(vector.elements[2].value, 4u);
  const Operand pair = parse_one_operand("%r1|%p1");
  EXPECT_EQ(pair.form, Form::kPair);
  EXPECT_EQ(names_of(pair.elements), (Names{"%r1", "%p1"}));
  const Operand sum = parse_one_operand("table+16");
  EXPECT_EQ(sum.form, Form::kSum);
  EXPECT_EQ(names_of(sum.elements), Names{"table"});
  EXPECT_EQ(sum.value, 16u);
}

TEST(ParserOperand, SeveralInTheOrderOfTheText) {
  const Instruction instruction = parse_instruction("mma.x {%f1,%f2}, {%r1}, {%r2}, {%f1,%f2};");
  ASSERT_EQ(instruction.operands.size(), 4u);
  EXPECT_EQ(names_of(instruction.operands[0].elements), (Names{"%f1", "%f2"}));
  EXPECT_EQ(names_of(instruction.operands[2].elements), Names{"%r2"});
}

/// returns / function / arguments / prototype
std::string call_text(const std::string& statement) {
  const Instruction instruction = parse_instruction(statement);
  EXPECT_EQ(instruction.operands.at(0).form, Form::kVector);
  EXPECT_EQ(instruction.operands.at(2).form, Form::kVector);
  std::string text;
  for (const Operand& operand : instruction.operands) {
    text += (text.empty() ? "" : "/") + operand.name;
    for (const Operand& element : operand.elements) text += element.name + ",";
    if (text.empty()) text = "none";
  }
  return text;
}

TEST(ParserCall, HasAllItsPartsWhateverTheTextLeavesOut) {
  EXPECT_EQ(call_text("call.uni (retval0), f, (param0, param1);"), "retval0,/f/param0,param1,");
  EXPECT_EQ(call_text("call.uni\nfree,\n(\nparam0\n)\n;"), "none/free/param0,");
  EXPECT_EQ(call_text("call (r), f;"), "r,/f/");
  EXPECT_EQ(call_text("call f;"), "none/f/");
  EXPECT_EQ(call_text("call (r), %rd1, (p), prototype_1;"), "r,/%rd1/p,/prototype_1");
  EXPECT_EQ(call_text("call %rd1, prototype_1;"), "none/%rd1//prototype_1");
  EXPECT_EQ(call_text("call f, ();"), "none/f/");
}

TEST(ParserCall, PrototypesAndTargetListsAreNoLabels) {
  const Module module = parse_body(
      "prototype_13 : .callprototype (.param .b32 _) _ (.param .b64 _, .param .b32 _);\n"
      "list: .calltargets f, g;\ncall %rd1, list;");
  EXPECT_TRUE(module.functions.at(0).labels.empty());
  EXPECT_EQ(module.functions.at(0).body.size(), 1u);
}

TEST(ParserScope, NamesAreUniqueInTheFunction) {
  const Module module = parse_body(
      ".reg .b32 %r<3>;\n"
      "{\n.reg .b32 t;\n.param .b32 param0;\nst.param.b32 [param0+0], t;\n@t mov.b32 %r1, {t, !t};\n}\n"
      "{\n.reg .b32 t;\n.param .b32 param0;\nst.param.b32 [param0+0], t;\n}\n"
      "mov.u32 t, 1;");
  const Function& function = module.functions.at(0);
  EXPECT_EQ(names_of(function.variables), (Names{"param0#1", "param0#2"}));
  ASSERT_EQ(function.registers.size(), 3u);
  EXPECT_EQ(function.registers[0].prefix, "%r");
  EXPECT_EQ(function.registers[1].prefix, "t#1");
  EXPECT_EQ(function.registers[2].prefix, "t#2");
  ASSERT_EQ(function.body.size(), 4u);
  EXPECT_EQ(function.body[0].operands[0].elements[0].name, "param0#1");
  EXPECT_EQ(function.body[0].operands[1].name, "t#1");
  EXPECT_EQ(function.body[1].guard, "t#1");
  EXPECT_EQ(function.body[1].operands[0].name, "%r1");
  EXPECT_EQ(names_of(function.body[1].operands[1].elements), (Names{"t#1", "t#1"}));
  EXPECT_EQ(function.body[2].operands[0].elements[0].name, "param0#2");
  EXPECT_EQ(function.body[3].operands[0].name, "t");
}

TEST(ParserScope, InnermostDeclarationHoldsAndEndsWithItsScope) {
  const Module module = parse_body(".reg .b32 t;\n{ .reg .b32 t; { .reg .b32 t; op t; } op t; { op t; } }\nop t;");
  const Function& function = module.functions.at(0);
  ASSERT_EQ(function.body.size(), 4u);
  EXPECT_EQ(function.body[0].operands[0].name, "t#2");
  EXPECT_EQ(function.body[1].operands[0].name, "t#1");
  EXPECT_EQ(function.body[2].operands[0].name, "t#1");
  EXPECT_EQ(function.body[3].operands[0].name, "t");
}

TEST(ParserScope, RangesOfInnerScopesBecomeSingleRegisters) {
  const Module module = parse_body("{ .reg .f32 %q<2>; op %q0, %q1, %q2; }");
  const Function& function = module.functions.at(0);
  ASSERT_EQ(function.registers.size(), 2u);
  EXPECT_EQ(function.registers[1].prefix, "%q1#1");
  EXPECT_EQ(function.registers[1].type, "f32");
  EXPECT_EQ(function.registers[1].count, 0u);
  EXPECT_EQ(names_of(function.body[0].operands), (Names{"%q0#1", "%q1#1", "%q2"}));
}

TEST(ParserScope, LabelsOfInnerScopesMayBeUsedBeforeTheyArePlaced) {
  const std::string loop = "{\nWAIT:\n@p bra DONE;\nbra WAIT;\nDONE:\n}\n";
  const Module module = parse_body(loop + loop + "bra WAIT;\nWAIT:\n");
  const Function& function = module.functions.at(0);
  ASSERT_EQ(function.labels.size(), 5u);
  const Names labels = {"WAIT#1", "DONE#1", "WAIT#2", "DONE#2", "WAIT"};
  const std::vector<std::size_t> positions = {0, 2, 2, 4, 5};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(function.labels[i].name, labels[i]);
    EXPECT_EQ(function.labels[i].position, positions[i]);
  }
  const Names targets = {"DONE#1", "WAIT#1", "DONE#2", "WAIT#2", "WAIT"};
  for (std::size_t i = 0; i < targets.size(); ++i) EXPECT_EQ(function.body[i].operands[0].name, targets[i]);
}

TEST(ParserScope, LabelsOfOtherScopesStayThemselves) {
  const Module module = parse_body("bra L;\n{ bra L; { bra L; L: } L: }\nL: bra L;");
  const Function& function = module.functions.at(0);
  EXPECT_EQ(names_of(function.labels), (Names{"L#2", "L#1", "L"}));
  const Names targets = {"L", "L#1", "L#2", "L"};
  ASSERT_EQ(function.body.size(), targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) EXPECT_EQ(function.body[i].operands[0].name, targets[i]);
}

TEST(ParserScope, EachFunctionNumbersItsOwn) {
  const std::string body = "{ { .reg .b32 t; op t; } }\n";
  const Module module = parse(kHead + ".func a()" + body + ".func b()" + body);
  EXPECT_EQ(module.functions.at(1).body.at(0).operands[0].name, "t#1");
}

TEST(ParserBranchTable, StandsInTheInstructionThatUsesIt) {
  const Module module = parse_body("table: .branchtargets A, B, A;\nbrx.idx %r1, table;\nA: ret;\nB: ret;");
  const Function& function = module.functions.at(0);
  EXPECT_EQ(function.labels.size(), 2u);
  const Operand& targets = function.body.at(0).operands.at(1);
  EXPECT_EQ(targets.form, Form::kVector);
  EXPECT_EQ(names_of(targets.elements), (Names{"A", "B", "A"}));
}

TEST(ParserBranchTable, LabelsAreThoseOfTheScope) {
  const Module module = parse_body("A:\n{ t: .branchtargets A, B;\n{ brx.idx %r1, t; }\nB: ret; }");
  EXPECT_EQ(names_of(module.functions.at(0).body.at(0).operands.at(1).elements), (Names{"A", "B#1"}));
}

TEST(ParserLocation, LastLocHoldsUntilTheNext) {
  const Module module = parse_body("op a;\n.loc 1 10 3\nop a;\nop a;\n.loc 1 11 3\nop a;\n.loc 2 10 7\nop a;");
  EXPECT_EQ(chains(module), (Names{"0:0", "1:10", "1:10", "1:11", "2:10"}));
}

TEST(ParserLocation, EqualPlacesAreOneEntry) {
  const Module module = parse_body(".loc 1 10 3\nop a;\n.loc 1 11 3\nop a;\n.loc 1 10 9\nop a;");
  EXPECT_EQ(module.locations.size(), 3u);
  EXPECT_EQ(module.functions.at(0).body[0].location, module.functions.at(0).body[2].location);
}

TEST(ParserLocation, InliningOfSeveralLevels) {
  const Module module = parse_body(
      ".loc 1 14 3\nop a;\n"
      ".loc 2 50 5, function_name $L__info_string0, inlined_at 1 14 3\nop a;\n"
      ".loc 3 70 5, function_name $L__info_string1+4, inlined_at 2 50 5\nop a;\n"
      ".loc 1 20 3\n"
      ".loc 2 50 5, function_name $L__info_string0, inlined_at 1 20 3\n"
      ".loc 3 70 5, function_name $L__info_string1, inlined_at 2 50 5\nop a;\n"
      ".loc 1 21 1\nop a;");
  EXPECT_EQ(chains(module), (Names{"1:14", "2:50 < 1:14", "3:70 < 2:50 < 1:14", "3:70 < 2:50 < 1:20", "1:21"}));
}

TEST(ParserLocation, ColumnsTellCallsOfOneLineApart) {
  const Module module = parse_body(
      ".loc 1 14 3\n.loc 2 50 5, function_name $f, inlined_at 1 14 3\n.loc 3 60 1, function_name $g, inlined_at 2 50 "
      "5\n"
      ".loc 1 15 3\n.loc 2 50 9, function_name $f, inlined_at 1 15 3\n"
      ".loc 3 60 1, function_name $g, inlined_at 2 50 5\nop a;\n"
      ".loc 3 60 1, function_name $g, inlined_at 2 50 9\nop a;");
  EXPECT_EQ(chains(module), (Names{"3:60 < 2:50 < 1:14", "3:60 < 2:50 < 1:15"}));
}

TEST(ParserLocation, UnseenCallerIsMade) {
  const Module module = parse_body(".loc 2 50 5, function_name $f, inlined_at 1 14 3\nop a;");
  EXPECT_EQ(chains(module), Names{"2:50 < 1:14"});
}

TEST(ParserLocation, OnePositionOnSeveralLevels) {
  // A step that calls the next one from one line, as the unrolled reductions of templates do.
  const std::string chain_of_three =
      ".loc 2 9 1, function_name $start, inlined_at 1 5 1\nop a;\n"
      ".loc 2 9 1, function_name $step1, inlined_at 2 9 1\nop a;\n"
      ".loc 2 9 1, function_name $step2, inlined_at 2 9 1\nop a;\n";
  const Module once = parse_body(".loc 1 5 1\n" + chain_of_three);
  EXPECT_EQ(chains(once), (Names{"2:9 < 1:5", "2:9 < 2:9 < 1:5", "2:9 < 2:9 < 2:9 < 1:5"}));
  // A level met again without the ones around it is not inside itself.
  const Module again =
      parse_body(".loc 1 5 1\n" + chain_of_three + ".loc 2 9 1, function_name $step1, inlined_at 2 9 1\nop a;");
  EXPECT_EQ(chains(again).back(), "2:9 < 2:9 < 1:5");
}

TEST(ParserLocation, ChainsEndWithTheirFunction) {
  const Module module = parse(kHead +
                              ".func f() {\n.loc 1 9 1\n.loc 2 5 1, function_name $f, inlined_at 1 9 1\nop a;\n}\n"
                              ".func g() {\nop a;\n.loc 3 7 1, function_name $g, inlined_at 2 5 1\nop a;\n}\n");
  EXPECT_EQ(chain(module, module.functions.at(0).body.at(0).location), "2:5 < 1:9");
  EXPECT_EQ(chain(module, module.functions.at(1).body.at(0).location), "0:0");
  EXPECT_EQ(chain(module, module.functions.at(1).body.at(1).location), "3:7 < 2:5");
}

TEST(ParserLocation, LocBeforeAFunctionIsItsFirst) {
  const Module module = parse(kHead + ".loc 1 3 1\n.func f() { op a; }\n.func g() { op a; }\n");
  EXPECT_EQ(chain(module, module.functions.at(0).body.at(0).location), "1:3");
  EXPECT_EQ(chain(module, module.functions.at(1).body.at(0).location), "0:0");
}

}  // namespace
}  // namespace emulator::ptx
