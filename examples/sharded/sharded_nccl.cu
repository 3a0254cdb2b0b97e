// sharded_mpi.c for the devices of one machine, by NCCL: rows of one image, images of a batch, each device with its own
// part of them. Sums, their all-reduce and all that follows lie on the devices' streams; the host waits once, at the
// end. With one process for each device only the set-up of the communicators differs. Device 0 then does all of it
// alone and the results are compared.
//
// Compiled and linked with NCCL 2.28, but not yet run on a device: only on the emulator (docs/emulator.md), with one to
// four ranks and a stand-in for NCCL's all-reduce.
//   nvcc -std=c++17 sharded_nccl.cu $(pkg-config --cflags --libs arloss) -lnccl -o sharded_nccl
#include <cuda_runtime.h>
#include <nccl.h>
#include <arloss/arloss.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "sharded_data.h"

namespace {

constexpr int kSkipped = 77;  // what CTest is told to take for a skip
constexpr std::size_t kLogits = sizeof logits / sizeof logits[0];

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}
void check(ncclResult_t result) {
  if (result != ncclSuccess) throw std::runtime_error(ncclGetErrorString(result));
}

struct Free {
  void operator()(void* memory) const { cudaFree(memory); }
};
using DeviceMemory = std::unique_ptr<void, Free>;

/// On the current device; a copy of `values` unless that is NULL.
DeviceMemory device_memory(std::size_t bytes, const void* values = nullptr) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes));
  DeviceMemory owned(memory);
  if (values != nullptr) check(cudaMemcpy(memory, values, bytes, cudaMemcpyHostToDevice));
  return owned;
}

arloss_options_t options_of(int device) {
  arloss_options_t options = arloss::options();
  options.device = ARLOSS_DEVICE_CUDA;
  options.device_index = device;
  options.algorithm = ARLOSS_ALGORITHM_FACTORED;  // the one that has sums; refused here if a penalty has none
  return options;
}

/// A device, its shard and its stream. Its methods put work on the stream and return.
struct Rank {
  Rank(const shard_t& held, int device_index)
      : shard(held), device(device_index), plan(shard.problem, options_of(device)) {
    check(cudaSetDevice(device));
    device_logits = device_memory(gradient_bytes(), logits_of(&shard));
    device_labels = device_memory(shard.num_cells * kFiner * kFiner, labels_of(&shard));
    gradient = device_memory(gradient_bytes());
    loss = device_memory(sizeof(float));
    state = device_memory(plan.state_bytes());
    workspace = device_memory(plan.workspace_bytes());
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    check(cudaDeviceSynchronize());  // the copies above are on the default stream, for which this one does not wait
  }
  ~Rank() { cudaStreamDestroy(stream); }
  Rank(const Rank&) = delete;
  Rank& operator=(const Rank&) = delete;

  std::size_t gradient_bytes() const { return shard.num_cells * kClasses * sizeof(float); }

  arloss_tensors_t io() const {
    arloss_tensors_t tensors = arloss::tensors();
    tensors.logits = device_logits.get();
    tensors.labels = device_labels.get();
    tensors.loss = static_cast<float*>(loss.get());
    tensors.grad_logits = gradient.get();
    return tensors;
  }

  arloss::Buffers buffers() const {
    return {state.get(), plan.state_bytes(), workspace.get(), plan.workspace_bytes(), stream};
  }

  /// Waits, then copies the loss, and the gradient to its place in the whole one.
  float read(std::vector<float>& whole) const {
    float value = 0;
    check(cudaSetDevice(device));
    check(cudaStreamSynchronize(stream));
    check(cudaMemcpy(&value, loss.get(), sizeof value, cudaMemcpyDeviceToHost));
    check(cudaMemcpy(whole.data() + shard.first_cell * kClasses, gradient.get(), gradient_bytes(),
                     cudaMemcpyDeviceToHost));
    return value;
  }

  shard_t shard;
  int device;
  arloss::Plan plan;
  DeviceMemory device_logits, device_labels, gradient, loss, state, workspace;
  cudaStream_t stream = nullptr;
};

