/* arloss: the Affinity Regression loss for semantic segmentation, on the CPU or on a CUDA device.
 *
 * Copyright 2026 the arloss authors. Licensed under the Apache License, Version 2.0.
 *
 * For every pair of cells (i, j) of a logits grid the loss compares two affinities in [0, 1]:
 *
 *     A_ij = sum_c sqrt(p_ic p_jc)                   of the predictions, p_i = softmax(z_i)
 *     B_ij = sum_k omega_k sum_c sqrt(t^k_ic t^k_jc) of the labels, t^k the label distribution at scale k
 *     L    = 1/Z sum_ij w_i w_j phi(A_ij - B_ij)     phi: squared, absolute, Huber, log cosh, cross-entropy
 *
 * and returns L and dL/dz. Every pair counts; no N x N matrix is ever stored. docs/math.md defines every symbol,
 * docs/api.md is the guide to this interface, docs/numerics.md and docs/determinism.md say how exact and how
 * repeatable the numbers are.
 *
 * The whole life of a call:
 *
 *     arloss_problem_t problem;                              // what is asked
 *     arloss_problem_init(&problem);
 *     problem.batch = 2;           problem.classes = 19;
 *     problem.height = 128;        problem.width = 256;        // the grid of the logits, in cells
 *     problem.label_height = 512;  problem.label_width = 1024; // the label map may be finer
 *     arloss_options_t options;                              // how to run it
 *     arloss_options_init(&options);
 *     arloss_plan_t *plan = NULL;                            // once; every later call uses it
 *     if (arloss_plan_create(&plan, &problem, &options)) { puts(arloss_last_message()); exit(1); }
 *     size_t state_bytes, workspace_bytes;
 *     arloss_plan_state_bytes(plan, &state_bytes);
 *     arloss_plan_workspace_bytes(plan, &workspace_bytes);
 *     void *state = malloc(state_bytes), *workspace = malloc(workspace_bytes);
 *     arloss_tensors_t io = {0};                             // each batch: where the data lies
 *     io.struct_size = sizeof io;
 *     io.logits = logits;  io.labels = labels;  io.loss = &loss;  io.grad_logits = grad;
 *     if (arloss_forward_backward(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL))
 *       puts(arloss_last_message());
 *     arloss_plan_destroy(plan);                             // at the end; free(state), free(workspace)
 *
 * RULES FOR EVERY CALL
 *
 * Ownership.  The caller owns every tensor, the state and the workspace; the library keeps no pointer after a call
 *   returns (CUDA: after the work it put on the stream is done). Only a plan is the library's: arloss_plan_create
 *   makes it, arloss_plan_destroy ends it.
 * Memory space.  On the CPU every pointer is host memory. On CUDA the tensors, state and workspace are memory of the
 *   plan's device; structs, sizes and reports are always host memory.
 * Alignment.  A tensor is aligned to the size of its element, no more: 4 bytes for float32, 2 for float16 and
 *   bfloat16, 1, 4 or 8 for labels, 8 for row indices. State and workspace are aligned to 16 bytes.
 * Overlap.  What a call writes may overlap nothing else it was given. Only grad_logits against logits is checked.
 * Blocking.  A CPU call returns when its results are in memory. A CUDA run call puts its work on the stream and
 *   returns; it neither allocates nor synchronises and may be captured into a CUDA graph. arloss_plan_create and
 *   arloss_check may block.
 * Threads.  A plan does not change once created: any number of threads and streams may use one at once, each with
 *   its own state and workspace. Every other function may be called from any thread at any time.
 * Side effects.  Run calls allocate nothing, print nothing and let no exception out (the OpenMP runtime may start
 *   its threads on the first call). The process's OpenMP settings, locale, floating-point mode and signal handlers
 *   are never changed.
 * Errors.  A call returns ARLOSS_STATUS_SUCCESS or the reason of its failure; arloss_last_message then names the
 *   field, value and rule. A failed CPU call leaves every output as it was, the state, the loss and the gradient
 *   included; only the workspace's contents may have changed. Each function lists its errors; any of them may also
 *   return ARLOSS_STATUS_INTERNAL_ERROR, and on CUDA ARLOSS_STATUS_CUDA_ERROR.
 * Sizes.  Counts and indices are 64-bit: more than 2^31 elements and more than 65,536 cells are ordinary.
 * Growth.  Structs open with struct_size. A size below that of the first version that has the struct is refused; a
 *   larger one, from a caller built with a newer header, is accepted, and the fields this version does not know are
 *   not read.
 *
 * CUDA is there where the library was built with it (arloss_device_available), for every problem with fewer than 2^30
 * cells an image.
 *
 * This file is strict C11 and compiles as C++. All of it exists since version 0.1.0 unless a declaration says
 * otherwise.
 */
