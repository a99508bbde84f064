// Vector primitives over the compiler's vector extensions. Everything lives in a namespace of the instruction set, so
// that the same source compiled several times never shares a symbol.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef TT_ISA
#error "TT_ISA names the namespace of this instruction set"
#endif

namespace throughtime {
namespace TT_ISA {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
constexpr int kAccumulators = 24;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
constexpr int kAccumulators = 12;
#elif defined(__aarch64__)
constexpr int kBytes = 16;
constexpr int kAccumulators = 24;
#else
constexpr int kBytes = 16;
constexpr int kAccumulators = 12;
#endif

template <class T>
struct Simd;

template <>
struct Simd<float> {
  typedef float V __attribute__((vector_size(kBytes)));
  typedef float U __attribute__((vector_size(kBytes), aligned(4), may_alias));
  typedef std::uint32_t I __attribute__((vector_size(kBytes)));  // bits: unsigned, so that those of a NaN may wrap
  using Int = std::uint32_t;
  static constexpr int width = kBytes / 4;
  static constexpr int mantissa = 23;
  static constexpr int exponent_bias = 127;
  static constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float exp_limit = 87.0f;
  static constexpr int terms = 7;                  // of the Taylor series of exp on +-ln(2)/2: the next is 5e-9
  static constexpr float ln2_high = 0.693359375f;  // 10 bits, so that n * ln2_high is exact
  static constexpr float ln2_low = -2.12194440054690583e-4f;
};

template <>
struct Simd<double> {
  typedef double V __attribute__((vector_size(kBytes)));
  typedef double U __attribute__((vector_size(kBytes), aligned(8), may_alias));
  typedef std::uint64_t I __attribute__((vector_size(kBytes)));
  using Int = std::uint64_t;
  static constexpr int width = kBytes / 8;
  static constexpr int mantissa = 52;
  static constexpr int exponent_bias = 1023;
  static constexpr double round = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double exp_limit = 708.0;
  static constexpr int terms = 13;
  static constexpr double ln2_high = 6.93147180369123816490e-01;
  static constexpr double ln2_low = 1.90821492927058770002e-10;
};

template <class T>
using Vec = typename Simd<T>::V;

template <class T>
inline __attribute__((always_inline)) Vec<T> load(const T* p) {
  return (Vec<T>)*(const typename Simd<T>::U*)p;
}

template <class T>
inline __attribute__((always_inline)) void store(T* p, Vec<T> v) {
  *(typename Simd<T>::U*)p = (typename Simd<T>::U)v;
}

template <class T>
inline __attribute__((always_inline)) Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

// Lane i of the result is lane L[i] of a and b, one behind the other.
template <class T, int... L>
inline __attribute__((always_inline)) Vec<T> shuffled(Vec<T> a, Vec<T> b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, L...);
#else
  const typename Simd<T>::I lanes = {typename Simd<T>::Int(L)...};
  return __builtin_shuffle(a, b, lanes);
#endif
}

// The first n lanes, 0 <= n <= width, from memory, the others 0; store_first writes only these. What lies behind is
// neither read nor written.
#if defined(__AVX512F__)

inline __attribute__((always_inline)) Vec<float> load_first(const float* p, int n) {
  return (Vec<float>)_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p);
}
inline __attribute__((always_inline)) Vec<double> load_first(const double* p, int n) {
  return (Vec<double>)_mm512_maskz_loadu_pd(__mmask8((1u << n) - 1), p);
}
inline __attribute__((always_inline)) void store_first(float* p, Vec<float> v, int n) {
  _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), (__m512)v);
}
inline __attribute__((always_inline)) void store_first(double* p, Vec<double> v, int n) {
  _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1), (__m512d)v);
}

#elif defined(__AVX2__)

