#include "runtime/digest.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace emulator::runtime {
namespace {

/// A bijection of 64 bits in which every input bit reaches every output bit: multiplications carry upwards, shifts
/// downwards. The factors are the binary digits of the golden ratio and of the square root of 2, made odd.
std::uint64_t scramble(std::uint64_t word) {
  word ^= word >> 32;
  word *= 0x9E3779B97F4A7C15u;
  word ^= word >> 29;
  word *= 0x6A09E667F3BCC909u;
  return word ^ (word >> 32);
}

}  // namespace

std::uint64_t mix_bytes(std::uint64_t hash, const std::byte* bytes, std::size_t count) {
  hash = scramble(hash + count + 1);
  while (count > 0) {
    std::uint64_t word = 0;
    const std::size_t taken = std::min(count, sizeof word);
    std::memcpy(&word, bytes, taken);
    hash = scramble(hash ^ word) + 1;
    bytes += taken;
    count -= taken;
  }
  return hash;
}

void Digest::add(const Execution& execution, const std::byte* bytes, std::size_t pitch, std::size_t width,
                 std::size_t height) {
  std::uint64_t hash = height;
  for (std::size_t row = 0; row < height; ++row) hash = mix_bytes(hash, bytes + row * pitch, width);
  copies_.push_back({execution.call, execution.step, hash});
}

std::uint64_t Digest::value() const {
  std::vector<Copy> copies = copies_;
  std::sort(copies.begin(), copies.end(),
            [](const Copy& a, const Copy& b) { return std::tie(a.call, a.step) < std::tie(b.call, b.step); });
  std::uint64_t hash = copies.size();
  for (const Copy& copy : copies) {
    hash = mix_bytes(hash, reinterpret_cast<const std::byte*>(&copy.hash), sizeof copy.hash);
  }
  return hash;
}

}  // namespace emulator::runtime
