// What lanes of a warp do together on registers: shfl, vote, match, redux, activemask, elect.
#include <cstdint>

#include "instructions/decoder.h"
#include "machine/block.h"
#include "program/sites.h"
#include "report.h"

namespace emulator {
namespace {

constexpr auto kWord = Operand::Width::kWord;
constexpr auto kPredicate = Operand::Width::kPredicate;

enum class Shuffle : std::uint8_t { kIdx, kUp, kDown, kBfly };

/// The lane a shuffle reads, or -1 where it lies outside of the segment and the lane keeps its own value.
int shuffle_source(Shuffle kind, int lane, std::uint32_t b, std::uint32_t clamp_and_mask) {
  const auto mask = static_cast<int>(clamp_and_mask >> 8 & 31), clamp = static_cast<int>(clamp_and_mask & 31);
  const auto distance = static_cast<int>(b & 31);
  const int highest = (lane & mask) | (clamp & ~mask);
  const int lowest = lane & mask;
  switch (kind) {
    case Shuffle::kUp: return lane - distance >= highest ? lane - distance : -1;
    case Shuffle::kDown: return lane + distance <= highest ? lane + distance : -1;
    case Shuffle::kBfly: return (lane ^ distance) <= highest ? lane ^ distance : -1;
    case Shuffle::kIdx: break;
  }
  const int source = lowest | (distance & ~mask);
  return source <= highest ? source : -1;
}

// sources: value, b, c, members; results: value, [was the source in the segment].
void shuffle(Warp& warp, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
             CollectiveRow* results) {
  for_each_lane(lanes, [&](int lane) {
    const int source =
        shuffle_source(static_cast<Shuffle>(instruction.mode), lane, sources[1].low[lane], sources[2].low[lane]);
    const int read = source < 0 ? lane : source;
    results[1].low[lane] = source < 0 ? 0 : 1;
    if ((lanes >> read & 1) != 0) {
      results[0].low[lane] = sources[0].low[read];
      return;
    }
    results[0].low[lane] = ~0u;
    Reports::get().add(Kind::kInactiveLane, instruction.site, [&] {
      return std::string(instruction.name) + " at " + site_text(instruction.site) + ": " +
             warp.block.place(warp, lane) + " reads lane " + std::to_string(read) + ", which does not take part";
    });
  });
}

void decode_shuffle(Decoder& decoder) {
  Instruction& out = decoder.out;
  const Shuffle kind = decoder.has("up")     ? Shuffle::kUp
                       : decoder.has("down") ? Shuffle::kDown
                       : decoder.has("bfly") ? Shuffle::kBfly
                                             : Shuffle::kIdx;
  if (!decoder.has("sync") || decoder.num_operands() != 5) decoder.unknown();
  out.mode = static_cast<std::uint8_t>(kind);
  out.collective = shuffle;
  const ptx::Operand& results = decoder.operand(0);
  if (results.form == ptx::Operand::Form::kPair) {
    decoder.result(results.elements.at(0), kWord);
    decoder.result(results.elements.at(1), kPredicate);
  } else {
    decoder.result(results, kWord);
  }
  for (std::size_t k = 1; k < 5; ++k) decoder.source(decoder.operand(k), kWord);
  out.member_mask = static_cast<std::int8_t>(out.num_operands - 1);
}

enum class Vote : std::uint8_t { kBallot, kAny, kAll, kUni };

// sources: predicate, members.
void vote(Warp&, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources, CollectiveRow* results) {
  LaneMask yes = 0;
  for_each_lane(lanes, [&](int lane) { yes |= static_cast<LaneMask>(sources[0].low[lane] != 0) << lane; });
  const auto kind = static_cast<Vote>(instruction.mode);
  const std::uint32_t answer = kind == Vote::kBallot ? yes
                               : kind == Vote::kAny  ? yes != 0
                               : kind == Vote::kAll  ? yes == lanes
                                                     : yes == lanes || yes == 0;
  for_each_lane(lanes, [&](int lane) { results[0].low[lane] = answer; });
}

void decode_vote(Decoder& decoder) {
  Instruction& out = decoder.out;
  if (!decoder.has("sync") || decoder.num_operands() != 3) decoder.unknown();
  const Vote kind = decoder.has("ballot") ? Vote::kBallot
                    : decoder.has("any")  ? Vote::kAny
                    : decoder.has("all")  ? Vote::kAll
                                          : Vote::kUni;
  out.mode = static_cast<std::uint8_t>(kind);
  out.collective = vote;
  decoder.result(decoder.operand(0), kind == Vote::kBallot ? kWord : kPredicate);
  decoder.source(decoder.operand(1), kPredicate);
  decoder.source(decoder.operand(2), kWord);
  out.member_mask = static_cast<std::int8_t>(out.num_operands - 1);
}

// match.any: the lanes with the same value; match.all: all lanes if all have the same, else none; sources: value,
// members.
void match(Warp&, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
           CollectiveRow* results) {
  const bool is_wide = instruction.bytes == 8;
  for_each_lane(lanes, [&](int lane) {
    LaneMask same = 0;
    for_each_lane(lanes, [&](int other) {
      const bool is_same = sources[0].low[other] == sources[0].low[lane] &&
                           (!is_wide || sources[0].high[other] == sources[0].high[lane]);
      same |= static_cast<LaneMask>(is_same) << other;
    });
    const bool asks_all = instruction.is_flag;
    results[0].low[lane] = !asks_all || same == lanes ? same : 0;
    results[1].low[lane] = same == lanes ? 1 : 0;
  });
}

void decode_match(Decoder& decoder) {
  Instruction& out = decoder.out;
  if (!decoder.has("sync")) decoder.unknown();
  out.bytes = static_cast<std::uint8_t>(bytes_of(decoder.type()));
  out.is_flag = decoder.has("all");
  out.collective = match;
  const ptx::Operand& results = decoder.operand(0);
  if (results.form == ptx::Operand::Form::kPair) {
    decoder.result(results.elements.at(0), kWord);
    decoder.result(results.elements.at(1), kPredicate);
  } else {
    decoder.result(results, kWord);
  }
  decoder.source(decoder.operand(1), width_of(decoder.type()));
  decoder.source(decoder.operand(2), kWord);
  out.member_mask = static_cast<std::int8_t>(out.num_operands - 1);
}

enum class Reduction : std::uint8_t { kAdd, kMin, kMax, kMinSigned, kMaxSigned, kAnd, kOr, kXor };

std::uint32_t reduced(Reduction kind, std::uint32_t a, std::uint32_t b) {
  const auto sa = static_cast<std::int32_t>(a), sb = static_cast<std::int32_t>(b);
  switch (kind) {
    case Reduction::kAdd: return a + b;
    case Reduction::kMin: return a < b ? a : b;
    case Reduction::kMax: return a > b ? a : b;
    case Reduction::kMinSigned: return sa < sb ? a : b;
    case Reduction::kMaxSigned: return sa > sb ? a : b;
    case Reduction::kAnd: return a & b;
    case Reduction::kOr: return a | b;
    case Reduction::kXor: return a ^ b;
  }
  return 0;
}

void reduce(Warp&, const Instruction& instruction, LaneMask lanes, const CollectiveRow* sources,
            CollectiveRow* results) {
  const int first = __builtin_ctz(lanes);
  std::uint32_t sum = sources[0].low[first];
  for_each_lane(lanes & (lanes - 1),
                [&](int lane) { sum = reduced(static_cast<Reduction>(instruction.mode), sum, sources[0].low[lane]); });
  for_each_lane(lanes, [&](int lane) { results[0].low[lane] = sum; });
}

void decode_redux(Decoder& decoder) {
  Instruction& out = decoder.out;
  const std::string& type = decoder.type();
  if (!decoder.has("sync") || type[0] == 'f') decoder.unknown();
  const bool is_signed = type == "s32";
  out.mode = static_cast<std::uint8_t>(decoder.has("add")   ? Reduction::kAdd
                                       : decoder.has("min") ? (is_signed ? Reduction::kMinSigned : Reduction::kMin)
                                       : decoder.has("max") ? (is_signed ? Reduction::kMaxSigned : Reduction::kMax)
                                       : decoder.has("and") ? Reduction::kAnd
                                       : decoder.has("or")  ? Reduction::kOr
                                                            : Reduction::kXor);
  out.collective = reduce;
  decoder.result(decoder.operand(0), kWord);
  decoder.source(decoder.operand(1), kWord);
  decoder.source(decoder.operand(2), kWord);
  out.member_mask = static_cast<std::int8_t>(out.num_operands - 1);
}

// elect.sync d|p, members: the lowest lane, and whether that is the own one.
void elect(Warp&, const Instruction&, LaneMask lanes, const CollectiveRow*, CollectiveRow* results) {
  const int leader = __builtin_ctz(lanes);
  for_each_lane(lanes, [&](int lane) {
    results[0].low[lane] = static_cast<std::uint32_t>(leader);
    results[1].low[lane] = lane == leader ? 1 : 0;
  });
}

void decode_elect(Decoder& decoder) {
  const ptx::Operand& results = decoder.operand(0);
  if (results.form != ptx::Operand::Form::kPair) decoder.unknown();
  decoder.out.collective = elect;
  decoder.result(results.elements.at(0), kWord);
  decoder.result(results.elements.at(1), kPredicate);
  decoder.source(decoder.operand(1), kWord);
  decoder.out.member_mask = static_cast<std::int8_t>(decoder.out.num_operands - 1);
}

// The lanes that run together, which is the scheduler's choice.
void run_activemask(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  for_each_lane(lanes, [&](int lane) { warp.row<std::uint32_t>(instruction.operands[0])[lane] = lanes; });
}

}  // namespace

void decode_warp(Decoder& decoder) {
  const std::string& base = decoder.base();
  if (base == "activemask") {
    decoder.out.run = run_activemask;
    return decoder.result(decoder.operand(0), kWord);
  }
  decoder.out.flow = Flow::kCollective;
  if (base == "shfl") return decode_shuffle(decoder);
  if (base == "vote") return decode_vote(decoder);
  if (base == "match") return decode_match(decoder);
  if (base == "redux") return decode_redux(decoder);
  decode_elect(decoder);
}

}  // namespace emulator
