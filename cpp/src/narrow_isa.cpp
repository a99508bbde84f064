// The kernels of narrow weights for one instruction set (see CMakeLists.txt).
#include "simd.h"
#include "throughtime/narrow.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace throughtime {
namespace TT_ISA {
namespace {

using V = Vec<float>;
typedef std::int32_t S __attribute__((vector_size(kBytes)));
typedef std::int32_t SU __attribute__((vector_size(kBytes), aligned(4), may_alias));
typedef std::uint32_t W __attribute__((vector_size(kBytes)));
constexpr int kWidth = Simd<float>::width;
constexpr int kVectors = kNarrowPanel / kWidth;  // of a panel
constexpr int kMost = kAccumulators >= 24 && kVectors == 2 ? 8 : kVectors <= 4 ? 2 : 1;
constexpr int kWide = kVectors == 2 ? 4 : 1;  // panels at once for a single row: more chains at work

inline __attribute__((always_inline)) S load_words(const std::uint32_t* p) { return (S) * (const SU*)p; }

template <int R, int P>
inline __attribute__((always_inline)) void bfloat16_tile(const float* a, Index lda, Index k, const std::uint32_t* words,
                                                         float* c, Index ldc) {
  constexpr int H = kVectors / 2;
  V acc[R][P][kVectors];
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p)
      for (int v = 0; v < kVectors; ++v) acc[r][p][v] = load(c + r * ldc + p * kNarrowPanel + v * kWidth);
  for (Index i = 0; i < k; ++i) {
    V av[R];
    for (int r = 0; r < R; ++r) av[r] = broadcast<float>(a[r * lda + i]);
    for (int p = 0; p < P; ++p)
      for (int v = 0; v < H; ++v) {
        const W both = (W)load_words(words + (p * k + i) * (kNarrowPanel / 2) + v * kWidth);
        const V low = (V)(both << 16), high = (V)(both & 0xffff0000u);
        for (int r = 0; r < R; ++r) {
          acc[r][p][v] += av[r] * low;
          acc[r][p][H + v] += av[r] * high;
        }
      }
  }
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p)
      for (int v = 0; v < kVectors; ++v) store(c + r * ldc + p * kNarrowPanel + v * kWidth, acc[r][p][v]);
}

template <int R, int P>
__attribute__((noinline)) void bfloat16_call(const float* a, Index lda, Index k, const std::uint32_t* words, float* c,
                                             Index ldc) {
  bfloat16_tile<R, P>(a, lda, k, words, c, ldc);
}

void bfloat16(Index rows, Index panels, const float* a, Index lda, Index k, const std::uint32_t* words, float* c,
              Index ldc) {
  for (Index r = 0; r < rows;) {
    const float* ar = a + r * lda;
    float* cr = c + r * ldc;
    if (kMost >= 8 && rows - r >= 8 && panels == 1) {
      bfloat16_call<kMost, 1>(ar, lda, k, words, cr, ldc), r += 8;
    } else if (kMost >= 2 && rows - r >= 2 && panels == 1) {
      bfloat16_call<2, 1>(ar, lda, k, words, cr, ldc), r += 2;
    } else if (panels == kWide) {
      bfloat16_call<1, kWide>(ar, lda, k, words, cr, ldc), r += 1;
    } else {
      bfloat16_call<1, 1>(ar, lda, k, words, cr, ldc), r += 1;
    }
  }
}

#if defined(__AVX512VNNI__)

using Value = std::uint8_t;  // the quantized value + 128; the sums of the weights take it away again
constexpr Index kGroupBytes = 4;
inline void put(Value* group, const int q[4]) {
  for (int j = 0; j < 4; ++j) group[j] = Value(q[j] + 128);
}
inline __attribute__((always_inline)) S first(const std::int32_t* sums) {
  return load_words((const std::uint32_t*)sums) * -128;
}
struct Group {
  __m512i all;
  explicit Group(const Value* p) {
    int word;
    std::memcpy(&word, p, 4);
    all = _mm512_set1_epi32(word);
  }
  S dot(S acc, S w) const { return (S)_mm512_dpbusd_epi32((__m512i)acc, all, (__m512i)w); }
};

#else

using Value = std::int16_t;  // in the order 0 2 1 3: even bytes of a word, then odd ones
constexpr Index kGroupBytes = 8;
inline void put(Value* group, const int q[4]) {
  group[0] = Value(q[0]), group[1] = Value(q[2]), group[2] = Value(q[1]), group[3] = Value(q[3]);
}
inline __attribute__((always_inline)) S first(const std::int32_t*) { return S{}; }
typedef std::int16_t Half __attribute__((vector_size(kBytes)));
// lanes: the sum of the two products of 16-bit values
inline __attribute__((always_inline)) S pairs(Half a, Half b) {
#if defined(__AVX2__)
  return (S)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
  return (S)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  const S x = (S)a, y = (S)b;
  return (S)((W)x << 16) / 65536 * ((S)((W)y << 16) / 65536) + (x >> 16) * (y >> 16);
#endif
}
struct Group {
  Half even, odd;
  explicit Group(const Value* p) {
    std::int32_t words[2];
    std::memcpy(words, p, 8);
    even = (Half)(words[0] - S{}), odd = (Half)(words[1] - S{});
  }
  S dot(S acc, S w) const {
    const Half bytes = (Half)w;
    const Half low = (Half)(((W)w << 8) & 0xff00ff00u) >> 8;  // even bytes, to the top of their halves and back
    return acc + pairs(even, low) + pairs(odd, bytes >> 8);
  }
};

