#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "ptx/syntax.h"
#include "unit/ptx_texts.h"

namespace emulator::ptx {
namespace {

using Space = Variable::Space;
using Bytes = std::vector<std::uint8_t>;

Variable parse_variable(const std::string& declaration) {
  const Module module = parse(kHead + declaration + ";");
  EXPECT_EQ(module.variables.size(), 1u) << declaration;
  return module.variables.at(0);
}

std::string error_of(const std::string& ptx) {
  try {
    parse(ptx);
  } catch (const SyntaxError& error) {
    return error.what();
  }
  return "";
}

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(ParserModule, HeadNamesTheTarget) {
  EXPECT_EQ(parse(kHead).target, "sm_80");
  EXPECT_EQ(parse(".version 8.4 .target sm_90a, debug .address_size 64").target, "sm_90a");
}

TEST(ParserModule, EmptyTextHasOnlyTheUnknownLocation) {
  const Module module = parse("");
  EXPECT_EQ(module.locations.size(), 1u);
  EXPECT_EQ(module.locations[0].line, 0u);
  EXPECT_TRUE(module.functions.empty());
}

TEST(ParserModule, FilesStandAtTheirNumbers) {
  const Module module = parse(kHead + ".file 1 \"a.cu\"\n.file 3 \"dir/b.cuh\", 1700000000, 1234\n");
  EXPECT_EQ(module.files, (Names{"", "a.cu", "", "dir/b.cuh"}));
  EXPECT_EQ(parse(".file 2 \"b\"\n.file 1 \"a\"\n.file 3 \"c\"\n").files, (Names{"", "a", "b", "c"}));
}

TEST(ParserModule, SectionsArePassedOver) {
  const Module module = parse(kHead +
                              ".section .debug_str\n{\n$L__info_string0:\n.b8 95,90,0\n}\n"
                              ".section .debug_loc { }\n.global .u32 after;");
  ASSERT_EQ(module.variables.size(), 1u);
  EXPECT_EQ(module.variables[0].name, "after");
}

TEST(ParserModule, AliasIsACopyOfItsTarget) {
  const Module module = parse(kHead + ".func a();\n.func b()\n{\nret;\n}\n.alias a, b;\n");
  ASSERT_EQ(module.functions.size(), 3u);
  EXPECT_EQ(module.functions[2].name, "a");
  EXPECT_TRUE(module.functions[2].has_body);
  EXPECT_EQ(module.functions[2].body.size(), 1u);
}

TEST(ParserVariable, SpacesAlignmentAndSize) {
  const Module module = parse(kHead +
                              ".visible .global .align 16 .b8 a[20];\n.const .f32 b;\n.shared .align 4 .u64 c[3];\n"
                              ".weak .global .s16 d;\n.common .global .f64 e[2][3];\n");
  ASSERT_EQ(names_of(module.variables), (Names{"a", "b", "c", "d", "e"}));
  const std::vector<Variable>& all = module.variables;
  EXPECT_EQ(all[0].space, Space::kGlobal);
  EXPECT_EQ(all[1].space, Space::kConst);
  EXPECT_EQ(all[2].space, Space::kShared);
  const std::vector<std::size_t> expected_bytes = {20, 4, 24, 2, 48};
  const std::vector<std::size_t> expected_alignment = {16, 4, 4, 2, 8};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].bytes, expected_bytes[i]) << all[i].name;
    EXPECT_EQ(all[i].alignment, expected_alignment[i]) << all[i].name;
    EXPECT_FALSE(all[i].is_extern);
    EXPECT_TRUE(all[i].initial.empty());
  }
}

TEST(ParserVariable, ExternSharedMemoryHasNoSize) {
  const Variable variable = parse_variable(".extern .shared .align 16 .b8 dynamic[]");
  EXPECT_TRUE(variable.is_extern);
  EXPECT_EQ(variable.bytes, 0u);
  EXPECT_EQ(variable.alignment, 16u);
}

TEST(ParserVariable, AttributesAreKeptOut) {
  const Variable variable = parse_variable(".global .attribute(.managed) .align 4 .u32 managed = 7");
  EXPECT_EQ(variable.name, "managed");
  EXPECT_EQ(variable.initial, bytes_of<std::uint32_t>({7}));
}

TEST(ParserVariable, SeveralOfOneDeclaration) {
  const Module module = parse(kHead + ".global .u32 a, b[2] = {1, 2}, c = 3;");
  ASSERT_EQ(names_of(module.variables), (Names{"a", "b", "c"}));
  EXPECT_EQ(module.variables[1].bytes, 8u);
  EXPECT_EQ(module.variables[2].initial, bytes_of<std::uint32_t>({3}));
}

