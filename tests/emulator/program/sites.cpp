#include "program/sites.h"

#include <deque>
#include <map>
#include <mutex>

namespace emulator {
namespace {

struct Sites {
  std::mutex mutex;
  std::deque<std::string> texts{"an unknown line"};
  std::map<std::string, std::uint32_t> numbers{{texts.front(), 0}};
};

Sites& sites() {
  static auto* const known = new Sites;
  return *known;
}

}  // namespace

std::uint32_t add_site(const std::string& text) {
  Sites& known = sites();
  const std::lock_guard<std::mutex> lock(known.mutex);
  const auto [place, is_new] = known.numbers.emplace(text, static_cast<std::uint32_t>(known.texts.size()));
  if (is_new) known.texts.push_back(text);
  return place->second;
}

std::string site_text(std::uint32_t site) {
  Sites& known = sites();
  const std::lock_guard<std::mutex> lock(known.mutex);
  return site < known.texts.size() ? known.texts[site] : known.texts.front();
}

}  // namespace emulator
