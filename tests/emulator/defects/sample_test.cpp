#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>

#include "defects/reports.h"
#include "defects/sample_chain.h"

/// The sample kernels: silent and right without a defect; with one, reported or wrong.
namespace emulator::defects {
namespace {

/// Shapes show more than schedules do: one pixel, less than a tile, a tile and one off on both sides, two tiles and
/// one, and several tiles for every block; one class, the most, and odd numbers between.
constexpr int kPixels[] = {1, 40, 63, 64, 65, 129, 1000};
constexpr int kClasses[] = {1, 2, 7, 19, 32};
// Builds with a sanitizer look at the emulator, not at schedules, and take five times as long.
#ifdef ARLOSS_TESTS_THINNED
constexpr std::uint64_t kNumSchedules = 2;
#else
constexpr std::uint64_t kNumSchedules = 8;
#endif

struct Results {
  std::vector<float> gram;
  double pair_sum = 0;
};

bool is_same(const Results& a, const Results& b) {
  return a.gram.size() == b.gram.size() &&
         std::memcmp(a.gram.data(), b.gram.data(), a.gram.size() * sizeof(float)) == 0 &&
         std::memcmp(&a.pair_sum, &b.pair_sum, sizeof a.pair_sum) == 0;
}

class CleanSample : public ::testing::TestWithParam<std::tuple<int, int>> {};

/// On a real device the schedules are the device's own.
TEST_P(CleanSample, IsSilentAndGivesTheSameBits) {
  const Problem problem = make_problem(std::get<0>(GetParam()), std::get<1>(GetParam()));
  std::optional<Results> first;
  for (std::uint64_t seed = 0; seed < kNumSchedules; ++seed) {
    set_schedule(seed);
    const Results results = {run_gram_chain(Defect::kNone, problem), run_pair_chain(Defect::kNone, problem)};
    const KeptReports reports = take_reports();
    EXPECT_TRUE(reports.empty()) << "under seed " << seed << ", " << text_of(reports);
    if (!first) {
      EXPECT_TRUE(is_right_gram(problem, results.gram));
      EXPECT_TRUE(is_right_pair_sum(problem, results.pair_sum)) << results.pair_sum;
      first = results;
    }
    EXPECT_TRUE(is_same(results, *first)) << "under seed " << seed;
  }
  set_schedule(0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CleanSample,
                         ::testing::Combine(::testing::ValuesIn(kClasses), ::testing::ValuesIn(kPixels)),
                         [](const auto& shape) {
                           return "C" + std::to_string(std::get<0>(shape.param)) + "N" +
                                  std::to_string(std::get<1>(shape.param));
                         });

enum class Chain { kGram, kPair };

/// A defect, the shape it needs to show, and what must be reported under every schedule.
struct Row {
  const char* name;
  Defect defect;
  Chain chain;
  std::vector<std::string> kinds;
  int num_classes = 19, num_pixels = 1000;
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

const char* file_of(Chain chain) { return chain == Chain::kGram ? "gram_sample.cuh" : "pair_sample.cuh"; }

/// Whether the result is right. Throws where a CUDA call fails.
bool run_chain(Chain chain, Defect defect, const Problem& problem) {
  if (chain == Chain::kGram) return is_right_gram(problem, run_gram_chain(defect, problem));
  return is_right_pair_sum(problem, run_pair_chain(defect, problem));
}

const Row kReportedRows[] = {
    {"NoBarrierAfterLoad", Defect::kNoBarrierAfterLoad, Chain::kGram, {"SharedRace"}},
    {"NoBarrierBeforeNextChunk", Defect::kNoBarrierBeforeNextChunk, Chain::kGram, {"SharedRace"}},
    {"GlobalReadOffByOne", Defect::kGlobalReadOffByOne, Chain::kGram, {"OutOfBounds"}},
    {"SharedRowOutOfRange", Defect::kSharedRowOutOfRange, Chain::kGram, {"OutOfBounds"}, 32},
    {"TailNotWritten", Defect::kTailNotWritten, Chain::kGram, {"UninitialisedShared"}, 19, 40},
    {"BarrierInDivergentBranches", Defect::kBarrierInDivergentBranches, Chain::kGram, {"DivergentBarrier"}},
    {"ReturnBeforeBarrier", Defect::kReturnBeforeBarrier, Chain::kGram, {"ExitedAtBarrier"}, 15},
    {"CubStorageReused", Defect::kCubStorageReused, Chain::kGram, {"SharedRace"}, 19, 5000},
    {"FloatAtomicSum", Defect::kFloatAtomicSum, Chain::kGram, {"FloatAtomic"}},
    {"OneSlotForAllBlocks", Defect::kOneSlotForAllBlocks, Chain::kGram, {"GlobalRace", "UninitialisedGlobal"}},
    {"ReductionUsedByAllThreads", Defect::kReductionUsedByAllThreads, Chain::kGram, {"GlobalRace"}},
    {"HostPointerArgument", Defect::kHostPointerArgument, Chain::kGram, {"HostPointer"}},
    {"TooManyPartials", Defect::kTooManyPartials, Chain::kGram, {"OutOfBounds"}},
    {"WaitLeavesGroupInFlight", Defect::kWaitLeavesGroupInFlight, Chain::kPair, {"AsyncCopy"}},
    {"BufferOverwrittenEarly", Defect::kBufferOverwrittenEarly, Chain::kPair, {"SharedRace", "AsyncCopy"}},
    {"ShuffleInDivergentBranch", Defect::kShuffleInDivergentBranch, Chain::kPair, {"Deadlock"}, 19, 994},
    {"NoBarrierBeforeWarpSums", Defect::kNoBarrierBeforeWarpSums, Chain::kPair, {"SharedRace"}},
    {"RowsNotAligned", Defect::kRowsNotAligned, Chain::kPair, {"Misaligned"}},
    {"TooLittleSharedMemory", Defect::kTooLittleSharedMemory, Chain::kPair, {"OutOfBounds"}},
    {"NoWarpBarrierInExchange", Defect::kNoWarpBarrierInExchange, Chain::kPair, {"SharedRace"}},
    {"NoFenceBeforeTicket", Defect::kNoFenceBeforeTicket, Chain::kPair, {"GlobalRace"}},
};

template <class Info>
std::string name_of(const Info& info) {
  return info.param.name;
}

class ReportedDefect : public ReportTest, public ::testing::WithParamInterface<Row> {};

TEST_P(ReportedDefect, IsReportedWithItsLine) {
  const Row& row = GetParam();
  const Problem problem = make_problem(row.num_classes, row.num_pixels);
  expect_silence([&] { EXPECT_TRUE(run_chain(row.chain, Defect::kNone, problem)); });
  expect_reports(row.kinds, file_of(row.chain), [&] { run_chain(row.chain, row.defect, problem); });
}

INSTANTIATE_TEST_SUITE_P(Rows, ReportedDefect, ::testing::ValuesIn(kReportedRows),
                         name_of<::testing::TestParamInfo<Row>>);

/// Reads before the missing barrier see memory that was never written where the schedule lets the reader run first.
const Row kUninitialisedRows[] = {
    {"NoBarrierAfterLoad", Defect::kNoBarrierAfterLoad, Chain::kGram, {}},
    {"NoBarrierBeforeWarpSums", Defect::kNoBarrierBeforeWarpSums, Chain::kPair, {}},
};

class UninitialisedUnderSomeSchedule : public ReportTest, public ::testing::WithParamInterface<Row> {};

TEST_P(UninitialisedUnderSomeSchedule, IsReportedWithItsLine) {
  const Row& row = GetParam();
  const Problem problem = make_problem(row.num_classes, row.num_pixels);
  KeptReports all;
  for (const std::uint64_t seed : kSeeds) {
    set_schedule(seed);
    run_chain(row.chain, row.defect, problem);
    const KeptReports reports = take_reports();
    all.insert(all.end(), reports.begin(), reports.end());
  }
  EXPECT_TRUE(has_report(all, "UninitialisedShared", file_of(row.chain))) << text_of(all);
}

INSTANTIATE_TEST_SUITE_P(Rows, UninitialisedUnderSomeSchedule, ::testing::ValuesIn(kUninitialisedRows),
                         name_of<::testing::TestParamInfo<Row>>);

/// What no checker of memory and barriers can know: the comparison with the float64 reference must find it.
const Row kWrongRows[] = {
    {"WrongAccumulatorLayout", Defect::kWrongAccumulatorLayout, Chain::kPair, {}},
    {"MatrixOperandsSwapped", Defect::kMatrixOperandsSwapped, Chain::kPair, {}},
    {"StrayTranspose", Defect::kStrayTranspose, Chain::kPair, {}},
    {"ReadBeforeSynchronisation", Defect::kReadBeforeSynchronisation, Chain::kPair, {}},
};

class WrongDefect : public ReportTest, public ::testing::WithParamInterface<Row> {};

TEST_P(WrongDefect, FailsTheComparison) {
  const Row& row = GetParam();
  const Problem problem = make_problem(row.num_classes, row.num_pixels);
  EXPECT_TRUE(run_chain(row.chain, Defect::kNone, problem));
  for (const std::uint64_t seed : kSeeds) {
    set_schedule(seed);
    EXPECT_FALSE(run_chain(row.chain, row.defect, problem)) << "under seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, WrongDefect, ::testing::ValuesIn(kWrongRows), name_of<::testing::TestParamInfo<Row>>);

/// A process that ends in the handler of a fault: a test of its own process.
class HostDefectDeathTest : public ReportTest {
 protected:
  void SetUp() override {
    ReportTest::SetUp();
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

TEST_F(HostDefectDeathTest, DereferenceOfDeviceMemory) {
  const Problem problem = make_problem(2, 40);
  EXPECT_DEATH(run_pair_chain(Defect::kHostDereference, problem), "host code touched device memory");
}

}  // namespace
}  // namespace emulator::defects
