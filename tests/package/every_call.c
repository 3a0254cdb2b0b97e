/* A C11 program that calls every function of the public header and checks what it can work out by hand. */
#include <arloss/arloss.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int g_checks = 0;
static int g_failures = 0;

static void check(int is_true, const char *what, int line) {
  ++g_checks;
  if (is_true) return;
  ++g_failures;
  printf("every_call.c:%d: %s (last message: \"%s\")\n", line, what, arloss_last_message());
}

#define CHECK(condition) check((condition) != 0, #condition, __LINE__)
#define CHECK_NEAR(value, expected, tolerance) \
  check(fabs((double)(value) - (expected)) <= (tolerance), #value " near " #expected, __LINE__)
#define CHECK_SUCCESS(call) CHECK((call) == ARLOSS_STATUS_SUCCESS)
#define CHECK_REFUSED(call, status, word) check_refused((call), status, word, #call, __LINE__)

static void check_refused(arloss_status_t got, arloss_status_t expected, const char *word, const char *call, int line) {
  ++g_checks;
  if (got == expected && strstr(arloss_last_message(), word) != NULL) return;
  ++g_failures;
  printf("every_call.c:%d: %s is %s, \"%s\"; expected %s and a message with \"%s\"\n", line, call,
         arloss_status_name(got), arloss_last_message(), arloss_status_name(expected), word);
}

/* A plan with its buffers. */
typedef struct {
  arloss_plan_t *plan;
  void *state;
  void *workspace;
  size_t state_bytes;
  size_t workspace_bytes;
} runner_t;

static runner_t make_runner(const arloss_problem_t *problem, arloss_algorithm_t algorithm) {
  runner_t runner = {NULL, NULL, NULL, 0, 0};
  arloss_options_t options;
  arloss_options_init(&options);
  options.algorithm = algorithm;
  const arloss_status_t status = arloss_plan_create(&runner.plan, problem, &options);
  if (status != ARLOSS_STATUS_SUCCESS || runner.plan == NULL) {
    printf("arloss_plan_create: %s: %s\n", arloss_status_name(status), arloss_last_message());
    exit(EXIT_FAILURE);
  }
  CHECK_SUCCESS(arloss_plan_state_bytes(runner.plan, &runner.state_bytes));
  CHECK_SUCCESS(arloss_plan_workspace_bytes(runner.plan, &runner.workspace_bytes));
  runner.state = malloc(runner.state_bytes > 0 ? runner.state_bytes : 1);
  runner.workspace = malloc(runner.workspace_bytes > 0 ? runner.workspace_bytes : 1);
  if (runner.state == NULL || runner.workspace == NULL) exit(EXIT_FAILURE);
  return runner;
}

static void free_runner(runner_t *runner) {
  free(runner->state);
  free(runner->workspace);
  arloss_plan_destroy(runner->plan);
}

static arloss_status_t forward(const runner_t *r, const arloss_tensors_t *io) {
  return arloss_forward(r->plan, io, r->state, r->state_bytes, r->workspace, r->workspace_bytes, NULL);
}

static arloss_status_t backward(const runner_t *r, const arloss_tensors_t *io) {
  return arloss_backward(r->plan, io, r->state, r->state_bytes, r->workspace, r->workspace_bytes, NULL);
}

static arloss_status_t forward_backward(const runner_t *r, const arloss_tensors_t *io) {
  return arloss_forward_backward(r->plan, io, r->state, r->state_bytes, r->workspace, r->workspace_bytes, NULL);
}

/* `batch` images of one row of two cells. */
static arloss_problem_t two_cells(int64_t batch, int64_t classes) {
  arloss_problem_t problem;
  arloss_problem_init(&problem);
  problem.batch = batch;
  problem.classes = classes;
  problem.height = 1;
  problem.width = 2;
  return problem;
}

/* p_1 = (4/5, 1/5), p_2 = (1/5, 4/5): affinity 2 sqrt(4/25) = 4/5. NCHW: class 0 of both cells, then class 1. */
static void mirrored_logits(float logits[4]) {
  const float log_4 = 1.3862943611198906f;
  logits[0] = log_4;
  logits[1] = 0.0f;
  logits[2] = 0.0f;
  logits[3] = log_4;
}

static void names_and_defaults(void) {
  CHECK(arloss_version() == ARLOSS_VERSION_MAJOR * 10000 + ARLOSS_VERSION_MINOR * 100 + ARLOSS_VERSION_PATCH);
  CHECK(strcmp(arloss_status_name(ARLOSS_STATUS_SUCCESS), "ARLOSS_STATUS_SUCCESS") == 0);
  CHECK(strcmp(arloss_status_name(ARLOSS_STATUS_INVALID_LABEL), "ARLOSS_STATUS_INVALID_LABEL") == 0);
  CHECK(strcmp(arloss_status_name(ARLOSS_STATUS_INTERNAL_ERROR), "ARLOSS_STATUS_INTERNAL_ERROR") == 0);
  CHECK(arloss_status_name((arloss_status_t)12345) != NULL);
  CHECK(strcmp(arloss_last_message(), "") == 0); /* nothing has failed yet */
  CHECK(arloss_device_available(ARLOSS_DEVICE_CPU) == 1);
  CHECK(arloss_device_available((arloss_device_t)77) == 0);

  arloss_problem_t problem;
  memset(&problem, 0xff, sizeof problem);
  arloss_problem_init(&problem);
  CHECK(problem.struct_size == sizeof problem);
  CHECK(problem.depth == 1);
  CHECK(problem.has_ignore_index == 1 && problem.ignore_index == 255);
  CHECK(problem.num_scales == 1 && problem.scales[0] == 1);
  CHECK(problem.loss_weight == 1.0f && problem.penalty == ARLOSS_PENALTY_SQUARED);
  CHECK(problem.span == ARLOSS_SPAN_IMAGE && problem.reduction == ARLOSS_REDUCTION_MEAN);
  arloss_options_t options;
  memset(&options, 0xff, sizeof options);
  arloss_options_init(&options);
  CHECK(options.struct_size == sizeof options);
  CHECK(options.device == ARLOSS_DEVICE_CPU && options.algorithm == ARLOSS_ALGORITHM_AUTO && options.num_threads == 0);
}

static void plans_and_refusals(void) {
  arloss_options_t options;
  arloss_options_init(&options);
  arloss_plan_t *plan = NULL;
  arloss_problem_t problem = two_cells(1, 2);

  problem.classes = 0;
  CHECK_REFUSED(arloss_plan_create(&plan, &problem, &options), ARLOSS_STATUS_INVALID_ARGUMENT, "classes");
  problem.classes = 2;
  problem.struct_size -= 1;
  CHECK_REFUSED(arloss_plan_create(&plan, &problem, &options), ARLOSS_STATUS_INVALID_ARGUMENT, "struct_size");
  problem.struct_size += 1;
  problem.span = ARLOSS_SPAN_BATCH;
  problem.reduction = ARLOSS_REDUCTION_NONE;
  CHECK_REFUSED(arloss_plan_create(&plan, &problem, &options), ARLOSS_STATUS_INVALID_ARGUMENT, "reduction");
  problem = two_cells(1, 2);
  problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
  options.algorithm = ARLOSS_ALGORITHM_FACTORED;
  CHECK_REFUSED(arloss_plan_create(&plan, &problem, &options), ARLOSS_STATUS_UNSUPPORTED, "CROSS_ENTROPY");
  arloss_options_init(&options);
  problem = two_cells(1, 2);
  CHECK_REFUSED(arloss_plan_create(NULL, &problem, &options), ARLOSS_STATUS_INVALID_ARGUMENT, "plan");
  CHECK_REFUSED(arloss_plan_create(&plan, NULL, &options), ARLOSS_STATUS_INVALID_ARGUMENT, "problem");
  CHECK_REFUSED(arloss_plan_create(&plan, &problem, NULL), ARLOSS_STATUS_INVALID_ARGUMENT, "options");
  if (!arloss_device_available(ARLOSS_DEVICE_CUDA)) {
    options.device = ARLOSS_DEVICE_CUDA;
    const arloss_status_t status = arloss_plan_create(&plan, &problem, &options);
    CHECK(status == ARLOSS_STATUS_UNSUPPORTED || status == ARLOSS_STATUS_NO_DEVICE);
    CHECK(strstr(arloss_last_message(), "CUDA") != NULL);
  }
  CHECK(plan == NULL); /* a refusal leaves it alone */
  arloss_plan_destroy(NULL);

  /* describe: ask for the size, one byte too few, then exactly enough. */
  runner_t runner = make_runner(&problem, ARLOSS_ALGORITHM_AUTO);
  size_t needed = 0;
  CHECK_SUCCESS(arloss_plan_describe(runner.plan, NULL, 0, &needed));
  CHECK(needed > 1);
  char *text = malloc(needed);
  if (text == NULL) exit(EXIT_FAILURE);
  memset(text, '#', needed);
  size_t needed_again = 0;
  CHECK_REFUSED(arloss_plan_describe(runner.plan, text, needed - 1, &needed_again), ARLOSS_STATUS_BUFFER_TOO_SMALL,
                "capacity");
  CHECK(needed_again == needed && text[needed - 1] == '#');
  CHECK_SUCCESS(arloss_plan_describe(runner.plan, text, needed, &needed_again));
  CHECK(needed_again == needed && strlen(text) + 1 == needed);
  free(text);
  CHECK_REFUSED(arloss_plan_state_bytes(NULL, &needed), ARLOSS_STATUS_INVALID_ARGUMENT, "plan");
  CHECK_REFUSED(arloss_plan_workspace_bytes(runner.plan, NULL), ARLOSS_STATUS_INVALID_ARGUMENT, "bytes");
  free_runner(&runner);
}

/* One problem whose loss and gradient are worked out by hand, through every run call and both algorithms. */
static void known_answers(arloss_algorithm_t algorithm) {
  arloss_problem_t problem = two_cells(1, 2);
  runner_t runner = make_runner(&problem, algorithm);
  float logits[4];
  mirrored_logits(logits);
  uint8_t labels[2] = {0, 0};
  float loss = -1.0f;
  float gradient[4] = {9.0f, 9.0f, 9.0f, 9.0f};
  arloss_tensors_t io = {.struct_size = sizeof io, .logits = logits, .labels = labels, .loss = &loss};

  /* Same label, affinity 4/5: two of the four pairs cost (1/5)^2. */
  CHECK_SUCCESS(forward(&runner, &io));
  CHECK_NEAR(loss, 0.02, 1e-6);
  io.grad_logits = gradient;
  CHECK_SUCCESS(backward(&runner, &io));
  CHECK_NEAR(gradient[0], 0.024, 1e-6);
  CHECK_NEAR(gradient[1], -0.024, 1e-6);
  CHECK_NEAR(gradient[2], -0.024, 1e-6);
  CHECK_NEAR(gradient[3], 0.024, 1e-6);

  /* One call does the same, to the bit; the upstream gradient multiplies. */
  float loss_again = -1.0f;
  float gradient_again[4] = {9.0f, 9.0f, 9.0f, 9.0f};
  io.loss = &loss_again;
  io.grad_logits = gradient_again;
  CHECK_SUCCESS(forward_backward(&runner, &io));
  CHECK(memcmp(&loss, &loss_again, sizeof loss) == 0 && memcmp(gradient, gradient_again, sizeof gradient) == 0);
  const float upstream = -2.0f;
  io.grad_loss = &upstream;
  CHECK_SUCCESS(forward_backward(&runner, &io));
  CHECK(memcmp(&loss, &loss_again, sizeof loss) == 0);
  CHECK_NEAR(gradient_again[0], -0.048, 1e-6);
  io.grad_loss = NULL;

  /* Different labels, affinity 4/5 against 0. */
  labels[1] = 1;
  CHECK_SUCCESS(forward_backward(&runner, &io));
  CHECK_NEAR(loss_again, 0.32, 1e-6);

  /* A perfect prediction costs nothing; a saturated one has no slope either. */
  for (int i = 0; i < 4; ++i) logits[i] *= 100.0f;
  CHECK_SUCCESS(forward_backward(&runner, &io));
  CHECK_NEAR(loss_again, 0.0, 1e-12);
  for (int i = 0; i < 4; ++i) CHECK_NEAR(gradient_again[i], 0.0, 1e-12);

  /* Nothing to learn from: all ignored. */
  labels[0] = labels[1] = 255;
  CHECK_SUCCESS(forward_backward(&runner, &io));
  CHECK(loss_again == 0.0f);
  for (int i = 0; i < 4; ++i) CHECK(gradient_again[i] == 0.0f);

  /* A label that is no class: refused with its position, outputs untouched. */
  labels[0] = 0;
  labels[1] = 7;
  loss_again = 5.0f;
  gradient_again[3] = 6.0f;
  CHECK_REFUSED(forward_backward(&runner, &io), ARLOSS_STATUS_INVALID_LABEL, "labels[1]");
  CHECK(loss_again == 5.0f && gradient_again[3] == 6.0f);
  labels[1] = 0;
  if (runner.workspace_bytes > 0) {
    CHECK_REFUSED(arloss_forward_backward(runner.plan, &io, runner.state, runner.state_bytes, runner.workspace,
                                          runner.workspace_bytes - 1, NULL),
                  ARLOSS_STATUS_BUFFER_TOO_SMALL, "workspace");
  }
  io.grad_logits = logits;
  CHECK_REFUSED(forward_backward(&runner, &io), ARLOSS_STATUS_INVALID_ARGUMENT, "grad_logits");
  io.logits = NULL;
  CHECK_REFUSED(forward(&runner, &io), ARLOSS_STATUS_INVALID_ARGUMENT, "logits");
  CHECK(loss_again == 5.0f);
  free_runner(&runner);

  /* One class: every affinity is 1, predicted and labelled. */
  problem = two_cells(1, 1);
  runner = make_runner(&problem, algorithm);
  const float one_class_logits[2] = {3.0f, -4.0f};
  const uint8_t one_class_labels[2] = {0, 0};
  io = (arloss_tensors_t){.struct_size = sizeof io,
                          .logits = one_class_logits,
                          .labels = one_class_labels,
                          .loss = &loss,
                          .grad_logits = gradient};
  CHECK_SUCCESS(forward_backward(&runner, &io));
  CHECK(loss == 0.0f && gradient[0] == 0.0f && gradient[1] == 0.0f);
  free_runner(&runner);
}

/* Two shards of one image each, their sums added as an all-reduce would: the loss of all pairs across both. */
static void shards(void) {
  float logits[8];
  mirrored_logits(logits);
  mirrored_logits(logits + 4);
  logits[5] = 0.7f;
  const uint8_t labels[4] = {0, 1, 1, 255};
  float whole_loss = -1.0f;
  float whole_gradient[8];
  float loss = -1.0f;
  float gradient[8];

  arloss_problem_t problem = two_cells(2, 2);
  problem.span = ARLOSS_SPAN_BATCH;
  runner_t whole = make_runner(&problem, ARLOSS_ALGORITHM_FACTORED);
  arloss_tensors_t io = {
      .struct_size = sizeof io, .logits = logits, .labels = labels, .loss = &whole_loss, .grad_logits = whole_gradient};
  CHECK_SUCCESS(forward_backward(&whole, &io));
  CHECK(whole_loss > 0.0f);

  /* The whole as its own only shard. */
  io.loss = &loss;
  io.grad_logits = gradient;
  CHECK_SUCCESS(
      arloss_accumulate(whole.plan, &io, whole.state, whole.state_bytes, whole.workspace, whole.workspace_bytes, NULL));
  CHECK_SUCCESS(arloss_finish(whole.plan, &io, whole.state, whole.state_bytes, NULL));
  CHECK(memcmp(&loss, &whole_loss, sizeof loss) == 0);
  free_runner(&whole);

  problem.batch = 1;
  runner_t shard[2] = {make_runner(&problem, ARLOSS_ALGORITHM_FACTORED),
                       make_runner(&problem, ARLOSS_ALGORITHM_FACTORED)};
  arloss_tensors_t part[2];
  size_t num_sums = 0;
  CHECK_SUCCESS(arloss_plan_sum_count(shard[0].plan, &num_sums));
  CHECK(num_sums > 0 && num_sums * sizeof(double) <= shard[0].state_bytes);
  for (size_t s = 0; s < 2; ++s) {
    part[s] = (arloss_tensors_t){.struct_size = sizeof io,
                                 .logits = logits + 4 * s,
                                 .labels = labels + 2 * s,
                                 .loss = &loss,
                                 .grad_logits = gradient + 4 * s};
    CHECK_SUCCESS(arloss_accumulate(shard[s].plan, &part[s], shard[s].state, shard[s].state_bytes, shard[s].workspace,
                                    shard[s].workspace_bytes, NULL));
  }
  double *sums[2] = {shard[0].state, shard[1].state};
  for (size_t i = 0; i < num_sums; ++i) sums[0][i] = sums[1][i] = sums[0][i] + sums[1][i];
  for (size_t s = 0; s < 2; ++s) {
    loss = -1.0f;
    CHECK_SUCCESS(arloss_finish(shard[s].plan, &part[s], shard[s].state, shard[s].state_bytes, NULL));
    CHECK_NEAR(loss, (double)whole_loss, 1e-7);
    CHECK_SUCCESS(backward(&shard[s], &part[s]));
    free_runner(&shard[s]);
  }
  for (int i = 0; i < 8; ++i) CHECK_NEAR(gradient[i], (double)whole_gradient[i], 1e-7);

  runner_t pairwise = make_runner(&problem, ARLOSS_ALGORITHM_PAIRWISE);
  CHECK_REFUSED(arloss_plan_sum_count(pairwise.plan, &num_sums), ARLOSS_STATUS_UNSUPPORTED, "factored");
  CHECK_REFUSED(arloss_accumulate(pairwise.plan, &part[0], pairwise.state, pairwise.state_bytes, pairwise.workspace,
                                  pairwise.workspace_bytes, NULL),
                ARLOSS_STATUS_UNSUPPORTED, "factored");
  CHECK_REFUSED(arloss_finish(pairwise.plan, &part[0], pairwise.state, pairwise.state_bytes, NULL),
                ARLOSS_STATUS_UNSUPPORTED, "factored");
  free_runner(&pairwise);
}

static void looking_inside(void) {
  arloss_problem_t problem = two_cells(1, 2);
  problem.label_height = 2; /* each cell owns a column of two label pixels */
  problem.label_width = 2;
  runner_t runner = make_runner(&problem, ARLOSS_ALGORITHM_AUTO);
  float logits[4];
  mirrored_logits(logits);
  uint8_t labels[4] = {0, 0, 0, 1}; /* cell 0: class 0; cell 1: half class 0, half class 1 */
  arloss_tensors_t io = {.struct_size = sizeof io, .logits = logits, .labels = labels};

  float distribution[4] = {9.0f, 9.0f, 9.0f, 9.0f};
  CHECK_SUCCESS(
      arloss_label_distribution(runner.plan, &io, 0, distribution, runner.workspace, runner.workspace_bytes, NULL));
  CHECK_NEAR(distribution[0], 1.0, 1e-6);
  CHECK_NEAR(distribution[1], 0.0, 1e-6);
  CHECK_NEAR(distribution[2], 0.5, 1e-6);
  CHECK_NEAR(distribution[3], 0.5, 1e-6);
  CHECK_REFUSED(
      arloss_label_distribution(runner.plan, &io, 1, distribution, runner.workspace, runner.workspace_bytes, NULL),
      ARLOSS_STATUS_INVALID_ARGUMENT, "scale_index");

  const int64_t rows_image[2] = {0, 0};
  int64_t rows_cell[2] = {0, 1};
  float rows[3][4];
  for (int which = ARLOSS_AFFINITY_OUTPUT; which <= ARLOSS_AFFINITY_RESIDUAL; ++which) {
    CHECK_SUCCESS(arloss_affinity_rows(runner.plan, &io, (arloss_affinity_t)which, rows_image, rows_cell, 2,
                                       rows[which], runner.workspace, runner.workspace_bytes, NULL));
  }
  for (int i = 0; i < 4; ++i) {
    CHECK(rows[ARLOSS_AFFINITY_OUTPUT][i] >= 0.0f && rows[ARLOSS_AFFINITY_OUTPUT][i] <= 1.000001f);
    CHECK(rows[ARLOSS_AFFINITY_LABEL][i] >= 0.0f && rows[ARLOSS_AFFINITY_LABEL][i] <= 1.000001f);
    CHECK_NEAR(rows[ARLOSS_AFFINITY_RESIDUAL][i],
               (double)rows[ARLOSS_AFFINITY_OUTPUT][i] - (double)rows[ARLOSS_AFFINITY_LABEL][i], 1e-6);
  }
  CHECK_NEAR(rows[ARLOSS_AFFINITY_OUTPUT][0], 1.0, 1e-6);
  CHECK_NEAR(rows[ARLOSS_AFFINITY_OUTPUT][1], 0.8, 1e-6);
  CHECK_NEAR(rows[ARLOSS_AFFINITY_OUTPUT][2], 0.8, 1e-6);
  CHECK_NEAR(rows[ARLOSS_AFFINITY_LABEL][1], sqrt(0.5), 1e-6);
  rows_cell[1] = 2;
  CHECK_REFUSED(arloss_affinity_rows(runner.plan, &io, ARLOSS_AFFINITY_LABEL, rows_image, rows_cell, 2, rows[0],
                                     runner.workspace, runner.workspace_bytes, NULL),
                ARLOSS_STATUS_INVALID_ARGUMENT, "rows_cell[1]");

  /* check: finds nothing, then one fault of each kind. */
  arloss_report_t report = {.struct_size = sizeof report};
  CHECK_SUCCESS(arloss_check(runner.plan, &io, &report, runner.workspace, runner.workspace_bytes, NULL));
  CHECK(report.valid_cells == 2 && report.ignored_labels == 0);
  CHECK(report.invalid_labels == 0 && report.first_invalid_label == -1);
  CHECK(report.nonfinite_logits == 0 && report.first_nonfinite_logit == -1);
  CHECK(report.invalid_weights == 0 && report.first_invalid_weight == -1);
  labels[0] = 255;
  labels[3] = 2;
  logits[2] = NAN;
  const float weights[2] = {1.0f, -1.0f};
  io.pixel_weights = weights;
  CHECK_SUCCESS(arloss_check(runner.plan, &io, &report, runner.workspace, runner.workspace_bytes, NULL));
  CHECK(report.ignored_labels == 1);
  CHECK(report.invalid_labels == 1 && report.first_invalid_label == 3);
  CHECK(report.nonfinite_logits == 1 && report.first_nonfinite_logit == 2);
  CHECK(report.invalid_weights == 1 && report.first_invalid_weight == 1);
  report.struct_size = 0;
  CHECK_REFUSED(arloss_check(runner.plan, &io, &report, runner.workspace, runner.workspace_bytes, NULL),
                ARLOSS_STATUS_INVALID_ARGUMENT, "struct_size");
  free_runner(&runner);
}

int main(void) {
  names_and_defaults();
  plans_and_refusals();
  known_answers(ARLOSS_ALGORITHM_AUTO);
  known_answers(ARLOSS_ALGORITHM_FACTORED);
  known_answers(ARLOSS_ALGORITHM_PAIRWISE);
  shards();
  looking_inside();
  printf("%d checks, %d failed\n", g_checks, g_failures);
  return g_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
