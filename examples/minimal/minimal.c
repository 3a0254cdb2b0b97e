/* The smallest correct caller: one image of 4 x 4 cells, 3 classes, the loss and its gradient.
 *   cc minimal.c $(pkg-config --cflags --libs arloss) -o minimal */
#include <arloss/arloss.h>

#include <stdio.h>
#include <stdlib.h>

enum { kClasses = 3, kHeight = 4, kWidth = 4, kCells = kHeight * kWidth };

/* 255, the default ignore index, marks cells that take no part. */
static const uint8_t kLabels[kCells] = {0, 0, 1, 1,  //
                                        0, 0, 1, 1,  //
                                        0, 2, 2, 1,  //
                                        2, 2, 2, 255};

static int is_success(arloss_status_t status, const char *call) {
  if (status == ARLOSS_STATUS_SUCCESS) return 1;
  fprintf(stderr, "%s: %s: %s\n", call, arloss_status_name(status), arloss_last_message());
  return 0;
}

int main(void) {
  float logits[kClasses * kCells]; /* [class][row][column]: columns fastest */
  float gradient[kClasses * kCells];
  float loss = 0.0f;
  for (size_t c = 0; c < kClasses; ++c) {
    for (size_t i = 0; i < kCells; ++i) {
      logits[c * kCells + i] = kLabels[i] == c ? 1.0f : 0.0f; /* right everywhere, but unsure */
    }
  }

  arloss_problem_t problem;
  arloss_problem_init(&problem); /* float32 NCHW logits, uint8 labels, squared penalty, mean over the batch */
  problem.batch = 1;
  problem.classes = kClasses;
  problem.height = kHeight;
  problem.width = kWidth;

  arloss_options_t options;
  arloss_options_init(&options); /* CPU, all its threads, the best algorithm */

  const arloss_tensors_t io = {
      .struct_size = sizeof io, .logits = logits, .labels = kLabels, .loss = &loss, .grad_logits = gradient};

  /* A plan is made once for a problem; each training step is then one run call, which allocates nothing. */
  arloss_plan_t *plan = NULL;
  void *state = NULL;
  void *workspace = NULL;
  size_t state_bytes = 0;
  size_t workspace_bytes = 0;
  int is_done = is_success(arloss_plan_create(&plan, &problem, &options), "arloss_plan_create") &&
                is_success(arloss_plan_state_bytes(plan, &state_bytes), "arloss_plan_state_bytes") &&
                is_success(arloss_plan_workspace_bytes(plan, &workspace_bytes), "arloss_plan_workspace_bytes");
  if (is_done) {
    state = malloc(state_bytes); /* malloc aligns to the 16 bytes that arloss asks for */
    workspace = malloc(workspace_bytes);
    is_done = (state != NULL || state_bytes == 0) && (workspace != NULL || workspace_bytes == 0) &&
              is_success(arloss_forward_backward(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL),
                         "arloss_forward_backward");
  }
  if (is_done) {
    printf("loss %.6f\ngradient of the first cell:", (double)loss);
    for (size_t c = 0; c < kClasses; ++c) printf(" %.6f", (double)gradient[c * kCells]);
    printf("\n");
  }
  free(workspace);
  free(state);
  arloss_plan_destroy(plan);
  return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}
