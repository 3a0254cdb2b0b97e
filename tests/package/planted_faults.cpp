// planted_faults FAULT: a program with one fault, which the sanitizer it is built with must report; with none it must
// pass.
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace {

constexpr int kThreads = 4;
constexpr int kItems = 100000;

void overrun() {
  std::unique_ptr<int[]> cells(new int[4]());
  volatile int past_the_end = 4;
  std::printf("%d\n", cells[past_the_end]);
}

void leak() {
  int* volatile lost = new int[4];
  lost = nullptr;
}

void overflow() {
  volatile int most = std::numeric_limits<int>::max();
  std::printf("%d\n", most + 1);
}

void race() {
  int count = 0;
#pragma omp parallel for num_threads(kThreads)
  for (int i = 0; i < kItems; ++i) count += 1;
  std::printf("%d\n", count);
}

// The library's own pattern: parallel parts, a barrier, one thread joins. Only OpenMP's synchronisation orders it.
double none() {
  std::vector<double> items(kItems), parts(kThreads);
  double sum = 0;
  for (int repeat = 0; repeat < 10; ++repeat) {
#pragma omp parallel num_threads(kThreads)
    {
#pragma omp for schedule(static)
      for (int i = 0; i < kItems; ++i) items[i] += i;
#pragma omp for schedule(dynamic, 1)
      for (int part = 0; part < kThreads; ++part) {
        parts[part] = 0;
        for (int i = part; i < kItems; i += kThreads) parts[part] += items[kItems - 1 - i];
      }
#pragma omp single
      for (const double part : parts) sum += part;
    }
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const char* fault = argc > 1 ? argv[1] : "none";
  if (std::strcmp(fault, "overrun") == 0) overrun();
  if (std::strcmp(fault, "leak") == 0) leak();
  if (std::strcmp(fault, "overflow") == 0) overflow();
  if (std::strcmp(fault, "race") == 0) race();
  if (std::strcmp(fault, "none") == 0) std::printf("%g\n", none());
}
