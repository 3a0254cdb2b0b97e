/// Where the logits lie: every layout and dtype is read right, alike at any address, and never outside the span.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "embed_job.h"
#include "guarded_pages.h"
#include "support/random.h"
#include "support/thinning.h"

namespace arloss::cpu {
namespace {

constexpr arloss_dtype_t kDtypes[] = {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16};

class EmbedSpanTest : public SimdTest {
 protected:
  /// s, residual, max and sum, one after the other.
  std::vector<float> embed(const CellSpan& span) {
    std::vector<float> written;
    EmbedBuffers out(span.classes, span.count, kChunk);
    for (int i = 0; i < span.count; ++i)
      out.anchor[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i % (span.classes + 1)) - 1;
    kernels().embed(out.job(span));
    for (const std::vector<float>* part : {&out.s.values, &out.residual.values, &out.max_logit, &out.sum})
      written.insert(written.end(), part->begin(), part->end());
    return written;
  }

  /// Logits i * classes + c of a fixed list, put into a layout; NaN between, which would show if it were used.
  static void write(const SpanLayout& layout, arloss_dtype_t dtype, std::int64_t classes, int count, void* to) {
    support::Random random(3);
    for (std::int64_t index = 0; index < layout.extent(classes, count); ++index)
      support::store_real(dtype, std::nan(""), to, static_cast<std::size_t>(index));
    for (int i = 0; i < count; ++i)
      for (std::int64_t c = 0; c < classes; ++c)
        support::store_real(dtype, 3 * random.normal(), to,
                            static_cast<std::size_t>(layout.index(classes, count, c, i)));
  }

  void expect_same_at_both_edges(const SpanLayout& layout, arloss_dtype_t dtype, std::int64_t classes, int count) {
    SCOPED_TRACE(std::string(layout.name) + ", dtype " + std::to_string(static_cast<int>(dtype)) + ", " +
                 std::to_string(classes) + " classes, " + std::to_string(count) + " cells");
    std::vector<double> dense(static_cast<std::size_t>(classes * count));
    write(kLayouts[0], dtype, classes, count, dense.data());
    const std::vector<float> expected = embed(kLayouts[0].span(dense.data(), dtype, classes, count));
    support::GuardedPages pages(static_cast<std::size_t>(layout.extent(classes, count)) *
                                support::element_bytes(dtype));
    for (unsigned char* at : {pages.at_end(), pages.at_start()}) {
      write(layout, dtype, classes, count, at);
      EXPECT_EQ(embed(layout.span(at, dtype, classes, count)), expected);
    }
  }
};
ARLOSS_ON_EVERY_TARGET(EmbedSpanTest);

TEST_P(EmbedSpanTest, NothingOutsideIsReadAndEveryLayoutGivesTheSameBits) {
  for (const SpanLayout& layout : kLayouts)
    for (const arloss_dtype_t dtype : kDtypes)
      for (int count = 1; count <= kChunk; count += count < 36 && !support::kIsThinned ? 1 : 55) {
        expect_same_at_both_edges(layout, dtype, 3, count);
        if (count % 4 == 1) expect_same_at_both_edges(layout, dtype, 1, count);
      }
}

TEST_P(EmbedSpanTest, OneLogitIsReadAloneAtEitherEdge) {
  for (const arloss_dtype_t dtype : kDtypes) {
    support::GuardedPages pages(support::element_bytes(dtype));
    for (unsigned char* at : {pages.at_end(), pages.at_start()}) {
      support::store_real(dtype, -1.625, at, 0);
      EXPECT_EQ(kernels().load_logit(at, dtype), -1.625f);
    }
  }
}

}  // namespace
}  // namespace arloss::cpu
