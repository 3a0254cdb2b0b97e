/// One bfloat16 problem of more than 2^31 logits in one image: positions, strides and sums past 32 bits.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "support/half.h"
#include "support/runner.h"
#include "support/thinning.h"
#include "support/tolerance.h"

namespace support {
namespace {

// Every row of the image repeats one pattern, so the answer is the pattern's. The row is no divisor of a power of two:
// a position cut to 32 bits, or to 31, lands on other columns.
constexpr std::int64_t kClasses = 8, kPattern = 164, kRepeats = 100;
constexpr std::int64_t kHeight = 16400, kWidth = kPattern * kRepeats;
constexpr std::int64_t kCells = kHeight * kWidth;
static_assert(kClasses * kCells > (std::int64_t{1} << 31), "the point of this test");
static_assert((std::int64_t{1} << 31) % kPattern != 0 && (std::int64_t{1} << 32) % kPattern != 0, "no wrap unseen");

/// Zeroed pages, given back at the end: a vector of gigabytes would be written twice.
class Pages {
 public:
  explicit Pages(std::size_t bytes)
      : bytes_(bytes),
        data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ~Pages() {
    if (is_mapped()) munmap(data_, bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  bool is_mapped() const { return data_ != MAP_FAILED; }
  unsigned char* data() const { return static_cast<unsigned char*>(data_); }

 private:
  std::size_t bytes_;
  void* data_;
};

/// MemAvailable of /proc/meminfo in bytes; 0 where it cannot be read.
std::size_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::size_t kibibytes = 0;
  while (file >> name)
    if (name == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
  return 0;
}

CaseSpec pattern_spec() {
  CaseSpec spec = plain_spec(1, kClasses, 1, kPattern);
  spec.logits_dtype = ARLOSS_DTYPE_BFLOAT16;
  spec.label_map = LabelMap::kNoise;
  spec.seed = 0;
  return spec;
}

/// One row [kPattern] of `element` bytes, repeated over a plane of kCells.
void repeat_row(const unsigned char* row, std::size_t element, unsigned char* plane) {
  const std::size_t pattern_bytes = kPattern * element, row_bytes = kWidth * element;
  for (std::int64_t r = 0; r < kRepeats; ++r) std::memcpy(plane + r * pattern_bytes, row, pattern_bytes);
  for (std::int64_t y = 1; y < kHeight; ++y) std::memcpy(plane + y * row_bytes, plane, row_bytes);
}

/// The pattern's gradient as some row of a class plane holds it, back to front of the image and around 2^31 elements.
std::vector<std::int64_t> rows_to_check() {
  std::vector<std::int64_t> rows = {0, 1, kHeight / 2, kHeight - 1};
  // The first row of which element 2^31 (in the last class) is part, and neighbours.
  const std::int64_t turn = ((std::int64_t{1} << 31) - (kClasses - 1) * kCells) / kWidth;
  for (const std::int64_t row : {turn - 1, turn, turn + 1}) rows.push_back(row);
  return rows;
}

void expect_rows(const Case& pattern, const unsigned char* gradient) {
  std::vector<double> exact, found;
  for (std::int64_t c = 0; c < kClasses; ++c)
    for (const std::int64_t row : rows_to_check())
      for (std::int64_t x = 0; x < kWidth; ++x) {
        exact.push_back(pattern.expected.grad[static_cast<std::size_t>(c * kPattern + x % kPattern)]);
        found.push_back(
            load_real(ARLOSS_DTYPE_BFLOAT16, gradient, static_cast<std::size_t>(c * kCells + row * kWidth + x)));
      }
  std::vector<double> rounded = exact;
  for (double& value : rounded) value = round_to(ARLOSS_DTYPE_BFLOAT16, value);
  EXPECT_LE(distance(found, exact), 1.1 * distance(rounded, exact) + 1e-5 * norm(exact));
}

/// Every row holds the same bits as the first, or the rounding of a sum that ended elsewhere: no row was left out.
void expect_every_row_written(const unsigned char* gradient) {
  std::int64_t unwritten = 0;
  for (std::int64_t c = 0; c < kClasses; ++c)
    for (std::int64_t y = 0; y < kHeight; ++y) {
      std::uint16_t bits;
      std::memcpy(&bits, gradient + 2 * static_cast<std::size_t>(c * kCells + y * kWidth + y % kWidth), sizeof bits);
      unwritten += bits == 0xffff ? 1 : 0;
    }
  EXPECT_EQ(unwritten, 0) << "elements of the gradient that still hold their fill";
}

TEST(Large, MoreThanTwoToThe31Logits) {
  if (kIsThinned) GTEST_SKIP() << "8 GiB of tensors are too much under a sanitizer";
  // The mean over pairs of a repeated pattern is the pattern's; each cell's gradient is 1/repeats of the pattern's,
  // which the upstream gradient takes back.
  const Case pattern = build_case(pattern_spec());
  CaseSpec spec = pattern.spec;
  spec.problem.height = spec.problem.label_height = kHeight;
  spec.problem.width = spec.problem.label_width = kWidth;
  const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO, 0));
  ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();

