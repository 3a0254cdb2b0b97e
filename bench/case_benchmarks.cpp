#include "case_benchmarks.h"

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "machine/machine_probes.h"
#include "operations/operations.h"
#include "rivals/openblas_core.h"
#include "rivals/rivals.h"
#include "run_facts.h"
#include "timed_benchmarks.h"

namespace bench {
namespace {

using MakeOf = std::unique_ptr<TimedCall> (*)(const CaseSettings&);

struct Operation {
  const char* name;
  MakeOf make;
};

constexpr Operation kForwardBackward = {"forward_backward", make_forward_backward};
constexpr Operation kOthers[] = {{"pool", make_pool},
                                 {"forward", make_forward},
                                 {"backward", make_backward},
                                 {"affinity_rows", make_affinity_rows},
                                 {"check", make_check}};

void leave_out(const std::string& name, const std::string& reason) {
  std::fprintf(stderr, "not run: %s: %s\n", name.c_str(), reason.c_str());
  benchmark::AddCustomContext("not_run:" + name, reason);
}

std::size_t copy_spread(bool is_smoke) { return is_smoke ? std::size_t{1} << 20 : bytes_beyond_caches(); }

/// 1 GiB is far beyond the caches of any device; there and back it is to leave room for the rest.
std::size_t device_copy_bytes(const BenchDevice& device, bool is_smoke) {
  return is_smoke ? std::size_t{1} << 16 : static_cast<std::size_t>(std::min(0x1p30, device.available_bytes() / 8));
}

/// One workload, dtype, set of scales, and device or number of threads.
class CaseBenchmarks {
 public:
  CaseBenchmarks(const CaseSettings& settings, const BenchArguments& arguments)
      : settings_(settings), most_pair_work_(arguments.most_pair_work), copy_spread_(copy_spread(arguments.is_smoke)) {}

  void register_library() const {
    if (is_on_cuda() && !fits(kForwardBackward.name, 0)) return;
    add(kForwardBackward.name, settings_, kForwardBackward.make);
    if (is_sweep(settings_.workload)) return;
    for (const Operation& operation : kOthers) add(operation.name, settings_, operation.make);
    if (takes_few_pairs("pairwise")) add("pairwise", settings_, make_pairwise);
  }

  void register_device_copy() const {
    const auto bytes = static_cast<std::size_t>(3 * settings_.logits_bytes());
    if (!fits("copy", 2 * static_cast<double>(bytes))) return;
    add("copy", settings_, [bytes](const CaseSettings& s) {
      return make_device_copy(*s.device, bytes, static_cast<double>(s.workload.batch * s.workload.cells()));
    });
  }

  void register_rivals() const {
    add("copy", settings_, [spread = copy_spread_](const CaseSettings& s) {
      const double items = static_cast<double>(s.workload.batch * s.workload.cells());
      return make_memory_copy(static_cast<std::size_t>(3 * s.logits_bytes()), spread, items, s.num_threads);
    });
#ifdef ARLOSS_BENCH_DNNL
    add("softmax", settings_, make_softmax_dnnl);
#endif
#ifdef ARLOSS_BENCH_OPENBLAS
    if (settings_.dtype == ARLOSS_DTYPE_FLOAT32) {
      if (fits("factored", factored_bytes(settings_))) {
        add("factored", settings_, make_factored);
        add("factored_blocked", settings_, make_factored_blocked);
      }
      register_materialised("materialised", settings_);
      if (!is_sweep(settings_.workload)) register_materialised("materialised_huber", with_pair_penalty(settings_));
    }
#endif
  }

 private:
#ifdef ARLOSS_BENCH_OPENBLAS
  void register_materialised(const char* name, const CaseSettings& settings) const {
    if (fits(name, materialised_bytes(settings)) && takes_few_pairs(name)) add(name, settings, make_materialised);
  }
#endif

  bool is_on_cuda() const { return settings_.device->type() == ARLOSS_DEVICE_CUDA; }

  std::string full_name(const std::string& operation) const {
    const std::string name = settings_.workload.name + "/" + settings_.dtype_name() + "/" + settings_.scales_name() +
                             (is_on_cuda() ? "/cuda/" : "/") + operation;
    return sweeps_threads(settings_.workload) ? name + "/threads:" + std::to_string(settings_.num_threads) : name;
  }

