#include "runtime/streams.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace emulator::runtime {
namespace {

constexpr std::uint64_t kEveryCall = std::numeric_limits<std::uint64_t>::max();

OperationOrder order_of(std::uint32_t operation, std::uint32_t stream, const Clock& clock) {
  OperationOrder order;
  order.operation = operation;
  order.stream = stream;
  order.known = clock.known;
  order.known_all = clock.all;
  return order;
}

}  // namespace

void Streams::Stream::join(const Clock& other) {
  clock.join(other);
  if (before_kernel) before_kernel->join(other);
}

Streams::Streams() : host_(std::make_shared<Clock>()) { open(true); }

void Streams::set_seed(std::uint64_t seed) {
  seed_ = seed;
  random_.seed(seed);
}

Streams::Index Streams::open(bool is_blocking) {
  // An old index stands for two streams; that is harmless where the host has waited for all the first one did.
  const auto reusable = std::find_if(free_.begin(), free_.end(), [&](Index index) {
    const Clock& clock = streams_[index].clock;
    return clock.known.size() <= index || host_->covers(index, clock.known[index]);
  });
  Index index = static_cast<Index>(streams_.size());
  if (reusable != free_.end()) {
    index = *reusable;
    free_.erase(reusable);
  } else {
    streams_.emplace_back();
  }
  Stream& stream = streams_[index];
  stream = Stream();
  stream.index = index;
  stream.is_open = true;
  stream.is_blocking = is_blocking;
  return index;
}

void Streams::close(Index index) {
  Stream& stream = streams_[index];
  stream.is_closing = true;
  if (stream.items.empty()) release(stream);
}

void Streams::release(Stream& stream) {
  // Later work of the default stream comes after what this stream did, though it can no longer ask it.
  if (stream.is_blocking) streams_[kLegacy].join(stream.clock);
  stream.is_open = false;
  stream.is_closing = false;
  free_.push_back(stream.index);
}

void Streams::submit(Index stream, std::shared_ptr<const Task> task, std::vector<Index> lanes) {
  Item item;
  item.task = std::move(task);
  item.lanes = std::move(lanes);
  push(stream, std::move(item));
}

std::shared_ptr<const Marker> Streams::mark(Index stream) {
  Item item;
  item.marks = std::make_shared<Marker>();
  const std::shared_ptr<Marker> marker = item.marks;
  marker->stream = stream;
  marker->call = last_call_ + 1;
  push(stream, std::move(item));
  return marker;
}

void Streams::wait(Index stream, std::shared_ptr<const Marker> marker) {
  Item item;
  item.waits_for = std::move(marker);
  push(stream, std::move(item));
}

void Streams::push(Index stream, Item item) {
  item.call = ++last_call_;
  item.host = host_;
  const std::uint64_t call = item.call;
  streams_[stream].items.push_back(std::move(item));
  ++num_pending_;
  if (!is_lazy_) run_until(stream, call);
  while (num_pending_ > kMaxPending) execute(choose(std::vector<std::uint64_t>(streams_.size(), kEveryCall)));
}

bool Streams::is_ready(const Stream& stream) const {
  const Item& item = stream.items.front();
  if (item.waits_for && !item.waits_for->is_done) return false;
  if (!stream.is_blocking) return true;
  const auto is_behind = [&](const Stream& other) {
    return !other.items.empty() && other.items.front().call < item.call;
  };
  if (stream.index != kLegacy) return !is_behind(streams_[kLegacy]);
  return std::none_of(streams_.begin(), streams_.end(),
                      [&](const Stream& other) { return other.is_open && other.is_blocking && is_behind(other); });
}

std::vector<std::uint64_t> Streams::needed(Index target, std::uint64_t target_call) const {
  std::vector<std::uint64_t> limits(streams_.size(), 0);
  std::vector<std::pair<Index, std::uint64_t>> work{{target, target_call}};
  while (!work.empty()) {
    const auto [index, call] = work.back();
    work.pop_back();
    const std::uint64_t before = limits[index];
    if (call <= before) continue;
    limits[index] = call;
    const Stream& stream = streams_[index];
    std::uint64_t last = 0;
    for (const Item& item : stream.items) {
      if (item.call > call) break;
      last = item.call;
      if (item.call > before && item.waits_for && !item.waits_for->is_done) {
        work.emplace_back(item.waits_for->stream, item.waits_for->call);
      }
    }
    if (last == 0 || !stream.is_blocking) continue;
    if (index != kLegacy) {
      work.emplace_back(kLegacy, last - 1);
      continue;
    }
    for (const Stream& other : streams_) {
      if (other.is_open && other.is_blocking && other.index != kLegacy) work.emplace_back(other.index, last - 1);
    }
  }
  return limits;
}

std::size_t Streams::draw(std::size_t count) {
  if (seed_ == 0) return 0;
  if (seed_ == 1) return count - 1;
  return random_() % count;
}

