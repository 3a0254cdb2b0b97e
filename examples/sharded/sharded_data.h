/* A made-up batch, and how ranks share it. C, and C++ for sharded_nccl.cu. */
#ifndef ARLOSS_EXAMPLES_SHARDED_DATA_H
#define ARLOSS_EXAMPLES_SHARDED_DATA_H

#include <arloss/arloss.h>

#include <math.h>
#include <stddef.h>

enum { kBatch = 6, kClasses = 7, kHeight = 24, kWidth = 20, kCells = kHeight * kWidth, kFiner = 2, kCoarsest = 4 };

/* Logits [image][row][column][class], labels [image][row][column] on a map twice as fine: in this order rows of an
 * image, and images of a batch, are a run of memory, and a rank's part is a pointer into the whole. */
static float logits[kBatch * kCells * kClasses];
static uint8_t labels[kBatch * kCells * kFiner * kFiner];

static void make_batch(void) {
  uint32_t state = 1;
  for (size_t i = 0; i < sizeof logits / sizeof logits[0]; ++i) {
    state = state * 1664525u + 1013904223u;
    logits[i] = (float)(state >> 8) / 4194304.0f; /* 0 to 4 */
  }
  for (size_t i = 0; i < sizeof labels; ++i) {
    const size_t row = i / (kFiner * kWidth), column = i % (kFiner * kWidth);
    labels[i] = (uint8_t)((row / 7 + column / 9) % kClasses);
    if (row % 11 == 0) labels[i] = 255; /* ignored */
  }
}

/* What is shared out.
 *   ROWS    rows of one image. A shard has whole blocks of every scale: scales 1, 2 and 4 divide 4, so a shard's edge
 *           is a multiple of 4 rows; for scales that do not divide each other it is a multiple of all of them.
 *   IMAGES  images of a batch whose pixels are all compared with each other, across images too: span BATCH.
 *   APART   images of a batch, each compared within itself: span IMAGE. */
typedef enum { ROWS, IMAGES, APART } split_t;

static const char *const kSplitNames[] = {"rows of an image", "images, all pairs", "images, apart"};

enum { kUnits = 6 }; /* of four rows, or of an image: no split has more shards than that */

/* A rank's part: a problem of its own, and where its cells begin in the batch. */
typedef struct {
  arloss_problem_t problem;
  size_t first_cell, num_cells;
} shard_t;

static shard_t make_shard(split_t split, int rank, int num_ranks) {
  const int first_unit = kUnits * rank / num_ranks, num_units = kUnits * (rank + 1) / num_ranks - first_unit;
  const size_t unit_cells = split == ROWS ? (size_t)(kCoarsest * kWidth) : (size_t)kCells;
  shard_t shard;
  arloss_problem_init(&shard.problem); /* float32 logits, uint8 labels, 255 ignored, squared penalty, MEAN */
  shard.first_cell = (size_t)first_unit * unit_cells;
  shard.num_cells = (size_t)num_units * unit_cells;
  shard.problem.batch = split == ROWS ? 1 : num_units;
  shard.problem.classes = kClasses;
  shard.problem.height = split == ROWS ? num_units * kCoarsest : kHeight;
  shard.problem.width = kWidth;
  shard.problem.label_height = kFiner * shard.problem.height;
  shard.problem.label_width = kFiner * shard.problem.width;
  shard.problem.logits_layout = ARLOSS_LAYOUT_NHWC;
  shard.problem.num_scales = 3;
  shard.problem.scales[0] = 1;
  shard.problem.scales[1] = 2;
  shard.problem.scales[2] = kCoarsest;
  shard.problem.span = split == IMAGES ? ARLOSS_SPAN_BATCH : ARLOSS_SPAN_IMAGE;
  /* The mean over all images is the sum over ranks of their own means, each weighted by its share of the images. */
  if (split == APART) shard.problem.loss_weight = (float)num_units / kBatch;
  return shard;
}

static const float *logits_of(const shard_t *shard) { return logits + shard->first_cell * kClasses; }
static const uint8_t *labels_of(const shard_t *shard) { return labels + shard->first_cell * kFiner * kFiner; }

/* The library holds its loss to 1e-5 L + 5e-6 e0, e0 <= 2, and its gradient to 1e-5 of its norm (docs/numerics.md),
 * whatever the order of its sums: two such results are within twice that of each other. */
static const double kGradientBound = 2e-5;

static int is_same_loss(float loss, float whole_loss) {
  return fabs((double)loss - (double)whole_loss) <= 2e-5 * (double)whole_loss + 2e-5;
}

/* |gradient - whole| / |whole|, each shaped as logits. */
static double distance(const float *gradient, const float *whole) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < sizeof logits / sizeof logits[0]; ++i) {
    const double difference = (double)gradient[i] - (double)whole[i];
    error += difference * difference;
    norm += (double)whole[i] * (double)whole[i];
  }
  return sqrt(error / norm);
}

#endif