#ifndef ARLOSS_ARLOSS_H
#define ARLOSS_ARLOSS_H
#include <stddef.h>
#include <stdint.h>

/* Marks what the shared library exports. */
#if defined(__GNUC__)
#define ARLOSS_API __attribute__((visibility("default")))
#else
#define ARLOSS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* =====================================================================================================================
 * Version, statuses, messages
 * ================================================================================================================== */

/* The version of this header; arloss_version() gives that of the library in use. */
#define ARLOSS_VERSION_MAJOR 0
#define ARLOSS_VERSION_MINOR 1
#define ARLOSS_VERSION_PATCH 0

/* The most scales a problem can have. */
#define ARLOSS_MAX_SCALES 8

/* What every call returns. Values are pinned; new ones are only ever added. */
typedef enum {
  ARLOSS_STATUS_SUCCESS = 0,           /* the only value that is false */
  ARLOSS_STATUS_INVALID_ARGUMENT = 10, /* a field, pointer, size or pixel weight that the contract refuses */
  ARLOSS_STATUS_INVALID_LABEL = 11,    /* CPU: a label that is neither in [0, classes) nor the ignore index */
  ARLOSS_STATUS_BUFFER_TOO_SMALL = 12, /* state_bytes, workspace_bytes or capacity below what the plan asked for */
  ARLOSS_STATUS_UNSUPPORTED = 20,      /* valid, but this build, device or algorithm cannot: the message says which */
  ARLOSS_STATUS_NO_DEVICE = 30,        /* CUDA asked for and built in, but no usable driver or device */
  ARLOSS_STATUS_CUDA_ERROR = 31,       /* a CUDA call failed: the message carries its name */
  ARLOSS_STATUS_OUT_OF_MEMORY = 40,    /* host memory for a plan */
  ARLOSS_STATUS_INTERNAL_ERROR = 50    /* a defect of the library: please report the message */
} arloss_status_t;

/* =====================================================================================================================
 * The words of a problem. All values are pinned.
 * ================================================================================================================== */

/* Where the plan runs and where its tensors lie. */
typedef enum { ARLOSS_DEVICE_CPU = 0, ARLOSS_DEVICE_CUDA = 1 } arloss_device_t;

/* Element types: the first three for logits and their gradient, the last three for labels. Half types are the bit
 * patterns of IEEE binary16 and of bfloat16; arithmetic is float32 or wider whatever the type, and a gradient is
 * rounded once, when stored. */
typedef enum {
  ARLOSS_DTYPE_FLOAT32 = 0,
  ARLOSS_DTYPE_FLOAT16 = 1,
  ARLOSS_DTYPE_BFLOAT16 = 2,
  ARLOSS_DTYPE_UINT8 = 10,
  ARLOSS_DTYPE_INT32 = 11,
  ARLOSS_DTYPE_INT64 = 12
} arloss_dtype_t;

/* Order of the axes of logits and grad_logits, slowest first, dense. NCHW: width is fastest. NHWC: classes are
 * fastest. With depth above 1 they mean NCDHW and NDHWC. */
typedef enum { ARLOSS_LAYOUT_NCHW = 0, ARLOSS_LAYOUT_NHWC = 1 } arloss_layout_t;

/* How several scales make one loss (docs/math.md, eq. 7).
 *   BLEND     one target, B = sum_k omega_k B^k.
 *   SEPARATE  the weighted sum of the losses against each B^k. For SQUARED: BLEND's gradient, and BLEND's value plus
 *             a constant.
 *   PYRAMID   predictions and labels are pooled alike into blocks, a loss per scale between blocks, their weighted
 *             sum: the only mode with coarse scales whose minimum is at the labels. */