  template <typename Make>
  void add(const std::string& operation, const CaseSettings& settings, Make make) const {
    const BenchWorkload& w = settings.workload;
    const BenchmarkFacts facts = {static_cast<double>(settings.logits_bytes()),
                                  static_cast<double>(settings.num_threads), static_cast<double>(w.batch),
                                  static_cast<double>(w.cells()), static_cast<double>(w.classes)};
    register_timed(
        full_name(operation), facts, [=] { return make(settings); }, settings.device->clock());
  }

  bool fits(const char* name, double needed) const {
    const double tensors = 6.0 * static_cast<double>(settings_.logits_bytes());
    const double available = settings_.device->available_bytes();
    if (needed + tensors <= available) return true;
    leave_out(full_name(name), "needs " + gigabytes(needed + tensors) + " of " + gigabytes(available) + " available");
    return false;
  }

  bool takes_few_pairs(const char* name) const {
    const BenchWorkload& w = settings_.workload;
    const double cells = static_cast<double>(w.cells());
    const double work = static_cast<double>(w.batch * w.classes) * cells * cells;
    if (work <= most_pair_work_) return true;
    char reason[64];
    std::snprintf(reason, sizeof reason, "takes %.2g multiply-adds, more than %.2g", work, most_pair_work_);
    leave_out(full_name(name), reason);
    return false;
  }

  CaseSettings settings_;
  double most_pair_work_;
  std::size_t copy_spread_;
};

}  // namespace

void add_rival_facts(const BenchArguments& arguments) {
#ifdef ARLOSS_BENCH_OPENBLAS
  benchmark::AddCustomContext("openblas_core", openblas_core_name());
#endif
#ifdef ARLOSS_BENCH_DNNL
  for (const arloss_dtype_t dtype : arguments.dtypes) {
    const CaseSettings settings = {arguments.workloads.at(0), dtype};
    benchmark::AddCustomContext("onednn_" + settings.dtype_name(), softmax_dnnl_name(settings));
  }
#endif
  static_cast<void>(arguments);
}

void register_machine_probes(const BenchArguments& arguments) {
  const int threads = omp_get_max_threads();
  const auto facts = [](int used) { return BenchmarkFacts{0, static_cast<double>(used), 0, 0, 0}; };
  const std::size_t copied = copy_spread(arguments.is_smoke);
  register_timed("machine/copy", facts(threads), [=] { return make_memory_copy(copied, copied, 1, threads); });
  register_timed("machine/multiply_add", facts(threads), [=] { return make_multiply_add(threads); });
  for (const int used : {1, 2})
    register_timed("machine/two_threads/threads:" + std::to_string(used), facts(used),
                   [=] { return make_multiply_add(used); });
  if (BenchDevice* const device = arguments.cuda_device)
    register_timed(
        "machine/cuda/copy", facts(0),
        [=, bytes = device_copy_bytes(*device, arguments.is_smoke)] { return make_device_copy(*device, bytes, 1); },
        device->clock());
}

void register_workload(const BenchWorkload& workload, const BenchArguments& arguments) {
  const int threads = omp_get_max_threads();
  for (const arloss_dtype_t dtype : arguments.dtypes) {
    for (const std::vector<std::int32_t>& scales : arguments.scales) {
      if (is_sweep(workload) && (dtype != arguments.dtypes[0] || scales != arguments.scales[0])) continue;
      for (int used = sweeps_threads(workload) ? 1 : threads; used <= threads; ++used) {
        const CaseBenchmarks benchmarks({workload, dtype, scales, used}, arguments);
        benchmarks.register_library();
        benchmarks.register_rivals();
      }
      if (arguments.cuda_device && !sweeps_threads(workload)) {
        CaseSettings on_device = {workload, dtype, scales};
        on_device.device = arguments.cuda_device;
        const CaseBenchmarks benchmarks(on_device, arguments);
        benchmarks.register_library();
        benchmarks.register_device_copy();
      }
    }
  }
}

}  // namespace bench
