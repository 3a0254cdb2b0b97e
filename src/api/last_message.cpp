#include "api/last_message.h"

namespace arloss {
namespace {
thread_local Message t_last_message;
}

arloss_status_t fail(arloss_status_t status, const Message& text) {
  t_last_message = text;
  return status;
}

const char* last_message() { return t_last_message.text(); }

}  // namespace arloss