TEST(ParserVariable, VectorsAreAlignedToTheirSize) {
  const Variable variable = parse_variable(".global .v4 .f32 v[2]");
  EXPECT_EQ(variable.bytes, 32u);
  EXPECT_EQ(variable.alignment, 16u);
}

TEST(ParserInitializer, IntegersOfEachWidth) {
  EXPECT_EQ(parse_variable(".global .b8 a[4] = {1, 255, 0x10, -1}").initial, (Bytes{1, 255, 16, 255}));
  EXPECT_EQ(parse_variable(".global .u16 a[2] = {258, 0xFFFF}").initial, bytes_of<std::uint16_t>({258, 0xFFFF}));
  EXPECT_EQ(parse_variable(".global .s32 a = -5").initial, bytes_of<std::int32_t>({-5}));
  EXPECT_EQ(parse_variable(".global .u64 a = 18446744073709551615").initial, bytes_of<std::uint64_t>({~0ull}));
  EXPECT_EQ(parse_variable(".global .u32 a[3] = {0b101, 010, 7U}").initial, bytes_of<std::uint32_t>({5, 8, 7}));
}

TEST(ParserInitializer, FloatsByBitsDigitsAndIntegers) {
  EXPECT_EQ(parse_variable(".global .f32 a[2] = {0f3F800000, 0fBF000000}").initial, bytes_of<float>({1.0f, -0.5f}));
  EXPECT_EQ(parse_variable(".global .f64 a = 0d4004000000000000").initial, bytes_of<double>({2.5}));
  EXPECT_EQ(parse_variable(".global .f32 a[3] = {1.5, 3, -2.5e1}").initial, bytes_of<float>({1.5f, 3.0f, -25.0f}));
  EXPECT_EQ(parse_variable(".global .f32 a = 0d4004000000000000").initial, bytes_of<float>({2.5f}));
  EXPECT_EQ(parse_variable(".global .b32 a = 0f3F800000").initial, bytes_of<float>({1.0f}));
}

TEST(ParserInitializer, ShortListsLeaveTheRestOut) {
  const Variable variable = parse_variable(".global .u32 a[4] = {1, 2}");
  EXPECT_EQ(variable.bytes, 16u);
  EXPECT_EQ(variable.initial, bytes_of<std::uint32_t>({1, 2}));
}

TEST(ParserInitializer, NestedListsFillTheirRows) {
  const Variable nested = parse_variable(".global .u32 a[2][3] = {{1}, {4, 5, 6}}");
  EXPECT_EQ(nested.initial, bytes_of<std::uint32_t>({1, 0, 0, 4, 5, 6}));
  const Variable flat = parse_variable(".global .u32 a[2][2] = {1, 2, 3, 4}");
  EXPECT_EQ(flat.initial, bytes_of<std::uint32_t>({1, 2, 3, 4}));
  const Variable vectors = parse_variable(".global .v2 .u16 a[2] = {{1, 2}, {3, 4}}");
  EXPECT_EQ(vectors.initial, bytes_of<std::uint16_t>({1, 2, 3, 4}));
}

TEST(ParserInitializer, UnknownLengthIsThatOfTheList) {
  EXPECT_EQ(parse_variable(".global .u32 a[] = {1, 2, 3}").bytes, 12u);
  EXPECT_EQ(parse_variable(".global .u8 a[][4] = {{1}, {2, 3, 4, 5}}").bytes, 8u);
}

TEST(ParserInitializer, AddressesBecomeReferences) {
  const Variable variable =
      parse_variable(".global .align 8 .u64 t[6] = {1, generic($str), generic(data)+28, f, table-8, data+4}");
  EXPECT_EQ(variable.initial, bytes_of<std::uint64_t>({1, 0, 0, 0, 0, 0}));
  ASSERT_EQ(variable.references.size(), 5u);
  const Names symbols = {"$str", "data", "f", "table", "data"};
  const std::vector<std::int64_t> addends = {0, 28, 0, -8, 4};
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    EXPECT_EQ(variable.references[i].offset, 8 * (i + 1));
    EXPECT_EQ(variable.references[i].symbol, symbols[i]);
    EXPECT_EQ(variable.references[i].addend, addends[i]);
  }
}

