#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_STREAMS_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_STREAMS_H

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "memory/operation_order.h"
#include "runtime/clock.h"

namespace emulator::runtime {

/// What a running operation knows of itself.
struct Execution {
  OperationOrder order;
  std::optional<OperationOrder> before_wait;  // of a kernel that may overlap others until its griddepcontrol.wait
  std::uint64_t call = 0;   // number of the call that issued it: the program's own order, the same for every seed
  std::uint32_t step = 0;   // which step of that call's task
  bool is_exiting = false;  // the process ends: memory of the host may be gone
};

using Operation = std::function<void(const Execution&)>;

/// An operation of a task, and the earlier steps (by index) that come before it. Steps of one lane are ordered by
/// `after`; lane 0 is the stream itself.
struct Step {
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  Operation run;
  std::vector<std::uint32_t> after;
  std::uint32_t lane = 0;
  std::uint32_t overlapped = kNone;  // the one of `after` that is a kernel and may still run when this one starts
};

/// What one call issues: a copy, a launch, or all nodes of a graph. Other streams' work does not run in between.
struct Task {
  std::vector<Step> steps;
  bool is_kernel = false;    // and nothing else
  bool may_overlap = false;  // a kernel that may start while the kernel before it in the stream runs
};

/// A point in a stream: done when everything before it has been executed.
struct Marker {
  bool is_done = false;
  std::uint32_t stream = 0;
  std::uint64_t call = 0;
  Clock clock;
  std::chrono::steady_clock::time_point time;
};

/// The streams of a device and the work that waits in them. Lazily (the default) work is executed only when the host
/// waits for it, and then in an order drawn from the seed among all that stream order, events and the default stream
/// allow: what is missing in the program's own synchronisation shows in its results. Not thread-safe.
class Streams {
 public:
  using Index = std::uint32_t;
  /// The default stream: its work comes after earlier work of all blocking streams and before their later work.
  static constexpr Index kLegacy = 0;
  /// Work that may wait before the oldest is executed. Devices bound it too (about 1024 launches); without a bound a
  /// program that never synchronises fills the memory.
  static constexpr std::size_t kMaxPending = 4096;

  Streams();

  /// Order among streams: 0: only what the host waits for, in the order of the calls; 1: whatever is ready, the latest
  /// call first; others: whatever is ready, drawn at random.
  void set_seed(std::uint64_t seed);
  /// False: every call is executed at once.
  void set_lazy(bool is_lazy) { is_lazy_ = is_lazy; }

  Index open(bool is_blocking);
  /// Work that waits in it is still executed. The index may be given out again once the host has waited for it.
  void close(Index stream);

  /// `lanes[l - 1]` is the stream that stands for lane l of the task: one nothing else is submitted to.
  void submit(Index stream, std::shared_ptr<const Task> task, std::vector<Index> lanes = {});
  /// A marker behind all work of the stream.
  std::shared_ptr<const Marker> mark(Index stream);
  /// Later work of the stream waits for the marker.
  void wait(Index stream, std::shared_ptr<const Marker> marker);

  // ---- the host waits; what an operation throws passes through
  /// For all work in the stream: for the default stream its own work and so all it depends on, but not for later work
  /// of blocking streams.
  void finish(Index stream);
  void finish(const Marker& marker);
  void finish_all(bool is_exiting = false);
  /// True when done; else executes one piece of work, so that a loop of queries ends.
  bool poll(Index stream);
  bool poll(const Marker& marker);

  /// Forgets all work that waits, as after a failed launch. Markers become done.
  void abandon();

 private:
  struct Item {
    std::uint64_t call = 0;
    std::shared_ptr<const Task> task;
    std::vector<Index> lanes;
    std::shared_ptr<const Marker> waits_for;
    std::shared_ptr<Marker> marks;
    std::shared_ptr<const Clock> host;  // what the host knew when it issued this
  };
  struct Stream {
    Index index = 0;
    bool is_open = false;
    bool is_blocking = false;
    bool is_closing = false;
    std::deque<Item> items;
    Clock clock;
    /// What had ended when the last kernel started; none where other work came after it.
    std::optional<Clock> before_kernel;

    void join(const Clock& other);
  };

  void push(Index stream, Item item);
  bool is_ready(const Stream& stream) const;
  /// Per stream, the last call that has to be executed for `call` of `stream` to be.
  std::vector<std::uint64_t> needed(Index stream, std::uint64_t call) const;
  /// A stream whose first item is executed next; `limits` is asked for with seed 0 only.
  Stream& choose(const std::vector<std::uint64_t>& limits);
  std::size_t draw(std::size_t count);
  void run_until(Index stream, std::uint64_t call);
  void execute(Stream& stream);
  void run_task(Stream& stream, const Item& item);
  void release(Stream& stream);
  void host_learns(const Clock& clock);
  void host_learns_all();

  std::deque<Stream> streams_;  // references stay valid
  std::vector<Index> free_;
  std::shared_ptr<const Clock> host_;
  std::uint64_t last_call_ = 0;
  std::uint32_t last_operation_ = 0;
  std::size_t num_pending_ = 0;
  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  bool is_lazy_ = true;
  bool is_exiting_ = false;
};

}  // namespace emulator::runtime

#endif