/// A communicator for each device of this process.
class Communicators {
 public:
  explicit Communicators(int num_devices) : comms_(static_cast<std::size_t>(num_devices)) {
    std::vector<int> devices(comms_.size());
    std::iota(devices.begin(), devices.end(), 0);
    check(ncclCommInitAll(comms_.data(), num_devices, devices.data()));
  }
  ~Communicators() {
    for (const ncclComm_t comm : comms_) ncclCommDestroy(comm);
  }
  Communicators(const Communicators&) = delete;
  Communicators& operator=(const Communicators&) = delete;

  /// Sums, in place, what `memory_of(rank)` points at.
  template <class MemoryOf>
  void all_reduce(const std::deque<Rank>& ranks, std::size_t count, ncclDataType_t type, MemoryOf memory_of) const {
    check(ncclGroupStart());  // one thread asks for all devices, so for all at once
    for (const Rank& rank : ranks)
      check(ncclAllReduce(memory_of(rank), memory_of(rank), count, type, ncclSum,
                          comms_[static_cast<std::size_t>(rank.device)], rank.stream));
    check(ncclGroupEnd());
  }

 private:
  std::vector<ncclComm_t> comms_;
};

/// Pairs that reach across devices. A bad label needs no word between the devices: it is NaN in the sums, and so in
/// every device's loss.
void run_across_devices(const std::deque<Rank>& ranks, const Communicators& comms) {
  for (const Rank& rank : ranks) rank.plan.accumulate(rank.io(), rank.buffers());
  comms.all_reduce(ranks, ranks.front().plan.sum_count(), ncclDouble,
                   [](const Rank& rank) { return rank.state.get(); });
  for (const Rank& rank : ranks) {
    rank.plan.finish(rank.io(), rank.buffers());
    rank.plan.backward(rank.io(), rank.buffers());
  }
}

/// Pairs within images that no two devices share: only the losses are added.
void run_apart(const std::deque<Rank>& ranks, const Communicators& comms) {
  for (const Rank& rank : ranks) rank.plan.forward_backward(rank.io(), rank.buffers());
  comms.all_reduce(ranks, 1, ncclFloat, [](const Rank& rank) { return rank.loss.get(); });
}

/// Runs a split on all devices and on device 0 alone, prints how far apart they are, and says whether that is near.
bool compare(split_t split, int num_devices, const Communicators& comms) {
  std::deque<Rank> ranks;
  for (int device = 0; device < num_devices; ++device)
    ranks.emplace_back(make_shard(split, device, num_devices), device);
  if (split == APART)
    run_apart(ranks, comms);
  else
    run_across_devices(ranks, comms);

  const Rank alone(make_shard(split, 0, 1), 0);
  alone.plan.forward_backward(alone.io(), alone.buffers());
  std::vector<float> gradient(kLogits), whole_gradient(kLogits);
  const float whole_loss = alone.read(whole_gradient);
  bool is_right = true;
  float loss = 0;
  for (const Rank& rank : ranks) {
    loss = rank.read(gradient);
    is_right = is_right && is_same_loss(loss, whole_loss);
  }
  const double gradient_error = distance(gradient.data(), whole_gradient.data());
  is_right = is_right && gradient_error <= kGradientBound;
  std::printf("%-18s devices %d  loss %.7f  alone %.7f  gradient off by %.1e  %s\n", kSplitNames[split], num_devices,
              static_cast<double>(loss), static_cast<double>(whole_loss), gradient_error, is_right ? "ok" : "WRONG");
  return is_right;
}

}  // namespace

int main() try {
  int num_devices = 0;
  if (cudaGetDeviceCount(&num_devices) != cudaSuccess || num_devices == 0) {
    std::puts("skipped: there is no CUDA device");
    return kSkipped;
  }
  num_devices = std::min<int>(num_devices, kUnits);
  make_batch();
  const Communicators comms(num_devices);
  bool is_right = true;
  for (const split_t split : {ROWS, IMAGES, APART}) is_right = compare(split, num_devices, comms) && is_right;
  return is_right ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return EXIT_FAILURE;
}
