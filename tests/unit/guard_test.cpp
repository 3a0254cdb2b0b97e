/// The one place where exceptions end: what each becomes, and whose message it leaves.
#include "api/guard.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <thread>

namespace arloss {
namespace {

std::string message_after(arloss_status_t expected, arloss_status_t (*body)()) {
  fail(ARLOSS_STATUS_UNSUPPORTED, Message() << "stale");
  EXPECT_EQ(guard(body), expected);
  return last_message();
}

TEST(Guard, PassesTheBodysStatusThroughAndLeavesTheMessageAlone) {
  EXPECT_EQ(message_after(ARLOSS_STATUS_SUCCESS, [] { return ARLOSS_STATUS_SUCCESS; }), "stale");
  EXPECT_EQ(message_after(ARLOSS_STATUS_INVALID_LABEL, [] { return ARLOSS_STATUS_INVALID_LABEL; }), "stale");
  EXPECT_EQ(message_after(ARLOSS_STATUS_INVALID_LABEL,
                          [] { return fail(ARLOSS_STATUS_INVALID_LABEL, Message() << "label 7"); }),
            "label 7");
}

TEST(Guard, RunsTheBodyOnce) {
  int runs = 0;
  guard([&] {
    ++runs;
    return ARLOSS_STATUS_SUCCESS;
  });
  EXPECT_EQ(runs, 1);
}

TEST(Guard, TurnsARefusalIntoItsOwnStatusAndMessage) {
  const arloss_status_t statuses[] = {ARLOSS_STATUS_INVALID_ARGUMENT, ARLOSS_STATUS_UNSUPPORTED,
                                      ARLOSS_STATUS_INVALID_LABEL, ARLOSS_STATUS_BUFFER_TOO_SMALL};
  for (const arloss_status_t status : statuses) {
    const std::string text = "problem.batch is " + std::to_string(-static_cast<int>(status));
    EXPECT_EQ(guard([&]() -> arloss_status_t { throw Refusal(status, Message() << text); }), status);
    EXPECT_EQ(last_message(), text);
  }
}

TEST(Guard, TurnsBadAllocIntoOutOfMemory) {
  const char* const expected = "out of memory while making a plan or its description";
  EXPECT_EQ(message_after(ARLOSS_STATUS_OUT_OF_MEMORY, []() -> arloss_status_t { throw std::bad_alloc(); }), expected);
  EXPECT_EQ(message_after(ARLOSS_STATUS_OUT_OF_MEMORY, []() -> arloss_status_t { throw std::bad_array_new_length(); }),
            expected);
}

TEST(Guard, TurnsAnyOtherExceptionIntoInternalError) {
  EXPECT_EQ(
      message_after(ARLOSS_STATUS_INTERNAL_ERROR, []() -> arloss_status_t { throw std::logic_error("no such edge"); }),
      "internal error: no such edge");
  EXPECT_EQ(message_after(ARLOSS_STATUS_INTERNAL_ERROR, []() -> arloss_status_t { throw 42; }),
            "internal error: unknown exception");
}

TEST(LastMessage, IsEachThreadsOwn) {
  fail(ARLOSS_STATUS_UNSUPPORTED, Message() << "here");
  std::string before, after;
  std::thread([&] {
    before = last_message();
    guard([]() -> arloss_status_t { throw std::bad_alloc(); });
    after = last_message();
  }).join();
  EXPECT_EQ(before, "");
  EXPECT_EQ(after, "out of memory while making a plan or its description");
  EXPECT_STREQ(last_message(), "here");
}

TEST(LastMessage, FailReturnsItsStatusAndReplacesTheText) {
  EXPECT_EQ(fail(ARLOSS_STATUS_BUFFER_TOO_SMALL, Message() << "a longer text first"), ARLOSS_STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(fail(ARLOSS_STATUS_INVALID_ARGUMENT, Message() << "short"), ARLOSS_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(last_message(), "short");
}

}  // namespace
}  // namespace arloss