typedef enum { ARLOSS_SCALES_BLEND = 0, ARLOSS_SCALES_SEPARATE = 1, ARLOSS_SCALES_PYRAMID = 2 } arloss_scale_mode_t;

/* The penalty phi of d = A - B (docs/math.md, eq. 10).
 *   SQUARED        d^2
 *   ABSOLUTE       |d|, slope 0 at d = 0
 *   HUBER          d^2/2 for |d| <= delta, else delta (|d| - delta/2); penalty_param is delta
 *   CROSS_ENTROPY  of B against A clamped to [eps, 1 - eps], less its value at A = B; slope 0 where the clamp acts,
 *                  pairs i = i left out of the sum; penalty_param is eps
 *   LOG_COSH       log cosh(d / delta): d^2 / (2 delta^2) for |d| far below delta, |d| / delta - log 2 far above;
 *                  penalty_param is delta */
typedef enum {
  ARLOSS_PENALTY_SQUARED = 0,
  ARLOSS_PENALTY_ABSOLUTE = 1,
  ARLOSS_PENALTY_HUBER = 2,
  ARLOSS_PENALTY_CROSS_ENTROPY = 3,
  ARLOSS_PENALTY_LOG_COSH = 4
} arloss_penalty_t;

/* From the images' losses to the output (docs/math.md, eq. 9).
 *   MEAN  each image's sum over pairs is divided by (sum_i w_i)^2; the output is their mean over the batch, an image
 *         without any live cell counting as 0.
 *   SUM   nothing is divided; the output is the sum over the batch.
 *   NONE  the output is the vector of the images' losses, each normalised as for MEAN. */
typedef enum { ARLOSS_REDUCTION_MEAN = 0, ARLOSS_REDUCTION_SUM = 1, ARLOSS_REDUCTION_NONE = 2 } arloss_reduction_t;

/* Which pairs count. IMAGE: those within one image. BATCH: all pairs of cells of the batch, as if it were one image:
 * one normaliser, one value. */
typedef enum { ARLOSS_SPAN_IMAGE = 0, ARLOSS_SPAN_BATCH = 1 } arloss_span_t;

/* Which form computes the loss. Both are exact.
 *   FACTORED  O(N C^2) work. Exists for SQUARED, for HUBER with delta >= 1, and for ABSOLUTE with hard labels: the
 *             label grid equals the logits grid and 1 is the only scale of non-zero weight.
 *   PAIRWISE  O(N^2 C) work, every penalty.
 *   AUTO      FACTORED where it exists, else PAIRWISE. */
typedef enum {
  ARLOSS_ALGORITHM_AUTO = 0,
  ARLOSS_ALGORITHM_FACTORED = 1,
  ARLOSS_ALGORITHM_PAIRWISE = 2
} arloss_algorithm_t;

/* What arloss_affinity_rows writes: A, B or A - B. */
typedef enum { ARLOSS_AFFINITY_OUTPUT = 0, ARLOSS_AFFINITY_LABEL = 1, ARLOSS_AFFINITY_RESIDUAL = 2 } arloss_affinity_t;

/* =====================================================================================================================
 * The problem: what is asked
 * ================================================================================================================== */

/* A problem holds no pointers and can be copied, compared field by field and printed. Fill it by
 * arloss_problem_init, then set what differs: batch is 1; classes, height and width have no default and must be set.
 *
 * arloss_plan_create returns INVALID_ARGUMENT, naming the field, its value and the rule, for
 *   a struct_size below that of version 0.1.0;
 *   batch, classes, depth, height or width below 1;
 *   a label size that is negative, or that is not 0 and smaller than the grid's;
 *   a value that its enum does not have, or a dtype of the other kind (labels of FLOAT32, logits of UINT8);
 *   num_scales outside [1, ARLOSS_MAX_SCALES], a scale below 1 or one that is repeated;
 *   loss_weight, penalty_param or one of the first num_scales scale_weights negative or not finite;
 *   penalty_param of CROSS_ENTROPY at or above 0.5;
 *   span BATCH with reduction NONE;
 *   a tensor of 2^63 bytes or more. */
