/* A training step by step, with nothing but arloss and libm: a per-pixel classifier with one hidden layer on made-up
 * pictures, its gradients written by hand. It is trained twice from the same weights, by cross-entropy alone and by
 * cross-entropy plus the AR loss, and prints both losses and the mean intersection over union on pictures it has not
 * seen. A machine prints the same numbers in every run.
 *   cc train.c $(pkg-config --cflags --libs arloss) -lm -o train && ./train */
#include <arloss/arloss.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kHeight = 32, kWidth = 48, kCells = kHeight * kWidth, kClasses = 5, kIgnored = 255 };
enum { kTrainImages = 6, kTestImages = 6, kImages = kTrainImages + kTestImages };
enum { kColours = 3, kInputs = 2 * kColours + 1, kHidden = 12, kSteps = 200, kStepsPerRow = 40 };
static const float kLearningRate = 0.5f, kMomentum = 0.9f;

/* ---- Pictures: sky, ground, a disc, a box, a thin pole, in noisy colours under a light of each picture's own. ---- */

static float inputs[kImages][kCells][kInputs]; /* a pixel's colour, the mean colour around it, its height, 1 at most */
static uint8_t labels[kImages][kCells];

static float uniform(float from, float to) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return from + (to - from) * (float)(state >> 8) / 16777216.0f;
}

static float noise(void) { return uniform(-0.5f, 0.5f) + uniform(-0.5f, 0.5f) + uniform(-0.5f, 0.5f); }

static void draw_classes(uint8_t *classes) {
  const float horizon = uniform(10, 20), disc_y = uniform(6, 26), disc_x = uniform(8, 40), radius = uniform(4, 8);
  const float box_y = uniform(10, 20), box_x = uniform(4, 34), pole_x = uniform(2, 44);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const float dy = (float)y - disc_y, dx = (float)x - disc_x;
      uint8_t class = (float)y < horizon ? 0 : 1;
      if (dy * dy + dx * dx < radius * radius) class = 2;
      if ((float)y > box_y && (float)y < box_y + 9 && (float)x > box_x && (float)x < box_x + 10) class = 3;
      if ((float)y > horizon - 8 && (float)y < horizon + 6 && (float)x > pole_x && (float)x < pole_x + 3) class = 4;
      classes[y * kWidth + x] = class;
    }
  }
}

static void draw_colours(const uint8_t *classes, float (*colours)[kColours]) {
  static const float kOfClass[kClasses][kColours] = {
      {0.5f, 0.6f, 0.9f}, {0.4f, 0.6f, 0.3f}, {0.7f, 0.5f, 0.3f}, {0.6f, 0.3f, 0.5f}, {0.4f, 0.4f, 0.4f}};
  const float light = uniform(0.7f, 1.2f);
  for (int i = 0; i < kCells; ++i) {
    for (int f = 0; f < kColours; ++f) colours[i][f] = light * kOfClass[classes[i]][f] + 0.3f * noise();
  }
}

static void make_inputs(float (*colours)[kColours], float (*pixels)[kInputs]) {
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      float *pixel = pixels[y * kWidth + x];
      int count = 0;
      for (int v = y - 1; v <= y + 1; ++v) {
        for (int u = x - 1; u <= x + 1; ++u) {
          if (v < 0 || v >= kHeight || u < 0 || u >= kWidth) continue;
          for (int f = 0; f < kColours; ++f) pixel[kColours + f] += colours[v * kWidth + u][f];
          ++count;
        }
      }
      for (int f = 0; f < kColours; ++f) {
        pixel[f] = colours[y * kWidth + x][f];
        pixel[kColours + f] /= (float)count;
      }
      pixel[2 * kColours] = (float)y / kHeight;
    }
  }
}

/* As in many data sets nobody says what the pixels on a boundary are. */
static void make_labels(const uint8_t *classes, uint8_t *image_labels) {
  for (int i = 0; i < kCells; ++i) {
    const int is_edge = (i % kWidth < kWidth - 1 && classes[i] != classes[i + 1]) ||
                        (i < kCells - kWidth && classes[i] != classes[i + kWidth]);
    image_labels[i] = is_edge ? kIgnored : classes[i];
  }
}

static void make_pictures(void) {
  static uint8_t classes[kCells];
  static float colours[kCells][kColours];
  for (int b = 0; b < kImages; ++b) {
    draw_classes(classes);
    draw_colours(classes, colours);
    make_inputs(colours, inputs[b]);
    make_labels(classes, labels[b]);
  }
}