Streams::Stream& Streams::choose(const std::vector<std::uint64_t>& limits) {
  std::vector<std::pair<std::uint64_t, Stream*>> ready;
  for (Stream& stream : streams_) {
    if (!stream.is_open || stream.items.empty()) continue;
    const std::uint64_t call = stream.items.front().call;
    if (seed_ == 0 && call > limits[stream.index]) continue;
    if (is_ready(stream)) ready.emplace_back(call, &stream);
  }
  // Every dependency points to an earlier call, so the earliest that waits is always ready.
  std::sort(ready.begin(), ready.end());
  return *ready[draw(ready.size())].second;
}

void Streams::run_until(Index index, std::uint64_t call) {
  const Stream& target = streams_[index];
  const auto is_pending = [&] { return !target.items.empty() && target.items.front().call <= call; };
  if (!is_pending()) return;
  const std::vector<std::uint64_t> limits = needed(index, call);
  while (is_pending()) execute(choose(limits));
}

void Streams::execute(Stream& stream) {
  const Item item = std::move(stream.items.front());
  stream.items.pop_front();
  --num_pending_;

  stream.join(*item.host);
  if (item.waits_for) stream.join(item.waits_for->clock);
  if (stream.index == kLegacy) {
    for (const Stream& other : streams_) {
      if (other.is_open && other.is_blocking && other.index != kLegacy) stream.join(other.clock);
    }
  } else if (stream.is_blocking) {
    stream.join(streams_[kLegacy].clock);
  }
  if (item.task) run_task(stream, item);
  if (item.marks) {
    item.marks->clock = stream.clock;
    item.marks->time = std::chrono::steady_clock::now();
    item.marks->is_done = true;
  }
  if (stream.is_closing && stream.items.empty()) release(stream);
}

void Streams::run_task(Stream& stream, const Item& item) {
  const std::vector<Step>& steps = item.task->steps;
  const bool overlaps_last = item.task->may_overlap && stream.before_kernel;
  const Clock before = stream.clock, before_first = overlaps_last ? *stream.before_kernel : before;
  std::vector<Clock> started(steps.size()), after(steps.size());
  std::vector<bool> is_done(steps.size(), false);
  for (std::size_t remaining = steps.size(); remaining > 0; --remaining) {
    std::vector<std::uint32_t> ready;
    for (std::uint32_t s = 0; s < steps.size(); ++s) {
      const auto has_run = [&](std::uint32_t earlier) { return is_done[earlier]; };
      if (!is_done[s] && std::all_of(steps[s].after.begin(), steps[s].after.end(), has_run)) ready.push_back(s);
    }
    const std::uint32_t chosen = ready[draw(ready.size())];
    const Step& step = steps[chosen];
    Clock &start = started[chosen], &clock = after[chosen];
    start = before_first;
    clock = before;
    for (const std::uint32_t earlier : step.after) {
      start.join(earlier == step.overlapped ? started[earlier] : after[earlier]);
      clock.join(after[earlier]);
    }
    const Index lane = step.lane == 0 ? stream.index : item.lanes[step.lane - 1];

    Execution execution;
    execution.order = order_of(++last_operation_, lane, clock);
    if (overlaps_last || step.overlapped != Step::kNone) execution.before_wait = order_of(last_operation_, lane, start);
    execution.call = item.call;
    execution.step = chosen;
    execution.is_exiting = is_exiting_;
    step.run(execution);

    clock.learn(lane, execution.order.operation);
    streams_[lane].clock.learn(lane, execution.order.operation);
    is_done[chosen] = true;
  }
  for (const Clock& clock : after) stream.clock.join(clock);
  stream.before_kernel = item.task->is_kernel ? std::optional<Clock>(started.front()) : std::nullopt;
}

void Streams::host_learns(const Clock& clock) {
  auto learned = std::make_shared<Clock>(*host_);
  learned->join(clock);
  host_ = std::move(learned);
}

void Streams::host_learns_all() {
  auto learned = std::make_shared<Clock>();
  learned->all = last_operation_;
  host_ = std::move(learned);
}

void Streams::finish(Index index) {
  const Stream& stream = streams_[index];
  if (!stream.items.empty()) run_until(index, stream.items.back().call);
  host_learns(stream.clock);
}

void Streams::finish(const Marker& marker) {
  if (!marker.is_done) run_until(marker.stream, marker.call);
  host_learns(marker.clock);
}

void Streams::finish_all(bool is_exiting) {
  is_exiting_ = is_exiting;
  const std::vector<std::uint64_t> limits(streams_.size(), kEveryCall);
  while (num_pending_ > 0) execute(choose(limits));
  is_exiting_ = false;
  host_learns_all();
}

bool Streams::poll(Index index) {
  const Stream& stream = streams_[index];
  if (stream.items.empty()) {
    host_learns(stream.clock);
    return true;
  }
  execute(choose(needed(index, stream.items.back().call)));
  return false;
}

bool Streams::poll(const Marker& marker) {
  if (marker.is_done) {
    host_learns(marker.clock);
    return true;
  }
  execute(choose(needed(marker.stream, marker.call)));
  return false;
}

void Streams::abandon() {
  for (Stream& stream : streams_) {
    for (const Item& item : stream.items) {
      if (item.marks) item.marks->is_done = true;
    }
    stream.items.clear();
    if (stream.is_closing) release(stream);
  }
  num_pending_ = 0;
  is_exiting_ = false;
  host_learns_all();
}

}  // namespace emulator::runtime