typedef struct {
  size_t struct_size; /* set by arloss_problem_init */

  /* Images, and classes C: labels are 0 .. C - 1. */
  int64_t batch, classes;

  /* The logits grid, in cells; N = depth * height * width per image. depth 1 by default: 2-D. */
  int64_t depth, height, width;

  /* The label map, in label pixels; 0 (default): as the grid. Any ratio from 1 up, whole or not: along an axis of h
   * cells and H label pixels, cell y owns the pixels floor(y H / h) up to, not including, floor((y + 1) H / h). */
  int64_t label_depth, label_height, label_width;

  arloss_dtype_t logits_dtype;   /* FLOAT32 (default), FLOAT16, BFLOAT16; of grad_logits too */
  arloss_layout_t logits_layout; /* NCHW (default), NHWC; of grad_logits too */
  arloss_dtype_t labels_dtype;   /* UINT8 (default), INT32, INT64 */

  /* has_ignore_index 1 (default): label pixels equal to ignore_index (255 by default) do not count. 0: 255 is a label
   * like any other. An ignore_index inside [0, classes) hides that class, and arloss_plan_describe says so; one that
   * the labels' dtype cannot hold matches nothing. */
  int32_t has_ignore_index;
  int64_t ignore_index;

  /* scales: the first num_scales (1 by default) are block edges in cells, distinct, in any order; {1} by default. The
   * last block along an axis may be smaller; a scale above the grid is one block.
   * scale_weights: omega_k, normalised to sum 1; all 0 (default): equal. Among others, a scale of weight 0 takes no
   * part in the loss. */
  int32_t num_scales;
  int32_t scales[ARLOSS_MAX_SCALES];
  float scale_weights[ARLOSS_MAX_SCALES];
  arloss_scale_mode_t scale_mode; /* BLEND by default */

  /* penalty: SQUARED by default. penalty_param: delta of HUBER and LOG_COSH, in units of affinity; CROSS_ENTROPY's eps,
   * in (0, 0.5); 0 (default): delta 0.1, eps 1e-4. SQUARED and ABSOLUTE do not use it. */
  arloss_penalty_t penalty;
  float penalty_param;

  arloss_reduction_t reduction; /* MEAN by default */
  arloss_span_t span;           /* IMAGE by default */
  float loss_weight;            /* multiplies loss and gradient; 1 by default */

  /* 0 (default): grad_logits is overwritten. 1: the gradient is added to it, so that this loss can join another's. */
  int32_t accumulate_gradient;
} arloss_problem_t;

/* How to run it. arloss_plan_create refuses with INVALID_ARGUMENT a struct_size below that of version 0.1.0,
 * a value that its enum does not have, a device_index below -1 and a negative num_threads. */
typedef struct {
  size_t struct_size;           /* set by arloss_options_init */
  arloss_device_t device;       /* CPU by default */
  int32_t device_index;         /* CUDA ordinal; -1 (default): the creating thread's current device. CPU: ignored */
  arloss_algorithm_t algorithm; /* AUTO by default */

  /* PAIRWISE on CUDA. 1: errors of 1e-5, as on the CPU. 0 (default): errors of 1e-3, by half tensor-core products,
   * where the penalty allows it (docs/numerics.md, "Pairs on a device"), else 1e-5. Ignored on the CPU. */
  int32_t exact;

  /* CPU. 0 (default): the processors the process may use when the plan is created. Fewer are used where there is less
   * work. The results' bits do not depend on it. */
  int32_t num_threads;
} arloss_options_t;

/* =====================================================================================================================
 * The tensors: where one batch lies
 * ================================================================================================================== */