/* ---- The network: inputs -> tanh -> logits, for each pixel alone. ---- */

typedef struct {
  float hidden[kHidden][kInputs + 1]; /* the last column of each row is its bias */
  float output[kClasses][kHidden + 1];
} weights_t;

enum { kWeights = sizeof(weights_t) / sizeof(float) };

static void pixel_forward(const weights_t *weights, const float *input, float *hidden, float *logits) {
  for (int j = 0; j < kHidden; ++j) {
    float sum = weights->hidden[j][kInputs];
    for (int f = 0; f < kInputs; ++f) sum += weights->hidden[j][f] * input[f];
    hidden[j] = tanhf(sum);
  }
  for (int c = 0; c < kClasses; ++c) {
    logits[c] = weights->output[c][kHidden];
    for (int j = 0; j < kHidden; ++j) logits[c] += weights->output[c][j] * hidden[j];
  }
}

/* Adds the gradient of the weights, from that of one pixel's logits. */
static void pixel_backward(const weights_t *weights, const float *input, const float *hidden, const float *grad_logits,
                           weights_t *gradient) {
  for (int c = 0; c < kClasses; ++c) {
    for (int j = 0; j < kHidden; ++j) gradient->output[c][j] += grad_logits[c] * hidden[j];
    gradient->output[c][kHidden] += grad_logits[c];
  }
  for (int j = 0; j < kHidden; ++j) {
    float grad_sum = 0;
    for (int c = 0; c < kClasses; ++c) grad_sum += grad_logits[c] * weights->output[c][j];
    grad_sum *= 1 - hidden[j] * hidden[j];
    for (int f = 0; f < kInputs; ++f) gradient->hidden[j][f] += grad_sum * input[f];
    gradient->hidden[j][kInputs] += grad_sum;
  }
}

/* The mean over labelled pixels of -log softmax(logits)[label]; writes its gradient, 0 where a pixel is ignored. */
static float cross_entropy(const float *logits, const uint8_t *image_labels, int num_pixels, float *grad_logits) {
  double sum = 0;
  int count = 0;
  for (int i = 0; i < num_pixels; ++i) count += image_labels[i] != kIgnored;
  memset(grad_logits, 0, sizeof(float) * kClasses * (size_t)num_pixels);
  for (int i = 0; i < num_pixels; ++i) {
    if (image_labels[i] == kIgnored) continue;
    const float *z = logits + i * kClasses;
    float max = z[0], total = 0;
    for (int c = 1; c < kClasses; ++c) max = fmaxf(max, z[c]);
    for (int c = 0; c < kClasses; ++c) total += expf(z[c] - max);
    for (int c = 0; c < kClasses; ++c) {
      grad_logits[i * kClasses + c] = (expf(z[c] - max) / total - (c == image_labels[i])) / (float)count;
    }
    sum += logf(total) - (z[image_labels[i]] - max);
  }
  return (float)(sum / count);
}

/* ---- The AR loss: a plan for all steps, and the memory that it asks for. ---- */

typedef struct {
  arloss_plan_t *plan;
  void *state, *workspace;
  size_t state_bytes, workspace_bytes;
} ar_loss_t;

static int is_success(arloss_status_t status, const char *call) {
  if (status == ARLOSS_STATUS_SUCCESS) return 1;
  fprintf(stderr, "%s: %s: %s\n", call, arloss_status_name(status), arloss_last_message());
  return 0;
}

static int open_ar_loss(ar_loss_t *ar) {
  arloss_problem_t problem;
  arloss_problem_init(&problem); /* float32 logits, uint8 labels, squared penalty, mean over the batch */
  problem.batch = kTrainImages;
  problem.classes = kClasses;
  problem.height = kHeight;
  problem.width = kWidth;
  problem.logits_layout = ARLOSS_LAYOUT_NHWC; /* as pixel_forward writes them: a pixel's classes side by side */
  problem.ignore_index = kIgnored;            /* 255 by default, too */
  problem.num_scales = 3;                     /* a pixel is compared by its own label and by the labels around it */
  problem.scales[0] = 1;
  problem.scales[1] = 2;
  problem.scales[2] = 4;
  problem.accumulate_gradient = 1; /* add to what cross_entropy has written */
  arloss_options_t options;
  arloss_options_init(&options); /* CPU, all its threads: the bits do not depend on how many they are */

  if (!is_success(arloss_plan_create(&ar->plan, &problem, &options), "arloss_plan_create") ||
      !is_success(arloss_plan_state_bytes(ar->plan, &ar->state_bytes), "arloss_plan_state_bytes") ||
      !is_success(arloss_plan_workspace_bytes(ar->plan, &ar->workspace_bytes), "arloss_plan_workspace_bytes"))
    return 0;
  ar->state = malloc(ar->state_bytes);
  ar->workspace = malloc(ar->workspace_bytes);
  return ar->state != NULL && ar->workspace != NULL;
}

