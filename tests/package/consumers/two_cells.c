/* One row of two cells, p = (4/5, 1/5) and (1/5, 4/5), of different classes: affinity 4/5 where 0 is right, in two of
 * the four pairs, so the loss is 8/25. */
#include <arloss/arloss.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  const float log_4 = 1.3862943611198906f;
  const float logits[4] = {log_4, 0.0f, 0.0f, log_4};
  const uint8_t labels[2] = {0, 1};
  float loss = -1.0f;
  arloss_tensors_t io = {.struct_size = sizeof io, .logits = logits, .labels = labels, .loss = &loss};

  arloss_problem_t problem;
  arloss_problem_init(&problem);
  problem.classes = 2;
  problem.height = 1;
  problem.width = 2;
  arloss_options_t options;
  arloss_options_init(&options);

  arloss_plan_t *plan = NULL;
  size_t state_bytes = 0;
  size_t workspace_bytes = 0;
  if (arloss_plan_create(&plan, &problem, &options) || arloss_plan_state_bytes(plan, &state_bytes) ||
      arloss_plan_workspace_bytes(plan, &workspace_bytes)) {
    puts(arloss_last_message());
    return EXIT_FAILURE;
  }
  void *state = malloc(state_bytes);
  void *workspace = malloc(workspace_bytes);
  if (arloss_forward(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL)) puts(arloss_last_message());
  free(state);
  free(workspace);
  arloss_plan_destroy(plan);
  printf("loss %.6f\n", (double)loss);
  return fabs((double)loss - 0.32) < 1e-6 ? EXIT_SUCCESS : EXIT_FAILURE;
}
