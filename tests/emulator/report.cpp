#include "report.h"

#include <cstdio>
#include <mutex>
#include <set>
#include <utility>

#include "settings.h"

namespace emulator {
namespace {

// One kernel that races everywhere must not fill the memory with texts.
constexpr std::size_t kMostReports = 1000;

struct Store {
  std::mutex mutex;
  std::vector<Report> reports;
  std::set<std::pair<Kind, std::uint64_t>> keys;
  std::set<std::string> texts;
};

Store& store() {
  static auto* const kept = new Store;  // lives until the process has said at exit what it holds
  return *kept;
}

}  // namespace

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::kSharedRace: return "SharedRace";
    case Kind::kGlobalRace: return "GlobalRace";
    case Kind::kUninitialisedShared: return "UninitialisedShared";
    case Kind::kUninitialisedGlobal: return "UninitialisedGlobal";
    case Kind::kOutOfBounds: return "OutOfBounds";
    case Kind::kHostPointer: return "HostPointer";
    case Kind::kMisaligned: return "Misaligned";
    case Kind::kDivergentBarrier: return "DivergentBarrier";
    case Kind::kExitedAtBarrier: return "ExitedAtBarrier";
    case Kind::kDeadlock: return "Deadlock";
    case Kind::kWarpMismatch: return "WarpMismatch";
    case Kind::kInactiveLane: return "InactiveLane";
    case Kind::kSharedLimit: return "SharedLimit";
    case Kind::kAsyncCopy: return "AsyncCopy";
    case Kind::kLocalEscape: return "LocalEscape";
    case Kind::kFloatAtomic: return "FloatAtomic";
    case Kind::kAssertion: return "Assertion";
    case Kind::kUnsupported: return "Unsupported";
    case Kind::kApi: return "Api";
  }
  return "?";
}

Reports& Reports::get() {
  static Reports reports;
  return reports;
}

void Reports::add(Kind kind, std::uint64_t key, const std::function<std::string()>& text) {
  Store& kept = store();
  const std::lock_guard<std::mutex> lock(kept.mutex);
  if (kept.reports.size() >= kMostReports || !kept.keys.insert({kind, key}).second) return;
  std::string said = text();
  if (!kept.texts.insert(said).second) return;
  if (!settings().is_quiet) std::fprintf(stderr, "emulator: %s: %s\n", kind_name(kind), said.c_str());
  kept.reports.push_back({kind, std::move(said)});
}

void Reports::add(Kind kind, const std::string& text) {
  add(kind, std::hash<std::string>()(text), [&] { return text; });
}

std::vector<Report> Reports::all() const {
  const std::lock_guard<std::mutex> lock(store().mutex);
  return store().reports;
}

void Reports::clear() {
  Store& kept = store();
  const std::lock_guard<std::mutex> lock(kept.mutex);
  kept.reports.clear();
  kept.keys.clear();
  kept.texts.clear();
}

void fail_launch(Kind kind, const std::string& text) {
  Reports::get().add(kind, text);
  throw LaunchFailure(text);
}

}  // namespace emulator
