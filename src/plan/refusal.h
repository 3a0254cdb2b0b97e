#ifndef ARLOSS_PLAN_REFUSAL_H
#define ARLOSS_PLAN_REFUSAL_H

#include <exception>

#include "arloss/arloss.h"
#include "plan/message.h"

namespace arloss {

/// Why a plan cannot be made: the status the caller gets, and a message that names field, value and rule.
class Refusal : public std::exception {
 public:
  Refusal(arloss_status_t status, const Message& message) : status_(status), message_(message) {}
  arloss_status_t status() const { return status_; }
  const char* what() const noexcept override { return message_.text(); }

 private:
  arloss_status_t status_;
  Message message_;
};

}  // namespace arloss

#endif
