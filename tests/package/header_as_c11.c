/* The public header is C11 by itself, and may be included twice. */
#include <arloss/arloss.h>

_Static_assert(ARLOSS_STATUS_SUCCESS == 0 && ARLOSS_STATUS_INTERNAL_ERROR == 50, "status values are pinned");
_Static_assert(sizeof(arloss_status_t) == sizeof(int), "enums are int-sized");
_Static_assert(offsetof(arloss_problem_t, struct_size) == 0, "struct_size comes first");
_Static_assert(offsetof(arloss_options_t, struct_size) == 0, "struct_size comes first");
_Static_assert(offsetof(arloss_tensors_t, struct_size) == 0, "struct_size comes first");
_Static_assert(offsetof(arloss_report_t, struct_size) == 0, "struct_size comes first");

/* Layouts that callers compiled against: 0.1.0, 64-bit. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(arloss_problem_t) == 192, "arloss_problem_t");
_Static_assert(sizeof(arloss_options_t) == 32, "arloss_options_t");
_Static_assert(sizeof(arloss_tensors_t) == 56, "arloss_tensors_t");
_Static_assert(sizeof(arloss_report_t) == 72, "arloss_report_t");
#endif
