#include "shared_memory.h"

#include "aligned_memory.h"

namespace bench {

char* shared_memory(std::size_t bytes) {
  static AlignedMemory<char> memory;
  if (memory.size() < bytes) {
    memory = {};
    memory = AlignedMemory<char>(bytes);
  }
  return memory.data();
}

}  // namespace bench