/* Zero it, set struct_size = sizeof(arloss_tensors_t) and the pointers that the call needs; the rest stays NULL. All
 * tensors are dense. Shapes are given slowest axis first; the last axis is the fastest.
 *
 * | call                      | needs                       | uses where given         | writes                   |
 * |---------------------------|-----------------------------|--------------------------|--------------------------|
 * | arloss_forward            | logits, labels, loss        | pixel_weights            | loss, state              |
 * | arloss_backward           | logits, labels, grad_logits | pixel_weights, grad_loss | grad_logits              |
 * | arloss_forward_backward   | both of the above           | pixel_weights, grad_loss | loss, state, grad_logits |
 * | arloss_accumulate         | logits, labels              | pixel_weights            | state                    |
 * | arloss_finish             | loss                        |                          | loss, state              |
 * | arloss_affinity_rows      | labels; logits unless LABEL | pixel_weights            | out                      |
 * | arloss_label_distribution | labels                      |                          | out                      |
 * | arloss_check              | logits, labels              | pixel_weights            | report                   |
 *
 * A cell is live when it has at least one label pixel that is not ignored and its pixel weight is not 0. Logits of
 * other cells have no effect, whatever they hold, and their gradient is 0 (left as it is with accumulate_gradient).
 * A NaN, a +inf or a pixel of nothing but -inf among the live logits makes that image's loss and its live cells'
 * gradients NaN; a -inf beside a finite logit is a class of probability 0. These are results, not errors.
 *
 * Every call that takes tensors returns INVALID_ARGUMENT for io NULL, an io->struct_size below that of version
 * 0.1.0, a needed pointer NULL, a given tensor not aligned to its element's size, or grad_logits overlapping logits
 * where it is written. On the CPU every call that reads labels returns INVALID_LABEL for a label outside [0,
 * classes) that is not the ignore index, and every call that uses pixel_weights returns INVALID_ARGUMENT for one
 * that is negative or not finite, in ignored cells too; the message has the position of the first. arloss_check
 * alone counts both instead. On CUDA both make the loss and the whole gradient NaN. */
typedef struct {
  size_t struct_size; /* set by the caller: sizeof(arloss_tensors_t) */

  /* NCHW: [batch][classes][depth][height][width]. NHWC: [batch][depth][height][width][classes]. */
  const void *logits;

  /* [batch][label_depth][label_height][label_width] */
  const void *labels;

  /* Optional, [batch][depth][height][width], finite and >= 0; NULL: 1. The accuracy contract (docs/math.md) holds for 0
   * and for values in [2^-20, 2^20]. */
  const float *pixel_weights;

  /* [1]; [batch] for reduction NONE. loss_weight is in it, grad_loss is not. */
  float *loss;

  /* Optional upstream gradient, shaped as loss; NULL: 1. It multiplies the gradient: that of image b by grad_loss[b]
   * for reduction NONE, all of it by grad_loss[0] otherwise. */
  const float *grad_loss;

  /* Shape, dtype and layout of logits, which it may not overlap. Every element is written. */
  void *grad_logits;
} arloss_tensors_t;

/* A problem, checked and routed. Immutable: share it between threads and streams. */
typedef struct arloss_plan arloss_plan_t;

/* A cudaStream_t, which is a pointer. NULL: the default stream. Ignored on the CPU. */
typedef void *arloss_stream_t;

/* =====================================================================================================================
 * Version, messages, devices. None of these can fail.
 * ================================================================================================================== */

/* The library's version, MAJOR * 10000 + MINOR * 100 + PATCH: 100 for 0.1.0. A caller that may meet an older library
 * than its header asks here before it sets a newer field.
 *
 *     if (arloss_version() < 100) puts("arloss is too old");
 *
 * Since 0.1.0. */
ARLOSS_API int arloss_version(void);

/* The name of a status, such as "ARLOSS_STATUS_INVALID_LABEL"; "ARLOSS_STATUS_UNKNOWN" for a value that has none.
 * Static memory, never NULL.
 *
 *     printf("%s: %s\n", arloss_status_name(status), arloss_last_message());
 *
 * Since 0.1.0. */
ARLOSS_API const char *arloss_status_name(arloss_status_t status);

/* The calling thread's last failure, in words: field, value and rule. "" if there was none. Success does not clear
 * it. Valid until the thread's next failing call; never NULL.
 *
 *     if (arloss_forward(...)) fprintf(stderr, "%s\n", arloss_last_message());
 *
 * Since 0.1.0. */
ARLOSS_API const char *arloss_last_message(void);

