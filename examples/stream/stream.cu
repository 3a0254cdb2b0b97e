// The loss among a program's own kernels: device buffers, streams that share a plan, a training step as a CUDA graph,
// and what a bad label does where nobody waits for a status. What is "trained" here are the logits themselves.
//   nvcc -std=c++17 stream.cu $(pkg-config --cflags --libs arloss) -o stream
#include <cuda_runtime.h>
#include <arloss/arloss.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

constexpr int kClasses = 5, kHeight = 12, kWidth = 20, kCells = kHeight * kWidth, kLogits = kClasses * kCells;
constexpr int kSteps = 16, kMaxSteps = kSteps + 1;

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

struct Free {
  void operator()(void* memory) const { cudaFree(memory); }
};
template <class T>
using DeviceArray = std::unique_ptr<T[], Free>;

template <class T>
DeviceArray<T> device_array(std::size_t count) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, count * sizeof(T)));
  return DeviceArray<T>(static_cast<T*>(memory));
}

template <class T>
DeviceArray<T> device_copy(const std::vector<T>& values) {
  DeviceArray<T> copy = device_array<T>(values.size());
  check(cudaMemcpy(copy.get(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return copy;
}

template <class T>
std::vector<T> host_copy(const DeviceArray<T>& values, std::size_t count) {
  std::vector<T> copy(count);
  check(cudaMemcpy(copy.data(), values.get(), count * sizeof(T), cudaMemcpyDeviceToHost));
  return copy;
}

/// One thread: a loss's place in the history, so that the host need not look after every step.
__global__ void record_kernel(const float* loss, float* history, int* num_steps) { history[(*num_steps)++] = *loss; }

/// A thread for each logit. The host does not know yet how the loss came out, so the device decides: a step whose loss
/// is NaN, by a bad label or logit, is not taken.
__global__ void descend_kernel(float* logits, const float* gradient, const float* loss, float rate) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < kLogits && !isnan(*loss)) logits[i] -= rate * gradient[i];
}

/// One training on a stream of its own. The plan is shared; state, workspace and tensors are not.
struct Lane {
  Lane(const arloss::Plan& shared, const std::vector<float>& first_logits, const std::vector<std::uint8_t>& label_map)
      : plan(shared),
        logits(device_copy(first_logits)),
        labels(device_copy(label_map)),
        gradient(device_array<float>(kLogits)),
        loss(device_array<float>(1)),
        history(device_array<float>(kMaxSteps)),
        num_steps(device_copy(std::vector<int>{0})),
        state(device_array<char>(plan.state_bytes())),  // cudaMalloc aligns to 256 bytes; arloss asks for 16
        workspace(device_array<char>(plan.workspace_bytes())) {
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  }
  ~Lane() { cudaStreamDestroy(stream); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  arloss_tensors_t io() const {
    arloss_tensors_t tensors = arloss::tensors();
    tensors.logits = logits.get();
    tensors.labels = labels.get();
    tensors.loss = loss.get();  // device memory, too
    tensors.grad_logits = gradient.get();
    return tensors;
  }

  arloss::Buffers buffers() const {
    return {state.get(), plan.state_bytes(), workspace.get(), plan.workspace_bytes(), stream};
  }

  /// Puts a step on the stream. Nothing here allocates or waits.
  void enqueue_step() const {
    constexpr int kThreads = 128;
    constexpr float kRate = 2.0f * kCells;  // the gradient of a mean over pairs is of order 1 / N
    plan.forward_backward(io(), buffers());
    record_kernel<<<1, 1, 0, stream>>>(loss.get(), history.get(), num_steps.get());
    descend_kernel<<<(kLogits + kThreads - 1) / kThreads, kThreads, 0, stream>>>(logits.get(), gradient.get(),
                                                                                 loss.get(), kRate);
    check(cudaGetLastError());
  }

  void wait() const { check(cudaStreamSynchronize(stream)); }

  const arloss::Plan& plan;
  DeviceArray<float> logits;
  DeviceArray<std::uint8_t> labels;
  DeviceArray<float> gradient, loss, history;
  DeviceArray<int> num_steps;
  DeviceArray<char> state, workspace;
  cudaStream_t stream = nullptr;
};

/// A lane's step, captured once. A replay is one launch, and reads what the lane's buffers hold by then.
class StepGraph {
 public:
  explicit StepGraph(const Lane& lane) : lane_(lane) {
    check(cudaStreamBeginCapture(lane.stream, cudaStreamCaptureModeThreadLocal));
    lane.enqueue_step();
    check(cudaStreamEndCapture(lane.stream, &graph_));
    check(cudaGraphInstantiate(&executable_, graph_, 0));
  }
  ~StepGraph() {
    cudaGraphExecDestroy(executable_);
    cudaGraphDestroy(graph_);
  }
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  void replay() const { check(cudaGraphLaunch(executable_, lane_.stream)); }

 private:
  const Lane& lane_;
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

arloss::Plan make_plan() {
  arloss_problem_t problem = arloss::problem();
  problem.classes = kClasses;
  problem.height = kHeight;
  problem.width = kWidth;
  arloss_options_t options = arloss::options();
  options.device = ARLOSS_DEVICE_CUDA;
  return arloss::Plan(problem, options);
}

void require(bool is_so, const char* what) {
  if (!is_so) throw std::runtime_error(what);
}

void run() {
  std::vector<float> first_logits(kLogits);
  std::vector<std::uint8_t> label_map(kCells);
  for (int i = 0; i < kLogits; ++i) first_logits[i] = 0.001f * static_cast<float>(i * 7919 % 1000);
  for (int i = 0; i < kCells; ++i)
    label_map[i] = static_cast<std::uint8_t>(i / kWidth < 2 ? 255 : (i / kWidth / 4 + i % kWidth / 5) % kClasses);

  // Two trainings of the same data at once: one step by step, one as replays of a graph. The host waits at the end.
  const arloss::Plan plan = make_plan();
  const Lane plain(plan, first_logits, label_map), captured(plan, first_logits, label_map);
  const StepGraph graph(captured);
  check(cudaDeviceSynchronize());  // the buffers' first contents came by the default stream, for which no lane waits
  for (int step = 0; step < kSteps; ++step) {
    plain.enqueue_step();
    graph.replay();
  }
  plain.wait();
  captured.wait();
  const std::vector<float> history = host_copy(captured.history, kSteps);
  for (int step = 0; step < kSteps; step += 5) std::printf("step %2d  loss %.5f\n", step, history[step]);
  require(history[kSteps - 1] < 0.5f * history[0], "the loss did not fall");
  require(host_copy(plain.history, kSteps) == history, "the graph's replays have other bits than plain calls");

  // A label that is no class. The call cannot say so: it returned before the device looked. The loss and the whole
  // gradient are NaN, the logits as they were, and arloss_check, which waits, finds the place.
  const std::uint8_t bad_label = kClasses + 2;
  const std::vector<float> logits_before = host_copy(captured.logits, kLogits);
  check(cudaMemcpyAsync(captured.labels.get() + 77, &bad_label, 1, cudaMemcpyHostToDevice, captured.stream));
  graph.replay();
  captured.wait();
  const arloss_report_t report = plan.check(captured.io(), captured.buffers());
  std::printf("with a bad label: loss %.5f, %lld invalid, the first at %lld\n",
              host_copy(captured.history, kMaxSteps)[kSteps], static_cast<long long>(report.invalid_labels),
              static_cast<long long>(report.first_invalid_label));
  require(std::isnan(host_copy(captured.loss, 1)[0]), "a bad label did not make the loss NaN");
  require(host_copy(captured.logits, kLogits) == logits_before, "a step without a loss was taken");
  require(report.invalid_labels == 1 && report.first_invalid_label == 77, "arloss_check did not find the label");
}

}  // namespace

int main() try {
  run();
} catch (const std::exception& error) {  // arloss::Error among them: without a device, or an arloss without CUDA
  std::fprintf(stderr, "%s\n", error.what());
  return EXIT_FAILURE;
}