static void close_ar_loss(ar_loss_t *ar) {
  free(ar->workspace);
  free(ar->state);
  arloss_plan_destroy(ar->plan);
}

/* Writes the loss and adds `weight` times its gradient. A call that fails has changed neither. */
static int add_ar_loss(const ar_loss_t *ar, const float *logits, float weight, float *loss, float *grad_logits) {
  const arloss_tensors_t io = {.struct_size = sizeof io,
                               .logits = logits,
                               .labels = labels[0], /* the training images come first */
                               .loss = loss,
                               .grad_loss = &weight, /* of the gradient alone: the loss is printed without it */
                               .grad_logits = grad_logits};
  return is_success(
      arloss_forward_backward(ar->plan, &io, ar->state, ar->state_bytes, ar->workspace, ar->workspace_bytes, NULL),
      "arloss_forward_backward");
}

/* ---- Training ---- */

/* The mean over classes of intersection over union, on the pictures that were not trained on. */
static double mean_iou(const weights_t *weights) {
  int both[kClasses] = {0}, either[kClasses] = {0};
  double sum = 0;
  for (int b = kTrainImages; b < kImages; ++b) {
    for (int i = 0; i < kCells; ++i) {
      const int label = labels[b][i];
      float hidden[kHidden], logits[kClasses];
      int best = 0;
      if (label == kIgnored) continue;
      pixel_forward(weights, inputs[b][i], hidden, logits);
      for (int c = 1; c < kClasses; ++c) best = logits[c] > logits[best] ? c : best;
      both[label] += best == label;
      either[label] += 1;
      either[best] += best != label;
    }
  }
  for (int c = 0; c < kClasses; ++c) sum += (double)both[c] / either[c];
  return sum / kClasses;
}

/* One step: the losses of all training images, and the weights moved against their gradient. */
static int train_step(const ar_loss_t *ar, float ar_weight, weights_t *weights, float *velocity, float losses[2]) {
  static float hidden[kTrainImages * kCells][kHidden];
  static float logits[kTrainImages * kCells][kClasses], grad_logits[kTrainImages * kCells][kClasses];
  weights_t gradient = {0};
  for (int i = 0; i < kTrainImages * kCells; ++i) pixel_forward(weights, inputs[0][i], hidden[i], logits[i]);
  losses[0] = cross_entropy(logits[0], labels[0], kTrainImages * kCells, grad_logits[0]);
  if (!add_ar_loss(ar, logits[0], ar_weight, &losses[1], grad_logits[0])) return 0;
  for (int i = 0; i < kTrainImages * kCells; ++i)
    pixel_backward(weights, inputs[0][i], hidden[i], grad_logits[i], &gradient);
  for (int w = 0; w < kWeights; ++w) {
    velocity[w] = kMomentum * velocity[w] - kLearningRate * (&gradient.hidden[0][0])[w];
    (&weights->hidden[0][0])[w] += velocity[w];
  }
  return 1;
}

static int train(const ar_loss_t *ar, float ar_weight, const weights_t *first_weights) {
  weights_t weights = *first_weights;
  float velocity[kWeights] = {0};
  printf("\nweight of the AR loss %.1f\n step  cross-entropy  AR loss    mIoU\n", (double)ar_weight);
  for (int step = 0; step <= kSteps; ++step) {
    float losses[2];
    const int is_row = step % kStepsPerRow == 0;
    const double iou = is_row ? mean_iou(&weights) : 0; /* before the step, as the losses are */
    if (!train_step(ar, ar_weight, &weights, velocity, losses)) return 0;
    if (is_row) printf("%5d  %13.4f  %7.4f  %6.3f\n", step, (double)losses[0], (double)losses[1], iou);
  }
  return 1;
}

int main(void) {
  weights_t weights;
  ar_loss_t ar = {0};
  make_pictures();
  for (int w = 0; w < kWeights; ++w) (&weights.hidden[0][0])[w] = uniform(-0.5f, 0.5f);
  const int is_done = open_ar_loss(&ar) && train(&ar, 0.0f, &weights) && train(&ar, 2.0f, &weights);
  close_ar_loss(&ar);
  return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}
