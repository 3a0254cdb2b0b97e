#ifndef ARLOSS_BENCH_SHARED_MEMORY_H
#define ARLOSS_BENCH_SHARED_MEMORY_H

#include <cstddef>

namespace bench {

/// Memory that all timed calls share, since one runs at a time: as large as the largest demand so far, which a call
/// states when it is made. What it holds, and where it is, lasts for one run of a call.
char* shared_memory(std::size_t bytes);

}  // namespace bench

#endif