/* 1 if a plan can be created on this device now, else 0: 1 for CPU, 1 for CUDA in a build with it where a driver
 * and a device are, 0 for unknown values.
 *
 *     options.device = arloss_device_available(ARLOSS_DEVICE_CUDA) ? ARLOSS_DEVICE_CUDA : ARLOSS_DEVICE_CPU;
 *
 * Since 0.1.0. */
ARLOSS_API int arloss_device_available(arloss_device_t device);

/* =====================================================================================================================
 * Plans
 * ================================================================================================================== */

/* Writes the defaults given at the fields, struct_size included; what has no default becomes 0. NULL is ignored.
 *
 *     arloss_problem_t problem;  arloss_problem_init(&problem);  problem.classes = 21;
 *
 * Since 0.1.0. */
ARLOSS_API void arloss_problem_init(arloss_problem_t *problem);

/* As arloss_problem_init, for options.
 *
 *     arloss_options_t options;  arloss_options_init(&options);  options.num_threads = 4;
 *
 * Since 0.1.0. */
ARLOSS_API void arloss_options_init(arloss_options_t *options);

/* Checks the problem, chooses the route once and for all, and writes a plan that the caller ends by
 * arloss_plan_destroy. problem and options are copied. On failure *plan is not written.
 *
 * INVALID_ARGUMENT  plan, problem or options NULL; a refusal listed at arloss_problem_t or arloss_options_t
 * UNSUPPORTED       FACTORED asked for where it is not exact: the message gives the reason; CUDA in a build without it;
 *                   more than 32,768 classes or 2^32 - 1 label pixels an image; on CUDA 2^30 cells an image or more
 * NO_DEVICE         CUDA built in, but no usable driver or device
 * OUT_OF_MEMORY     no host memory for the plan
 *
 *     arloss_plan_t *plan = NULL;
 *     if (arloss_plan_create(&plan, &problem, &options)) puts(arloss_last_message());
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_plan_create(arloss_plan_t **plan, const arloss_problem_t *problem,
                                              const arloss_options_t *options);

/* Ends a plan. No call on it may be running (CUDA: work that is pending on a stream does not need it). NULL is fine.
 *
 *     arloss_plan_destroy(plan);
 *
 * Since 0.1.0. */
ARLOSS_API void arloss_plan_destroy(arloss_plan_t *plan);

/* Text for a person, NUL-terminated, several lines: the problem, the chosen route and why, each refused route and
 * why, bytes of state and workspace, expected bytes moved and flops and what they count; for a pairwise plan the pairs
 * too, and with what its penalty would have a linear form. Not for parsing: the wording may change in any version.
 * *needed is the size in bytes with the final NUL, and is also written where capacity is too small; text is then left
 * as it was. needed may be NULL where text is not.
 *
 * INVALID_ARGUMENT  plan NULL; text NULL with capacity above 0, or with needed NULL
 * BUFFER_TOO_SMALL  text given and capacity below the size
 *
 *     size_t needed;
 *     arloss_plan_describe(plan, NULL, 0, &needed);                                  // asks for the size
 *     char *text = malloc(needed);
 *     arloss_plan_describe(plan, text, needed, &needed);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_plan_describe(const arloss_plan_t *plan, char *text, size_t capacity, size_t *needed);

/* Bytes of state: what a forward leaves for its backward. O(C^2) per image (once for span BATCH), independent of N.
 * 0 for pairwise plans: state may then be NULL. One state per batch whose backward is still to come.
 *
 * INVALID_ARGUMENT  plan or bytes NULL
 *
 *     size_t state_bytes;
 *     arloss_plan_state_bytes(plan, &state_bytes);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_plan_state_bytes(const arloss_plan_t *plan, size_t *bytes);

/* Bytes of workspace: the scratch of one call, enough for every function that takes this plan and a workspace.
 * Nothing in it outlives the call (CUDA: the work on the stream). Where it is 0 workspace may be NULL.
 *
 * INVALID_ARGUMENT  plan or bytes NULL
 *
 *     size_t workspace_bytes;
 *     arloss_plan_workspace_bytes(plan, &workspace_bytes);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_plan_workspace_bytes(const arloss_plan_t *plan, size_t *bytes);

/* =====================================================================================================================
 * Loss and gradient
 *
 * The errors of all calls below that take state or workspace:
 * INVALID_ARGUMENT  plan NULL; the refusals of arloss_tensors_t; state or workspace NULL where the plan asked for
 *                   bytes, or not aligned to 16 bytes
 * INVALID_LABEL     as at arloss_tensors_t
 * BUFFER_TOO_SMALL  state_bytes or workspace_bytes below what the plan asked for; more is fine
 * ================================================================================================================== */

