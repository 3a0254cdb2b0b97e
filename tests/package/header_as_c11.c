/* The public header is C11 by itself, and may be included twice. */
#include <arloss/arloss.h>

_Static_assert(ARLOSS_STATUS_SUCCESS == 0 && ARLOSS_STATUS_INTERNAL_ERROR == 50, "status values are pinned");
_Static_assert(sizeof(arloss_status_t) == sizeof(int), "enums are int-sized");
_Static_assert(offsetof(arloss_problem_t, struct_size) == 0, "struct_size comes first");
_Static_assert(offsetof(arloss_options_t, struct_size) == 0, "struct_size comes first");
_Static_assert(offsetof(arloss_tensors_t, struct_size) == 0, "struct_size comes first");
_Static_assert(offsetof(arloss_report_t, struct_size) == 0, "struct_size comes first");
