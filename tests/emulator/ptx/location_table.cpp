#include "ptx/location_table.h"

namespace emulator::ptx {

LocationTable::LocationTable(std::vector<Location>& locations) : locations_(locations) { locations_.assign(1, {}); }

std::uint32_t LocationTable::add(SourcePosition at) { return enter(at, {}, -1); }

std::uint32_t LocationTable::add_inlined(SourcePosition at, std::string_view function, SourcePosition caller) {
  return enter(at, function, outside_of(find_or_add_caller(caller), at, function));
}

std::uint32_t LocationTable::enter(SourcePosition at, std::string_view function, std::int32_t caller) {
  const auto [found, is_new] = place_indices_.try_emplace({at, function, caller}, places_.size());
  if (is_new) {
    Place place{at, function, caller, 0};
    place.location = find_or_add_location(place);
    places_.push_back(place);
  }
  last_seen_[at] = found->second;
  return places_[static_cast<std::size_t>(found->second)].location;
}

std::int32_t LocationTable::find_or_add_caller(SourcePosition caller) {
  if (const auto found = last_seen_.find(caller); found != last_seen_.end()) return found->second;
  enter(caller, {}, -1);
  return last_seen_.at(caller);
}

/// Templates that call their next instance from one line (a reduction's step) put the same position on several levels
/// of a chain, so the last seen one may lie inside this very place; its chain is then left where this place began.
std::int32_t LocationTable::outside_of(std::int32_t caller, SourcePosition at, std::string_view function) const {
  for (std::int32_t i = caller; i >= 0; i = places_[static_cast<std::size_t>(i)].caller) {
    const Place& place = places_[static_cast<std::size_t>(i)];
    if (place.caller >= 0 && place.at == at && place.function == function) caller = place.caller;
  }
  return caller;
}

std::uint32_t LocationTable::find_or_add_location(const Place& place) {
  std::int32_t caller = -1;
  if (place.caller >= 0) {
    caller = static_cast<std::int32_t>(places_[static_cast<std::size_t>(place.caller)].location);
  }
  const auto [found, is_new] = location_indices_.try_emplace({place.at.file, place.at.line, caller}, locations_.size());
  if (is_new) locations_.push_back({place.at.file, place.at.line, caller});
  return found->second;
}

}  // namespace emulator::ptx
