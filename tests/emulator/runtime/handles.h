#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_HANDLES_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_HANDLES_H

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

namespace emulator::runtime {

/// Objects of the API and the opaque pointers programs know them by. A handle is a number, never an address and never
/// given out twice: garbage, null and destroyed handles are all found.
template <class Object, class Handle>
class Handles {
 public:
  Handle add(std::unique_ptr<Object> object) {
    // Steps keep the numbers apart from the special handles (1 and 2 for streams) and aligned like pointers.
    const Handle handle = reinterpret_cast<Handle>(kFirst + kStep * next_++);
    objects_.emplace(handle, std::move(object));
    return handle;
  }

  /// Null where there is no such object.
  Object* find(Handle handle) const {
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second.get();
  }

  /// Null where there was no such object.
  std::unique_ptr<Object> remove(Handle handle) {
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return nullptr;
    std::unique_ptr<Object> object = std::move(found->second);
    objects_.erase(found);
    return object;
  }

  template <class Body>
  void for_each(Body&& body) const {
    for (const auto& entry : objects_) body(entry.first, *entry.second);
  }

  void clear() { objects_.clear(); }

 private:
  static constexpr std::uintptr_t kFirst = 0x1000;
  static constexpr std::uintptr_t kStep = 0x40;
  std::uintptr_t next_ = 0;
  std::unordered_map<Handle, std::unique_ptr<Object>> objects_;
};

}  // namespace emulator::runtime

#endif