/* Writes the loss, and the state for arloss_backward. FACTORED plans: the same bits as arloss_accumulate then
 * arloss_finish.
 *
 *     io.logits = logits;  io.labels = labels;  io.loss = &loss;
 *     status = arloss_forward(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_forward(const arloss_plan_t *plan, const arloss_tensors_t *io, void *state,
                                          size_t state_bytes, void *workspace, size_t workspace_bytes,
                                          arloss_stream_t stream);

/* Writes, or adds where accumulate_gradient is set, grad_loss * d loss / d logits. The state is that of the forward
 * of the same batch, and is only read: backward may be called again, with another grad_loss too. Logits, labels and
 * pixel weights are read again and must hold the values they had in forward; the workspace need not be the same.
 *
 *     io.grad_logits = grad;  io.grad_loss = &upstream;
 *     status = arloss_backward(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_backward(const arloss_plan_t *plan, const arloss_tensors_t *io, const void *state,
                                           size_t state_bytes, void *workspace, size_t workspace_bytes,
                                           arloss_stream_t stream);

/* Both in one call: bit for bit what arloss_forward and then arloss_backward write, the state included. A pairwise plan
 * visits each pair once for both.
 *
 *     io.loss = &loss;  io.grad_logits = grad;
 *     status = arloss_forward_backward(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_forward_backward(const arloss_plan_t *plan, const arloss_tensors_t *io, void *state,
                                                   size_t state_bytes, void *workspace, size_t workspace_bytes,
                                                   arloss_stream_t stream);

/* =====================================================================================================================
 * Sharded runs: one loss over cells that lie on several devices or ranks. FACTORED plans only.
 *
 * The state opens with arloss_plan_sum_count float64 values that are additive over shards. Each rank accumulates its
 * shard; those values are summed over the ranks by any engine (NCCL, MPI, Gloo); each rank finishes, and has the
 * loss of all pairs across all ranks; each rank's backward writes the gradient of its own logits. Every rank's plan
 * has the same classes, scales, penalty, reduction and span.
 *
 * Span BATCH: ranks hold any cells. Span IMAGE: ranks hold parts of the same images, batch and order alike. A
 * shard's edges are cell edges of the whole map, no block of any scale straddles two shards, and the label map is
 * finer than the grid by a whole ratio per axis.
 *
 *     arloss_accumulate(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL);
 *     MPI_Allreduce(MPI_IN_PLACE, state, (int)sum_count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
 *     arloss_finish(plan, &io, state, state_bytes, NULL);
 *     arloss_backward(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL);
 * ================================================================================================================== */

/* How many float64 values at the start of the state are to be summed over the shards.
 *
 * INVALID_ARGUMENT  plan or count NULL
 * UNSUPPORTED       a pairwise plan
 *
 *     size_t sum_count;
 *     arloss_plan_sum_count(plan, &sum_count);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_plan_sum_count(const arloss_plan_t *plan, size_t *count);

/* Writes this shard's sums into the state, over what was there: adding is the caller's reduction. The rest of the
 * state means nothing until arloss_finish.
 *
 * UNSUPPORTED       a pairwise plan
 *
 *     io.logits = logits;  io.labels = labels;
 *     status = arloss_accumulate(plan, &io, state, state_bytes, workspace, workspace_bytes, NULL);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_accumulate(const arloss_plan_t *plan, const arloss_tensors_t *io, void *state,
                                             size_t state_bytes, void *workspace, size_t workspace_bytes,
                                             arloss_stream_t stream);

/* From the sums, which it reads and nothing else, to the loss and to the rest of the state, which backward needs.
 *
 * UNSUPPORTED       a pairwise plan
 *
 *     io.loss = &loss;
 *     status = arloss_finish(plan, &io, state, state_bytes, NULL);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_finish(const arloss_plan_t *plan, const arloss_tensors_t *io, void *state,
                                         size_t state_bytes, arloss_stream_t stream);

/* =====================================================================================================================
 * Looking inside: for pictures, checks and questions. Not for the inner loop of a training.
 * ================================================================================================================== */

