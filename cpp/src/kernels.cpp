// Chooses the kernels for the processor it runs on.
#include "throughtime/kernels.h"

#include <cstdlib>
#include <cstring>

namespace throughtime {

#define TT_DECLARE(isa)                        \
  namespace isa {                              \
  extern const Kernels<float> kernels_float;   \
  extern const Kernels<double> kernels_double; \
  }
TT_DECLARE(base)
#ifdef TT_X86
TT_DECLARE(avx2)
TT_DECLARE(avx512)
#endif

namespace {

// Chosen at load: a lock around a first use could be held by another thread while the process forks.
[[maybe_unused]] const int level = [] {
  int best = 0;
#ifdef TT_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = 1;
  if (best == 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    best = 2;
#endif
  if (const char* wish = std::getenv("THROUGHTIME_ISA")) {
    const int wanted = !std::strcmp(wish, "base") ? 0 : !std::strcmp(wish, "avx2") ? 1 : 2;
    if (wanted < best) best = wanted;
  }
  return best;
}();

}  // namespace

template <>
const Kernels<float>& kernels<float>() {
#ifdef TT_X86
  if (level == 2) return avx512::kernels_float;
  if (level == 1) return avx2::kernels_float;
#endif
  return base::kernels_float;
}

template <>
const Kernels<double>& kernels<double>() {
#ifdef TT_X86
  if (level == 2) return avx512::kernels_double;
  if (level == 1) return avx2::kernels_double;
#endif
  return base::kernels_double;
}

}  // namespace throughtime