  constexpr std::size_t kLogitBytes = 2 * kClasses * kCells, kMargin = std::size_t{1} << 30;
  const std::size_t needed = 2 * kLogitBytes + kCells + plan.state_bytes() + plan.workspace_bytes() + kMargin;
  if (available_bytes() < needed)
    GTEST_SKIP() << "needs " << needed << " bytes of memory, MemAvailable is " << available_bytes();

  const Pages logits(kLogitBytes), gradient(kLogitBytes), labels(kCells), state(plan.state_bytes()),
      workspace(plan.workspace_bytes());
  ASSERT_TRUE(logits.is_mapped() && gradient.is_mapped() && labels.is_mapped() && state.is_mapped() &&
              workspace.is_mapped());
  for (std::int64_t c = 0; c < kClasses; ++c)
    repeat_row(pattern.batch.logits.data() + 2 * c * kPattern, 2, logits.data() + 2 * c * kCells);
  repeat_row(pattern.batch.labels.data(), 1, labels.data());
  std::memset(gradient.data(), 0xff, kLogitBytes);

  float loss = -1;
  const float upstream = static_cast<float>(kCells / kPattern);
  arloss_tensors_t io{};
  io.struct_size = sizeof io;
  io.logits = logits.data();
  io.labels = labels.data();
  io.loss = &loss;
  io.grad_loss = &upstream;
  io.grad_logits = gradient.data();
  ASSERT_EQ(arloss_forward_backward(plan.get(), &io, state.data(), plan.state_bytes(), workspace.data(),
                                    plan.workspace_bytes(), nullptr),
            ARLOSS_STATUS_SUCCESS)
      << arloss_last_message();
  EXPECT_NEAR(loss, pattern.expected.loss[0], loss_bounds(pattern)[0]);
  expect_rows(pattern, gradient.data());
  expect_every_row_written(gradient.data());
}

/// A bad label and a bad weight are found, and named, past position 2^31 too: refused before any logit is read.
TEST(Large, PositionsOfFaultsAre64Bit) {
  if (kIsThinned) GTEST_SKIP() << "2 GiB of labels are too much under a sanitizer";
  CaseSpec spec = plain_spec(9, 1, 1, 16000);
  spec.problem.label_width = spec.problem.width;
  spec.problem.label_height = 16000;  // 9 label maps of 256 million pixels
  const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO, 0));
  ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
  constexpr std::size_t kLabels = std::size_t{9} * 16000 * 16000;
  static_assert(kLabels > std::size_t{1} << 31);
  constexpr std::size_t kLast = kLabels - 5;
  if (available_bytes() < 2 * kLabels) GTEST_SKIP() << "needs " << 2 * kLabels << " bytes of memory";
  const Pages labels(kLabels), state(plan.state_bytes()), workspace(plan.workspace_bytes());
  ASSERT_TRUE(labels.is_mapped() && state.is_mapped() && workspace.is_mapped());
  labels.data()[kLast] = 7;
  std::vector<float> logits(9 * 16000);
  float loss = -1;
  arloss_tensors_t io{};
  io.struct_size = sizeof io;
  io.logits = logits.data();
  io.labels = labels.data();
  io.loss = &loss;
  EXPECT_EQ(arloss_forward(plan.get(), &io, state.data(), plan.state_bytes(), workspace.data(), plan.workspace_bytes(),
                           nullptr),
            ARLOSS_STATUS_INVALID_LABEL);
  EXPECT_NE(std::string(arloss_last_message()).find("labels[" + std::to_string(kLast) + "]"), std::string::npos)
      << arloss_last_message();
  EXPECT_EQ(loss, -1);
}

}  // namespace
}  // namespace support
