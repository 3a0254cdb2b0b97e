// The public headers are C++17 by themselves, the C calls keep C linkage, and they may be included twice.
#include <arloss/arloss.h>
#include <arloss/arloss.hpp>

#include <type_traits>

static_assert(std::is_standard_layout_v<arloss_problem_t> && std::is_trivial_v<arloss_problem_t>);
static_assert(std::is_standard_layout_v<arloss_tensors_t> && std::is_trivial_v<arloss_tensors_t>);

extern "C" int arloss_version(void);  // an error, had the header given it C++ linkage
