// Operations element by element. Included by kernels_isa.cpp alone.
#pragma once

#include "simd.h"
#include "throughtime/kernels.h"

namespace throughtime {
namespace TT_ISA {
namespace {

// Where an operation writes and reads; see Elementwise.
template <class T>
struct Operands {
  T* d;
  Index ds;
  const T* a;
  Index as;
  const T* b;
  Index bs;
  const T* c;
  Index cs;
};

template <class T, int Sources, class F>
inline __attribute__((always_inline)) void apply(F f, Operands<T> o, Index rows, Index columns) {
  constexpr int W = Simd<T>::width;
  const Index whole = columns - columns % W;
  const int left = int(columns - whole);
  const Vec<T> none{};
  for (Index r = 0; r < rows; ++r) {
    T* dr = o.d + r * o.ds;
    const T* ar = o.a + r * o.as;
    const T* br = Sources > 1 ? o.b + r * o.bs : nullptr;
    const T* cr = Sources > 2 ? o.c + r * o.cs : nullptr;
    for (Index j = 0; j < whole; j += W)
      store(dr + j, f(load(ar + j), Sources > 1 ? load(br + j) : none, Sources > 2 ? load(cr + j) : none));
    if (left)
      store_first(dr + whole,
                  f(load_first(ar + whole, left), Sources > 1 ? load_first(br + whole, left) : none,
                    Sources > 2 ? load_first(cr + whole, left) : none),
                  left);
  }
}

#define TT_ELEMENTWISE(name, sources, expression)                                                         \
  template <class T>                                                                                      \
  void name(T* d, Index ds, const T* a, Index as, const T* b, Index bs, const T* c, Index cs, Index rows, \
            Index columns) {                                                                              \
    apply<T, sources>(                                                                                    \
        [](Vec<T> x, Vec<T> y, Vec<T> z) -> Vec<T> {                                                      \
          (void)y, (void)z;                                                                               \
          return expression;                                                                              \
        },                                                                                                \
        {d, ds, a, as, b, bs, c, cs}, rows, columns);                                                     \
  }

template <class T>
inline __attribute__((always_inline)) Vec<T> one() {
  return broadcast<T>(T(1));
}

inline float scalar_log(float x) { return __builtin_logf(x); }
inline double scalar_log(double x) { return __builtin_log(x); }
inline float scalar_log1p(float x) { return __builtin_log1pf(x); }
inline double scalar_log1p(double x) { return __builtin_log1p(x); }
inline float scalar_sqrt(float x) { return __builtin_sqrtf(x); }
inline double scalar_sqrt(double x) { return __builtin_sqrt(x); }

template <class T, class F>
inline Vec<T> lanes(Vec<T> x, F f) {
  T values[Simd<T>::width];
  store(values, x);
  for (int i = 0; i < Simd<T>::width; ++i) values[i] = f(values[i]);
  return load(values);
}

// max(x, 0) + log1p(exp(-|x|)); NaN passes through
template <class T>
inline Vec<T> vsoftplus(Vec<T> x) {
  const Vec<T> zero{};
  const Vec<T> e = vexp<T>(x > zero ? -x : x);
  return (x < zero ? zero : x) + lanes<T>(e, [](T v) { return scalar_log1p(v); });
}

TT_ELEMENTWISE(op_copy, 1, x)
TT_ELEMENTWISE(op_sigmoid, 1, vsigmoid<T>(x))
TT_ELEMENTWISE(op_tanh, 1, vtanh<T>(x))
TT_ELEMENTWISE(op_relu, 1, (x < Vec<T>{} ? Vec<T>{} : x))
TT_ELEMENTWISE(op_exp, 1, vexp<T>(x))
TT_ELEMENTWISE(op_log, 1, lanes<T>(x, [](T v) { return scalar_log(v); }))
TT_ELEMENTWISE(op_sqrt, 1, lanes<T>(x, [](T v) { return scalar_sqrt(v); }))
TT_ELEMENTWISE(op_softplus, 1, vsoftplus<T>(x))
TT_ELEMENTWISE(op_neg, 1, -x)
TT_ELEMENTWISE(op_positive, 1, (x > Vec<T>{} ? one<T>() : Vec<T>{}))
TT_ELEMENTWISE(op_add, 2, x + y)
TT_ELEMENTWISE(op_sub, 2, x - y)
TT_ELEMENTWISE(op_mul, 2, (x * y))
TT_ELEMENTWISE(op_div, 2, x / y)
// a NaN on either side passes through
TT_ELEMENTWISE(op_maximum, 2, (x >= y ? x : (y == y ? (x == x ? y : x) : y)))
TT_ELEMENTWISE(op_minimum, 2, (x <= y ? x : (y == y ? (x == x ? y : x) : y)))
TT_ELEMENTWISE(op_greater, 2, (x > y ? one<T>() : Vec<T>{}))
TT_ELEMENTWISE(op_dsigmoid, 2, (x * (y * (one<T>() - y))))
TT_ELEMENTWISE(op_dtanh, 2, (x * (one<T>() - y * y)))
TT_ELEMENTWISE(op_mul_add, 3, (x * y + z))
TT_ELEMENTWISE(op_sub_mul, 3, z - x * y)
TT_ELEMENTWISE(op_mul_sub, 3, (x * y - z))
TT_ELEMENTWISE(op_mul_dsigmoid, 3, (x * y) * (z * (one<T>() - z)))
TT_ELEMENTWISE(op_mul_dtanh, 3, (x * y) * (one<T>() - z * z))

}  // namespace
}  // namespace TT_ISA
}  // namespace throughtime
