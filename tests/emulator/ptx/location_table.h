#ifndef ARLOSS_TESTS_EMULATOR_PTX_LOCATION_TABLE_H
#define ARLOSS_TESTS_EMULATOR_PTX_LOCATION_TABLE_H

#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <vector>

#include "ptx/syntax.h"

namespace emulator::ptx {

/// A place as .loc gives it.
struct SourcePosition {
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  bool operator<(const SourcePosition& other) const { return key() < other.key(); }
  bool operator==(const SourcePosition& other) const { return key() == other.key(); }

 private:
  std::tuple<std::uint32_t, std::uint32_t, std::uint32_t> key() const { return {file, line, column}; }
};

/// Builds Module::locations. A .loc names the call it was inlined into by its position alone, so the chain of calls
/// around it is the one that this position was last seen in: nvcc writes the outer locations of a chain first.
class LocationTable {
 public:
  /// Puts the unknown location into `locations`, which must outlive the table.
  explicit LocationTable(std::vector<Location>& locations);

  /// Index into the locations of a place that was not inlined.
  std::uint32_t add(SourcePosition at);
  /// Index into the locations of a place in the function `function` that was inlined into `caller`. The name only
  /// tells functions apart; it must outlive the table.
  std::uint32_t add_inlined(SourcePosition at, std::string_view function, SourcePosition caller);

  /// Chains do not go from one function body into the next.
  void end_function() { last_seen_.clear(); }

 private:
  /// A location with what tells two of one line apart.
  struct Place {
    SourcePosition at;
    std::string_view function;
    std::int32_t caller;     // index into places_; -1: not inlined
    std::uint32_t location;  // index into locations_
  };

  std::uint32_t enter(SourcePosition at, std::string_view function, std::int32_t caller);
  std::int32_t find_or_add_caller(SourcePosition caller);
  std::int32_t outside_of(std::int32_t caller, SourcePosition at, std::string_view function) const;
  std::uint32_t find_or_add_location(const Place& place);

  std::vector<Location>& locations_;
  std::vector<Place> places_;
  std::map<std::tuple<SourcePosition, std::string_view, std::int32_t>, std::int32_t> place_indices_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::int32_t>, std::uint32_t> location_indices_;
  std::map<SourcePosition, std::int32_t> last_seen_;
};

}  // namespace emulator::ptx

#endif