/* Rows of an affinity matrix: out[r][j], [num_rows][N] floats, j fastest, holds the entry of cell rows_cell[r] of
 * image rows_image[r] with cell j of the same image, whatever the span. Cells count depth, height, width, width
 * fastest. The label affinity is the blend B of the scales, whatever the scale mode; the output affinity is that of
 * the cells. An entry is 0 where either cell is not live. rows_image, rows_cell and out are in the plan's device
 * memory. num_rows 0 does nothing.
 *
 * INVALID_ARGUMENT  which unknown; num_rows negative; rows_image, rows_cell or out NULL or not aligned; (CPU) a row
 *                   that is not in the batch. On CUDA such a row becomes NaN
 *
 *     int64_t image = 0, cell = y * width + x;                                       // out: width * height floats
 *     status = arloss_affinity_rows(plan, &io, ARLOSS_AFFINITY_OUTPUT, &image, &cell, 1, out,
 *                                   workspace, workspace_bytes, NULL);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_affinity_rows(const arloss_plan_t *plan, const arloss_tensors_t *io,
                                                arloss_affinity_t which, const int64_t *rows_image,
                                                const int64_t *rows_cell, int64_t num_rows, float *out, void *workspace,
                                                size_t workspace_bytes, arloss_stream_t stream);

/* The label distribution t^k of scale problem.scales[scale_index], as that array was given, scales of weight 0
 * included: out is [batch][N][classes] floats, classes fastest. Each cell holds its block's share of plain label
 * counts, whatever the scale mode and the pixel weights; all 0 where the block has no valid label. out is in the
 * plan's device memory.
 *
 * INVALID_ARGUMENT  scale_index outside [0, num_scales); out NULL or not aligned
 *
 *     float *out = malloc(sizeof(float) * (size_t)(batch * height * width * classes));
 *     status = arloss_label_distribution(plan, &io, 0, out, workspace, workspace_bytes, NULL);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_label_distribution(const arloss_plan_t *plan, const arloss_tensors_t *io,
                                                     int32_t scale_index, float *out, void *workspace,
                                                     size_t workspace_bytes, arloss_stream_t stream);

/* What arloss_check found. Positions are flat element indices into the tensor as it lies in memory, across the
 * batch; -1: none. */
typedef struct {
  size_t struct_size;     /* set by the caller: sizeof(arloss_report_t) */
  int64_t valid_cells;    /* live cells, w_i > 0 */
  int64_t ignored_labels; /* label pixels equal to the ignore index; no fault */
  int64_t invalid_labels; /* label pixels outside [0, classes) that are not the ignore index */
  int64_t first_invalid_label;
  int64_t nonfinite_logits;      /* in live cells: NaN, +inf, and -inf where all logits of the pixel are -inf */
  int64_t first_nonfinite_logit; /* the lowest such index in logits */
  int64_t invalid_weights;       /* pixel weights negative or not finite, in ignored cells too */
  int64_t first_invalid_weight;
} arloss_report_t;

/* Looks at the inputs and reports what is wrong with them; SUCCESS also when it finds faults. report is host memory
 * on every device. Blocks until done.
 *
 * INVALID_ARGUMENT  report NULL, or its struct_size below that of version 0.1.0
 *
 *     arloss_report_t report;
 *     report.struct_size = sizeof report;
 *     status = arloss_check(plan, &io, &report, workspace, workspace_bytes, NULL);
 *     if (!status && report.invalid_labels) printf("label %lld is no class\n", (long long)report.first_invalid_label);
 *
 * Since 0.1.0. */
ARLOSS_API arloss_status_t arloss_check(const arloss_plan_t *plan, const arloss_tensors_t *io, arloss_report_t *report,
                                        void *workspace, size_t workspace_bytes, arloss_stream_t stream);

#ifdef __cplusplus
}
#endif
#endif
