#ifndef ARLOSS_API_GUARD_H
#define ARLOSS_API_GUARD_H

#include <new>

#include "api/last_message.h"
#include "plan/refusal.h"

namespace arloss {

/// Runs `body` (which returns a status) and turns whatever it throws into a status and a message: nothing leaves the C
/// API by exception.
template <class Body>
arloss_status_t guard(Body&& body) noexcept {
  try {
    return body();
  } catch (const Refusal& refusal) {
    return fail(refusal.status(), Message() << refusal.what());
  } catch (const std::bad_alloc&) {
    return fail(ARLOSS_STATUS_OUT_OF_MEMORY, Message() << "out of memory while making a plan or its description");
  } catch (const std::exception& error) {
    return fail(ARLOSS_STATUS_INTERNAL_ERROR, Message() << "internal error: " << error.what());
  } catch (...) {
    return fail(ARLOSS_STATUS_INTERNAL_ERROR, Message() << "internal error: unknown exception");
  }
}

}  // namespace arloss

#endif