// A mask of the first n of so many words.
inline __attribute__((always_inline)) __m256i first_of(int n, int words) {
  alignas(32) static const std::int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i*)(ones + 8 - n * (8 / words)));
}
inline __attribute__((always_inline)) Vec<float> load_first(const float* p, int n) {
  return (Vec<float>)_mm256_maskload_ps(p, first_of(n, 8));
}
inline __attribute__((always_inline)) Vec<double> load_first(const double* p, int n) {
  return (Vec<double>)_mm256_maskload_pd(p, first_of(n, 4));
}
inline __attribute__((always_inline)) void store_first(float* p, Vec<float> v, int n) {
  _mm256_maskstore_ps(p, first_of(n, 8), (__m256)v);
}
inline __attribute__((always_inline)) void store_first(double* p, Vec<double> v, int n) {
  _mm256_maskstore_pd(p, first_of(n, 4), (__m256d)v);
}

#else

template <class T>
inline Vec<T> load_first(const T* p, int n) {
  T lanes[Simd<T>::width] = {};
  std::memcpy(lanes, p, std::size_t(n) * sizeof(T));
  return load(lanes);
}
template <class T>
inline void store_first(T* p, Vec<T> v, int n) {
  T lanes[Simd<T>::width];
  store(lanes, v);
  std::memcpy(p, lanes, std::size_t(n) * sizeof(T));
}

#endif

// x where it lies in [-limit, limit], the limit where beyond, NaN where NaN.
template <class T>
inline __attribute__((always_inline)) Vec<T> clamp(Vec<T> x, T limit) {
  const Vec<T> high = broadcast<T>(limit);
  x = x > high ? high : x;
  return x < -high ? -high : x;
}

// exp(x) = scale * (1 + p) for |x| <= exp_limit: scale is a power of two, p = expm1 of the remainder.
template <class T>
inline __attribute__((always_inline)) void exp_parts(Vec<T> x, Vec<T>& scale, Vec<T>& p) {
  using S = Simd<T>;
  const Vec<T> log2e = broadcast<T>(T(1.44269504088896340736));
  const Vec<T> round = broadcast<T>(S::round);
  const Vec<T> shifted = x * log2e + round;
  const Vec<T> n = shifted - round;
  const Vec<T> r = (x - n * broadcast<T>(S::ln2_high)) - n * broadcast<T>(S::ln2_low);
  scale = (Vec<T>)((((typename S::I)shifted) + (typename S::Int)S::exponent_bias) << S::mantissa);
  // Horner's rule for r + r^2/2! + ... ; the coefficients are folded at compile time
  T factorial = 1;
  for (int i = 2; i <= S::terms; ++i) factorial *= i;
  Vec<T> sum = broadcast<T>(T(1) / factorial);
#pragma GCC unroll 16
  for (int i = S::terms; i >= 2; --i) {
    factorial /= i;
    sum = sum * r + broadcast<T>(T(1) / factorial);
  }
  p = sum * r;
}

template <class T>
inline __attribute__((always_inline)) Vec<T> vexp(Vec<T> x) {
  Vec<T> scale, p;
  exp_parts<T>(clamp<T>(x, Simd<T>::exp_limit), scale, p);
  const Vec<T> inside = scale * p + scale;
  const Vec<T> high = broadcast<T>(Simd<T>::exp_limit);
  const Vec<T> over = x > high ? broadcast<T>(__builtin_inf()) : inside;
  return x < -high ? broadcast<T>(0) : over;
}

template <class T>
inline __attribute__((always_inline)) Vec<T> vsigmoid(Vec<T> x) {
  Vec<T> scale, p;
  exp_parts<T>(clamp<T>(-x, Simd<T>::exp_limit), scale, p);
  return broadcast<T>(1) / (scale * p + scale + broadcast<T>(1));
}

// e / (e + 2) with e = expm1(2x), which keeps its relative accuracy at 0.
template <class T>
inline __attribute__((always_inline)) Vec<T> vtanh(Vec<T> x) {
  Vec<T> scale, p;
  const Vec<T> y = clamp<T>(x + x, T(sizeof(T) == 4 ? 20 : 42));
  exp_parts<T>(y, scale, p);
  const Vec<T> e = scale * p + (scale - broadcast<T>(1));
  return e / (e + broadcast<T>(2));
}

}  // namespace TT_ISA
}  // namespace throughtime
