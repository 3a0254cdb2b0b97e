#include "runtime/caller.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <vector>

namespace emulator::runtime {
namespace {

std::string hex(std::uintptr_t value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "0x%zx", static_cast<std::size_t>(value));
  return text.data();
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// What the program prints on its standard output; empty where it cannot be run or fails.
std::string output_of(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return "";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // No environment: preloaded libraries and sanitizer options are the program's, not the tool's.
  std::array<char*, 1> environment{nullptr};
  pid_t child = 0;
  const int failure = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string output;
  if (failure == 0) {
    std::array<char, 512> chunk{};
    for (ssize_t got = 0; (got = read(ends[0], chunk.data(), chunk.size())) > 0;) {
      output.append(chunk.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) output.clear();
  }
  close(ends[0]);
  return output;
}

/// "file:line" of a call, or of the call of a wrapper of the toolkit's headers that was inlined there; empty without
/// debug information.
std::string source_line(const std::string& module, std::uintptr_t offset) {
  std::istringstream lines(output_of({"addr2line", "-i", "-e", module, hex(offset)}));
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    line = base_name(line.substr(0, line.find(" (")));
    if (line.find('?') != std::string::npos) continue;
    found = line;
    if (line.rfind("cuda_runtime", 0) != 0) break;
  }
  return found;
}

std::string find_caller(const void* return_address) {
  Dl_info symbol{};
  link_map* module = nullptr;
  if (dladdr1(return_address, &symbol, reinterpret_cast<void**>(&module), RTLD_DL_LINKMAP) == 0 || !module) {
    return "an unknown place";
  }
  // The byte before the return address belongs to the call. Position-independent files are loaded l_addr above the
  // addresses in their debug information, others at these.
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(return_address) - 1 - module->l_addr;
  const std::string path = module->l_name && *module->l_name ? module->l_name : "/proc/self/exe";
  std::string readable_path = path;
  if (path == "/proc/self/exe") {
    std::array<char, 4096> target{};
    if (readlink(path.c_str(), target.data(), target.size() - 1) > 0) readable_path = target.data();
  }
  const std::string line = source_line(readable_path, offset);
  if (!line.empty()) return line;
  const std::string function = symbol.dli_sname ? readable_name(symbol.dli_sname) + " in " : "";
  return function + base_name(readable_path) + "+" + hex(offset);
}

}  // namespace

std::string readable_name(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && name ? name.get() : mangled;
}

std::string caller_text(const void* return_address) {
  static std::mutex& mutex = *new std::mutex;
  static auto& known = *new std::map<const void*, std::string>;  // a loop refuses often, and a look-up takes 10 ms
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = known.find(return_address);
  if (found != known.end()) return found->second;
  return known[return_address] = find_caller(return_address);
}

}  // namespace emulator::runtime
