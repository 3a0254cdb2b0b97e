#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_MAPPING_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_MAPPING_H

#include <cstddef>

namespace emulator {

/// Pages of their own that begin as zeros and take memory only once they are written. Throws std::runtime_error where
/// the system does not give the address space.
class Mapping {
 public:
  enum class Protection { kNone, kReadWrite };

  explicit Mapping(std::size_t bytes, Protection protection = Protection::kReadWrite);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  /// Gives the whole pages of [offset, offset + bytes) back; they read as zeros afterwards.
  void discard(std::size_t offset, std::size_t bytes);

 private:
  std::byte* data_;
  std::size_t bytes_;
};

}  // namespace emulator

#endif
