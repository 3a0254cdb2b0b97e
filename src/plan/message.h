#ifndef ARLOSS_PLAN_MESSAGE_H
#define ARLOSS_PLAN_MESSAGE_H

#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace arloss {

/// One line of text in a fixed buffer, cut where it is full. Run calls report failures through it: it never allocates,
/// and numbers do not depend on the process's locale.
class Message {
 public:
  Message() { text_[0] = '\0'; }

  Message& operator<<(std::string_view part) {
    const std::size_t count = part.size() < room() ? part.size() : room();
    std::memcpy(text_ + size_, part.data(), count);
    size_ += count;
    text_[size_] = '\0';
    return *this;
  }

  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
  Message& operator<<(Number number) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return *this << std::string_view(digits, static_cast<std::size_t>(end - digits));
  }

  const char* text() const { return text_; }

 private:
  std::size_t room() const { return sizeof text_ - 1 - size_; }

  char text_[1024];
  std::size_t size_ = 0;
};

}  // namespace arloss

#endif