#endif

Index group_bytes() { return kGroupBytes; }

float quantize(const float* a, Index k, void* values) {
  V most{}, sum{};  // the sum of x * 0 is NaN where an x is not finite
  const Index whole = k - k % kWidth;
  auto look = [&](V x) {
    const V size = x < V{} ? -x : x;
    most = size > most ? size : most;
    sum += x * V{};
  };
  for (Index i = 0; i < whole; i += kWidth) look(load(a + i));
  if (k > whole) look(load_first(a + whole, int(k - whole)));
  float largest = 0, check = 0;
  for (int i = 0; i < kWidth; ++i) {
    largest = most[i] > largest ? most[i] : largest;
    check += sum[i];
  }
  auto* to = static_cast<Value*>(values);
  const bool finite = check == 0;
  const float factor = finite && largest > 1e-30f ? 127.0f / largest : 0.0f;
  const Index groups = (k + 3) / 4;
  const V round = broadcast<float>(Simd<float>::round);
  for (Index i = 0; i < groups * 4; i += kWidth) {
    std::int32_t q[kWidth];
    S n{};
    if (finite && i < k) {
      const V x = (k - i >= kWidth ? load(a + i) : load_first(a + i, int(k - i))) * factor;
      n = (S)(x + round) - (S)round;
    }
    std::memcpy(q, &n, sizeof q);
    const Index left = (groups * 4 - i) / 4;
    for (int j = 0; j < kWidth / 4 && j < left; ++j) put(to + i + j * 4, q + j * 4);
  }
  return finite ? largest > 1e-30f ? largest / 127.0f : 0.0f : __builtin_nanf("");
}

template <int R, int P>
__attribute__((noinline)) void int8_tile(const Value* values, Index stride, const float* row_scales, Index groups,
                                         const std::uint32_t* words, const float* scales, const std::int32_t* sums,
                                         float* c, Index ldc) {
  S acc[R][P][kVectors];
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p)
      for (int v = 0; v < kVectors; ++v) acc[r][p][v] = first(sums + p * kNarrowPanel + v * kWidth);
  for (Index i = 0; i < groups; ++i) {
    S w[P][kVectors];
    for (int p = 0; p < P; ++p)
      for (int v = 0; v < kVectors; ++v) w[p][v] = load_words(words + (p * groups + i) * kNarrowPanel + v * kWidth);
    for (int r = 0; r < R; ++r) {
      const Group g(values + r * stride + i * 4);
      for (int p = 0; p < P; ++p)
        for (int v = 0; v < kVectors; ++v) acc[r][p][v] = g.dot(acc[r][p][v], w[p][v]);
    }
  }
  for (int r = 0; r < R; ++r) {
    const V row = broadcast<float>(row_scales[r]);
    for (int p = 0; p < P; ++p)
      for (int v = 0; v < kVectors; ++v) {
        const Index at = p * kNarrowPanel + v * kWidth;
        const V found = __builtin_convertvector(acc[r][p][v], V);
        store(c + r * ldc + at, found * (row * load(scales + at)) + load(c + r * ldc + at));
      }
  }
}

void int8(const Quantized& a, Index panels, const std::uint32_t* words, const float* scales, const std::int32_t* sums,
          float* c, Index ldc) {
  const Index stride = a.bytes / Index(sizeof(Value)), rows = a.rows, groups = a.groups;
  for (Index r = 0; r < rows;) {
    const Value* from = static_cast<const Value*>(a.values) + r * stride;
    const float* row = a.scales + r;
    float* to = c + r * ldc;
    if (kMost >= 8 && rows - r >= 8 && panels == 1) {
      int8_tile<kMost, 1>(from, stride, row, groups, words, scales, sums, to, ldc), r += 8;
    } else if (kMost >= 2 && rows - r >= 2 && panels == 1) {
      int8_tile<2, 1>(from, stride, row, groups, words, scales, sums, to, ldc), r += 2;
    } else if (panels == kWide) {
      int8_tile<1, kWide>(from, stride, row, groups, words, scales, sums, to, ldc), r += 1;
    } else {
      int8_tile<1, 1>(from, stride, row, groups, words, scales, sums, to, ldc), r += 1;
    }
  }
}

}  // namespace

extern const NarrowKernels narrow_kernels;
const NarrowKernels narrow_kernels = {kWide, &group_bytes, &quantize, &bfloat16, &int8};

}  // namespace TT_ISA
}  // namespace throughtime
