// Runs every case whose name contains one of the words given after the folder of programs, or all. TEST_OPENMP: a
// library to load first, as PyTorch would.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "programs.h"
#include "test.h"

#if defined(TT_TRACED)
extern "C" void __sanitizer_cov_trace_pc() {}  // the core is built to report its blocks to the fuzzer
#endif

int main(int count, char** words) {
  using namespace throughtime::test;
  if (count < 2) return std::fprintf(stderr, "usage: %s PROGRAMS [WORD ...]\n", words[0]), 2;
  program_folder() = words[1];
  const char* openmp = std::getenv("TEST_OPENMP");
  if (openmp && !dlopen(openmp, RTLD_NOW | RTLD_GLOBAL)) return std::fprintf(stderr, "%s\n", dlerror()), 2;
  int failed = 0, run = 0;
  for (const Case& one : cases()) {
    bool wanted = count == 2;
    for (int i = 2; i < count; ++i) wanted = wanted || std::strstr(one.name, words[i]);
    if (!wanted) continue;
    ++run;
    try {
      one.body();
    } catch (const std::exception& error) {
      ++failed;
      std::printf("FAILED %s\n  %s\n", one.name, error.what());
    }
  }
  std::printf("%d cases, %d failed\n", run, failed);
  return failed || !run ? 1 : 0;
}