TEST(ParserFunction, ParametersAndReturns) {
  const Module module = parse(kHead +
                              ".visible .entry k(\n.param .u64 .ptr .global .align 16 k_0,\n.param .b32 k_1,\n"
                              ".param .align 4 .b8 k_2[20]\n)\n{ ret; }\n"
                              ".func (.param .align 8 .b8 r[16]) f(.param .f32 a) { ret; }\n");
  const Function& k = module.functions.at(0);
  EXPECT_TRUE(k.is_entry);
  ASSERT_EQ(names_of(k.parameters), (Names{"k_0", "k_1", "k_2"}));
  EXPECT_EQ(k.parameters[0].bytes, 8u);
  EXPECT_EQ(k.parameters[0].alignment, 8u);
  EXPECT_EQ(k.parameters[0].space, Space::kParam);
  EXPECT_EQ(k.parameters[2].bytes, 20u);
  EXPECT_EQ(k.parameters[2].alignment, 4u);
  const Function& f = module.functions.at(1);
  EXPECT_FALSE(f.is_entry);
  ASSERT_EQ(names_of(f.returns), Names{"r"});
  EXPECT_EQ(f.returns[0].bytes, 16u);
  EXPECT_EQ(names_of(f.parameters), Names{"a"});
}

TEST(ParserFunction, DeclarationsHaveNoBody) {
  const Module module =
      parse(kHead +
            ".extern .func  (.param .b32 func_retval0) vprintf\n(\n.param .b64 a,\n.param .b64 b\n)\n;\n"
            ".extern .func __assertfail(.param .b64 a) .noreturn;\n.func g;\n");
  ASSERT_EQ(module.functions.size(), 3u);
  for (const Function& function : module.functions) EXPECT_FALSE(function.has_body);
  EXPECT_EQ(module.functions[0].name, "vprintf");
  EXPECT_EQ(module.functions[0].returns.size(), 1u);
  EXPECT_EQ(module.functions[1].name, "__assertfail");
  EXPECT_EQ(module.functions[2].name, "g");
}

TEST(ParserFunction, AttributesArePassedOver) {
  const Module module =
      parse(kHead + ".func .attribute(.unified(1, (2))) (.param .b32 r) f() .noreturn .abi_preserve 4 { ret; }");
  EXPECT_EQ(module.functions.at(0).name, "f");
  EXPECT_EQ(module.functions.at(0).returns.size(), 1u);
  EXPECT_EQ(module.functions.at(0).body.size(), 1u);
}

TEST(ParserFunction, ThreadLimits) {
  const auto limit = [](const std::string& directives) {
    return parse(kHead + ".visible .entry k()\n" + directives + "\n{ ret; }").functions.at(0).max_threads;
  };
  EXPECT_EQ(limit(""), 0u);
  EXPECT_EQ(limit(".maxntid 128"), 128u);
  EXPECT_EQ(limit(".maxntid 32, 4, 2\n.minnctapersm 2"), 256u);
  EXPECT_EQ(limit(".minnctapersm 3\n.maxnreg 64"), 0u);
  EXPECT_EQ(limit(".reqntid 64, 1, 1\n.explicitcluster\n.reqnctapercluster 2, 1, 1"), 64u);
  EXPECT_EQ(limit(".pragma \"nounroll\";\n.maxntid 96"), 96u);
}

TEST(ParserFunction, Registers) {
  const Module module =
      parse_body(".reg .pred %p<3>;\n.reg .b32 %r<17>, single;\n.reg .f64 %fd<2>;\n.reg .b64 %none<0>;");
  const std::vector<RegisterRange>& registers = module.functions.at(0).registers;
  ASSERT_EQ(registers.size(), 4u);
  EXPECT_EQ(registers[0].type, "pred");
  EXPECT_EQ(registers[0].prefix, "%p");
  EXPECT_EQ(registers[0].count, 3u);
  EXPECT_EQ(registers[2].prefix, "single");
  EXPECT_EQ(registers[2].type, "b32");
  EXPECT_EQ(registers[2].count, 0u);
  EXPECT_EQ(registers[3].type, "f64");
}

TEST(ParserFunction, VariablesOfTheBody) {
  const Module module = parse_body(".local .align 8 .b8 __local_depot0[24];\n.shared .align 4 .b8 tile[64];\nret;");
  const std::vector<Variable>& variables = module.functions.at(0).variables;
  ASSERT_EQ(names_of(variables), (Names{"__local_depot0", "tile"}));
  EXPECT_EQ(variables[0].space, Space::kLocal);
  EXPECT_EQ(variables[1].space, Space::kShared);
  EXPECT_EQ(variables[1].bytes, 64u);
}

