#ifndef ARLOSS_API_LAST_MESSAGE_H
#define ARLOSS_API_LAST_MESSAGE_H

#include "arloss/arloss.h"
#include "plan/message.h"

namespace arloss {

/// Keeps `text` as this thread's last message and returns `status`. Never allocates.
arloss_status_t fail(arloss_status_t status, const Message& text);

const char* last_message();

}  // namespace arloss

#endif
