// oneDNN's softmax and its backward: what any loss of softmax probabilities pays at least.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "aligned_memory.h"
#include "rivals.h"
#include "shared_memory.h"
#include "workload_data.h"

namespace bench {
namespace {

/// Both primitives for rows of classes, a cell each: the matrix that NHWC logits are.
struct SoftmaxPrimitives {
  dnnl::memory::desc rows;
  dnnl::softmax_forward::primitive_desc forward;
  dnnl::softmax_backward::primitive_desc backward;

  SoftmaxPrimitives(const CaseSettings& s, const dnnl::engine& cpu)
      : rows({s.workload.batch * s.workload.cells(), s.workload.classes},
             s.dtype == ARLOSS_DTYPE_FLOAT32 ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16,
             dnnl::memory::format_tag::ab) {
    constexpr auto kTraining = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
    constexpr auto kSoftmax = dnnl::algorithm::softmax_accurate;
    forward = {cpu, kTraining, kSoftmax, rows, rows, 1};
    backward = {cpu, kSoftmax, rows, rows, rows, 1, forward};
#else
    forward = {{kTraining, rows, 1}, cpu};
    backward = {{rows, rows, 1}, cpu, forward};
#endif
  }

  std::string name() const {
    const dnnl_version_t* const version = dnnl_version();
    const std::string number =
        std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
    return number + ", forward " + forward.impl_info_str() + ", backward " + backward.impl_info_str();
  }
};

class SoftmaxDnnl final : public TimedCall {
 public:
  explicit SoftmaxDnnl(const CaseSettings& settings)
      : settings_(settings),
        cpu_(dnnl::engine::kind::cpu, 0),
        primitives_(settings, cpu_),
        stream_(cpu_),
        forward_(primitives_.forward),
        backward_(primitives_.backward) {
    const auto bytes = static_cast<std::size_t>(settings.logits_bytes());
    logits_ = AlignedMemory<char>(bytes);
    upstream_ = AlignedMemory<char>(bytes);
    shared_memory(2 * bytes);
  }

  void check() override {
    const WorkloadData& data = data_of(settings_.workload);
    const std::vector<float> random = random_logits(settings_.workload);
    fill(upstream_, random);
    fill(logits_, classes_last(settings_.workload, random));
    run();
    const double error = error_of_sample();
    // A bfloat16 has 2^-9 of rounding.
    const double tolerance = settings_.dtype == ARLOSS_DTYPE_FLOAT32 ? 1e-3 : 1e-2;
    if (!(error <= tolerance))
      throw std::runtime_error("differs from softmax and its gradient by " + std::to_string(error));
    fill(logits_, classes_last(settings_.workload, data.logits));
  }
  void poison() override { std::memset(gradient(), 0xFF, logits_.size()); }  // NaN in either type
  void run() override {
    omp_set_num_threads(settings_.num_threads);
    const auto memory = [&](char* values) { return dnnl::memory(primitives_.rows, cpu_, values); };
    const dnnl::memory probabilities = memory(softmax());
    forward_.execute(stream_, {{DNNL_ARG_SRC, memory(logits_.data())}, {DNNL_ARG_DST, probabilities}});
    backward_.execute(stream_, {{DNNL_ARG_DST, probabilities},
                                {DNNL_ARG_DIFF_DST, memory(upstream_.data())},
                                {DNNL_ARG_DIFF_SRC, memory(gradient())}});
    stream_.wait();
  }
  bool has_worked() const override {
    bool has_value = false;
    for (std::int64_t i = 0; i < settings_.workload.logits(); ++i) {
      if (std::isnan(value(gradient(), i))) return false;
      has_value |= value(gradient(), i) != 0;
    }
    return has_value;
  }
  CallCost cost() const override {
    const double bytes = static_cast<double>(settings_.logits_bytes());
    const double elements = static_cast<double>(settings_.workload.logits());
    // Logits in and softmax out; softmax and upstream gradient in, gradient out. An exponential counts as one
    // operation.
    return {static_cast<double>(settings_.workload.batch * settings_.workload.cells()), 5 * bytes, 8 * elements,
            2 * bytes};
  }

 private:
  // Shared with other calls, as both are written before they are read.
  char* softmax() const { return shared_memory(2 * logits_.size()); }
  char* gradient() const { return softmax() + logits_.size(); }

  void fill(AlignedMemory<char>& tensor, const std::vector<float>& values) {
    if (settings_.dtype == ARLOSS_DTYPE_FLOAT32) {
      std::memcpy(tensor.data(), values.data(), tensor.size());
    } else {
      std::memcpy(tensor.data(), to_bfloat16(values).data(), tensor.size());
    }
  }

  float value(const char* tensor, std::int64_t index) const {
    const bool is_float32 = settings_.dtype == ARLOSS_DTYPE_FLOAT32;
    std::uint32_t bits = 0;
    if (is_float32) {
      std::memcpy(&bits, tensor + 4 * index, 4);
    } else {
      std::uint16_t half;
      std::memcpy(&half, tensor + 2 * index, 2);
      bits = std::uint32_t{half} << 16;
    }
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
  }

  /// |gradient - reference| / |reference| over every 61st cell, the reference in float64 from the same inputs.
  double error_of_sample() const {
    constexpr std::int64_t kStep = 61;
    const std::int64_t classes = settings_.workload.classes,
                       cells = settings_.workload.batch * settings_.workload.cells();
    double distance = 0, norm = 0;
    std::vector<double> p(static_cast<std::size_t>(classes));
    for (std::int64_t i = 0; i < cells; i += kStep) {
      double sum = 0, mean = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        sum += p[c] = std::exp(static_cast<double>(value(logits_.data(), i * classes + c)));
      for (std::int64_t c = 0; c < classes; ++c) mean += (p[c] /= sum) * value(upstream_.data(), i * classes + c);
      for (std::int64_t c = 0; c < classes; ++c) {
        const double reference = p[c] * (value(upstream_.data(), i * classes + c) - mean);
        const double difference = value(gradient(), i * classes + c) - reference;
        distance += difference * difference;
        norm += reference * reference;
      }
    }
    return std::sqrt(distance / norm);
  }

  CaseSettings settings_;
  dnnl::engine cpu_;
  SoftmaxPrimitives primitives_;
  dnnl::stream stream_;
  dnnl::softmax_forward forward_;
  dnnl::softmax_backward backward_;
  AlignedMemory<char> logits_, upstream_;
};

}  // namespace

std::unique_ptr<TimedCall> make_softmax_dnnl(const CaseSettings& settings) {
  return std::make_unique<SoftmaxDnnl>(settings);
}

std::string softmax_dnnl_name(const CaseSettings& settings) {
  return SoftmaxPrimitives(settings, dnnl::engine(dnnl::engine::kind::cpu, 0)).name();
}

}  // namespace bench
