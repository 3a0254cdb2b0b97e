/* One loss over pixels that lie on several processes, by MPI: rows of one image, images of a batch. Every rank gets the
 * loss of all pairs of pixels, those of other ranks among them, and the gradient of its own logits. What travels is a
 * few small matrices (docs/distributed.md). Rank 0 then does all of it alone and compares.
 *   mpicc sharded_mpi.c $(pkg-config --cflags --libs arloss) -lm -o sharded_mpi && mpirun -np 3 ./sharded_mpi */
#include <arloss/arloss.h>

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "sharded_data.h"

static float gradient[sizeof logits / sizeof logits[0]]; /* this rank's own part of it, where its logits lie */
static float whole_gradient[sizeof logits / sizeof logits[0]];

/* A plan for one shard and the memory of a call. */
typedef struct {
  arloss_plan_t *plan;
  void *state, *workspace;
  size_t state_bytes, workspace_bytes, sum_count;
} runner_t;

static arloss_status_t open_runner(runner_t *runner, const shard_t *shard) {
  arloss_options_t options;
  arloss_options_init(&options);
  options.num_threads = 1;                       /* ranks share this machine */
  options.algorithm = ARLOSS_ALGORITHM_FACTORED; /* the one that has sums; refused here if a penalty has none */
  arloss_status_t status = arloss_plan_create(&runner->plan, &shard->problem, &options);
  if (!status) status = arloss_plan_state_bytes(runner->plan, &runner->state_bytes);
  if (!status) status = arloss_plan_workspace_bytes(runner->plan, &runner->workspace_bytes);
  if (!status) status = arloss_plan_sum_count(runner->plan, &runner->sum_count);
  if (status) return status;
  runner->state = malloc(runner->state_bytes);
  runner->workspace = malloc(runner->workspace_bytes);
  return runner->state && runner->workspace ? ARLOSS_STATUS_SUCCESS : ARLOSS_STATUS_OUT_OF_MEMORY;
}

static void close_runner(runner_t *runner) {
  free(runner->workspace);
  free(runner->state);
  arloss_plan_destroy(runner->plan);
}

/* The worst status of all ranks. A rank that met a bad label must say so before the others wait for its sums. */
static int all_succeed(arloss_status_t status, MPI_Comm comm) {
  int worst = status;
  if (status) fprintf(stderr, "%s: %s\n", arloss_status_name(status), arloss_last_message());
  MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, comm);
  return worst == ARLOSS_STATUS_SUCCESS;
}

/* Loss and gradient of pairs that reach across ranks: sums of each, their sum, and on from there. */
static int run_across_ranks(const runner_t *runner, const arloss_tensors_t *io, MPI_Comm comm) {
  if (!all_succeed(arloss_accumulate(runner->plan, io, runner->state, runner->state_bytes, runner->workspace,
                                     runner->workspace_bytes, NULL),
                   comm))
    return 0;
  MPI_Allreduce(MPI_IN_PLACE, runner->state, (int)runner->sum_count, MPI_DOUBLE, MPI_SUM, comm);
  arloss_status_t status = arloss_finish(runner->plan, io, runner->state, runner->state_bytes, NULL);
  if (!status)
    status = arloss_backward(runner->plan, io, runner->state, runner->state_bytes, runner->workspace,
                             runner->workspace_bytes, NULL);
  return all_succeed(status, comm);
}

/* Loss and gradient of pairs within images that no two ranks share: only the losses are added. */
static int run_apart(const runner_t *runner, const arloss_tensors_t *io, MPI_Comm comm) {
  if (!all_succeed(arloss_forward_backward(runner->plan, io, runner->state, runner->state_bytes, runner->workspace,
                                           runner->workspace_bytes, NULL),
                   comm))
    return 0;
  MPI_Allreduce(MPI_IN_PLACE, io->loss, 1, MPI_FLOAT, MPI_SUM, comm);
  return 1;
}

/* This rank's part of a split over the ranks of comm: the loss, and the gradient into grad_logits at its cells. */
static int run_split(split_t split, MPI_Comm comm, float *loss, float *grad_logits, size_t *sum_count) {
  int rank, num_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &num_ranks);
  const shard_t shard = make_shard(split, rank, num_ranks);
  const arloss_tensors_t io = {.struct_size = sizeof io,
                               .logits = logits_of(&shard),
                               .labels = labels_of(&shard),
                               .loss = loss,
                               .grad_logits = grad_logits + shard.first_cell * kClasses};
  runner_t runner = {0};
  const int is_done = all_succeed(open_runner(&runner, &shard), comm) &&
                      (split == APART ? run_apart(&runner, &io, comm) : run_across_ranks(&runner, &io, comm));
  *sum_count = runner.sum_count;
  close_runner(&runner);
  return is_done;
}

/* Joins the parts of the gradient on rank 0. */
static void gather_gradient(split_t split, int rank, int num_ranks) {
  int *counts = malloc(sizeof(int) * (size_t)num_ranks), *offsets = malloc(sizeof(int) * (size_t)num_ranks);
  for (int r = 0; r < num_ranks; ++r) {
    const shard_t shard = make_shard(split, r, num_ranks);
    counts[r] = (int)(shard.num_cells * kClasses);
    offsets[r] = (int)(shard.first_cell * kClasses);
  }
  MPI_Gatherv(rank == 0 ? MPI_IN_PLACE : (const void *)(gradient + offsets[rank]), counts[rank], MPI_FLOAT, gradient,
              counts, offsets, MPI_FLOAT, 0, MPI_COMM_WORLD);
  free(offsets);
  free(counts);
}

/* Runs a split on all ranks and on rank 0 alone, and prints how far apart they are. */
static int compare(split_t split, int rank, int num_ranks) {
  float loss = 0, whole_loss = 0, range[2];
  size_t sum_count, whole_count;
  if (!run_split(split, MPI_COMM_WORLD, &loss, gradient, &sum_count)) return 0;
  range[0] = loss;
  range[1] = -loss;
  MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_FLOAT, MPI_MAX, MPI_COMM_WORLD); /* over all ranks: most, and -least */
  gather_gradient(split, rank, num_ranks);

  int is_right = 1;
  if (rank == 0) {
    is_right = run_split(split, MPI_COMM_SELF, &whole_loss, whole_gradient, &whole_count);
    const double gradient_error = distance(gradient, whole_gradient);
    is_right = is_right && gradient_error <= kGradientBound && is_same_loss(range[0], whole_loss) &&
               is_same_loss(-range[1], whole_loss);
    printf("%-18s ranks %d  doubles %5zu  loss %.7f  alone %.7f  gradient off by %.1e  %s\n", kSplitNames[split],
           num_ranks, split == APART ? 0 : sum_count, (double)loss, (double)whole_loss, gradient_error,
           is_right ? "ok" : "WRONG");
  }
  MPI_Bcast(&is_right, 1, MPI_INT, 0, MPI_COMM_WORLD);
  return is_right;
}

int main(int argc, char **argv) {
  int rank, num_ranks, is_right;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &num_ranks);
  make_batch();
  is_right = num_ranks <= kUnits;
  if (!is_right && rank == 0) fprintf(stderr, "%d ranks, but the data has %d parts\n", num_ranks, kUnits);
  for (int split = ROWS; split <= APART; ++split) is_right = is_right && compare((split_t)split, rank, num_ranks);
  MPI_Finalize();
  return is_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