TEST(ParserFunction, LabelsStandBeforeTheirInstruction) {
  const Module module = parse_body("$A:\nmov.u32 a, 1;\n$B: $C:\n.pragma \"nounroll\";\nbra $A;\n$End:");
  const auto& labels = module.functions.at(0).labels;
  ASSERT_EQ(labels.size(), 4u);
  const Names names = {"$A", "$B", "$C", "$End"};
  const std::vector<std::size_t> positions = {0, 1, 1, 2};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(labels[i].name, names[i]);
    EXPECT_EQ(labels[i].position, positions[i]) << names[i];
  }
}

TEST(ParserError, NamesLineReasonAndStatement) {
  EXPECT_EQ(error_of(".target sm_80\n.global .u32 a\n.global .u32 b;"),
            "line 3: expected `;`, found `.global` in `.global .u32 a .global .u32 b`");
  EXPECT_EQ(error_of(".func f()\n{\nadd.s32 %r1,\n  , 4;\n}"),
            "line 4: expected an operand, found `,` in `add.s32 %r1, , 4`");
  EXPECT_EQ(error_of("\n.func f() {\nret;\n"), "line 4: expected an instruction, found the end");
}

TEST(ParserError, ThingsThatAreNotSupportedAreNamed) {
  const auto names = [](const std::string& ptx, const std::string& what) {
    EXPECT_NE(error_of(ptx).find(what), std::string::npos) << "`" << ptx << "` says `" << error_of(ptx) << "`";
  };
  names(".global .u8 a[2] = {0xFF(sym), 0xFF00(sym)};", "a masked address, `0xFF(sym)`, is not supported");
  names(".global .u32 a = sym;", "an address in a variable that is not of 64-bit numbers");
  names(".global .u64 a = other(sym);", "an address by `other(...)` is not supported");
  names(".global .texref t;", "a variable of type .texref is not supported");
  names(".global .b128 a = 1;", "initial values of 128-bit variables are not supported");
  names(".address_size 32", "addresses of other than 64 bits");
  names(".func f() { .reg .v4 .f32 %v; }", "vector registers are not supported");
  names(".func (.reg .u32 r) f() { ret; }", "expected a .param, found `.reg`");
  names(".unknown 3", "expected a directive of modules, found `.unknown`");
  names(".func f() { .unknown 3; }", "expected a directive of function bodies, found `.unknown`");
  names(".func f() { op generic(a); }", "expected `;`, found `(`");
  names(".func f();\n.alias g, f;", "an alias of `f`, which has no body");
}

TEST(ParserError, WrongNumbersAndSizes) {
  const auto names = [](const std::string& ptx, const std::string& what) {
    EXPECT_NE(error_of(ptx).find(what), std::string::npos) << "`" << ptx << "` says `" << error_of(ptx) << "`";
  };
  names(".func f() { op 18446744073709551616; }", "expected a number of at most 64 bits, found `18446744073709551616`");
  names(".func f() { op 0f3F8; }", "expected a number of at most 64 bits, found `0f3F8`");
  names(".func f() { op [%r1+%r2]; }", "expected an integer offset, found `%r2`");
  names(".global .u32 a[2] = {1, 2, 3};", "more values than `a` has room for");
  names(".global .u32 a[2][0] = {{1}};", "more values than `a` has room for");
  names(".global .u32 a[2][2] = {1, {2, 3}};", "a list in the middle of an element of `a`");
  names(".global .u32 a = {1};", "a list where one value is wanted");
  names(".global .u32 a = 0d3FF0000000000000;", "a value of another type than the variable's");
  names(".global .align 3 .u32 a;", "an alignment that is no power of two: 3");
  names(".global .u32 a[4294967295][4294967295];", "a variable of more than a tebibyte");
  names(".global .u32 a[2][];", "only the first dimension may be left out");
  names(".entry k() .maxntid 4294967296 { ret; }", "expected a number of threads, found `4294967296`");
  names(".entry k() .maxntid 65536, 65536 { ret; }", "more threads than a block can have");
  names(".file 4000000000 \"a\"", "a file number of more than a million");
}

TEST(ParserError, TextThatEndsEarlyIsAnErrorEverywhere) {
  const std::string whole =
      ".func (.param .b32 r) f(.param .align 4 .b8 p[8])\n.maxntid 4\n{\n.reg .b32 %r<2>;\n"
      "L: { @!p call (r), f, (p); }\nt: .branchtargets L;\nld.v2.u32 {%r0, %r1}, [p+4];\n}\n";
  EXPECT_EQ(error_of(whole), "");
  const std::size_t last = whole.find_last_of('}');
  for (std::size_t length = 1; length <= last; ++length) {
    EXPECT_NE(error_of(whole.substr(0, length)), "") << whole.substr(0, length);
  }
}

}  // namespace
}  // namespace emulator::ptx
