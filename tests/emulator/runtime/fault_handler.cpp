#include "runtime/fault_handler.h"

#include <csignal>
#include <cstddef>
#include <cstring>
#include <string>

#include <unistd.h>

#include "memory/device_heap.h"

namespace emulator::runtime {
namespace {

// More than MINSIGSTKSZ with the widest vector registers (about 11 KiB), and room to write a sentence.
constexpr std::size_t kStackBytes = 64 * 1024;
alignas(64) char handler_stack[kStackBytes];

struct sigaction previous_action;

void write_text(const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

void default_action() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(SIGSEGV, &action, nullptr);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<Address>(info->si_addr);
  const DeviceHeap& heap = DeviceHeap::get();
  if (heap.contains(address)) {
    // The process is lost: what the description allocates can harm nothing. The reason comes first all the same.
    write_text("emulator: host code touched device memory: ");
    write_text((heap.describe(address) + "\n").c_str());
    default_action();
    return;  // to the access, which faults again
  }
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
    default_action();
  } else {
    previous_action.sa_handler(signal);
  }
}

/// Of the thread that calls the runtime first, unless it has one: faults on others run on their own stacks.
void provide_stack() {
  stack_t present{};
  if (sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) == 0) return;
  stack_t stack{};
  stack.ss_sp = handler_stack;
  stack.ss_size = kStackBytes;
  sigaltstack(&stack, nullptr);
}

}  // namespace

void install_fault_handler() {
  DeviceHeap::get();
  provide_stack();
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &previous_action);
}

}  // namespace emulator::runtime
