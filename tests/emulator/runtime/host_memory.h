#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_HOST_MEMORY_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_HOST_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <map>

namespace emulator::runtime {

/// Page-locked ranges of host memory: allocated by the runtime, or the program's own and registered.
class HostMemory {
 public:
  struct Range {
    std::uintptr_t begin = 0;
    std::size_t bytes = 0;
    bool is_allocated = false;  // else registered
    unsigned flags = 0;
  };

  /// Page-aligned; null where there is no memory.
  void* allocate(std::size_t bytes, unsigned flags);
  /// False where `pointer` was not allocated here.
  bool release(const void* pointer);
  /// False where part of it is page-locked already.
  bool lock(const void* pointer, std::size_t bytes, unsigned flags);
  /// False where no registered range begins there.
  bool unlock(const void* pointer);
  /// The range that covers all of [pointer, pointer + bytes); null where none does.
  const Range* find(const void* pointer, std::size_t bytes = 1) const;
  void release_all();

 private:
  std::map<std::uintptr_t, Range> ranges_;
};

}  // namespace emulator::runtime

#endif
