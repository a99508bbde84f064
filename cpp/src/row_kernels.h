// Operations over whole rows: means and normalization. Included by kernels_isa.cpp alone.
#pragma once

#include <utility>

#include "elementwise_kernels.h"

namespace throughtime {
namespace TT_ISA {
namespace {

// f over a row, the last vector's unused lanes 0 in what f reads.
template <class T, class F>
inline __attribute__((always_inline)) void over_row(Index columns, F f) {
  constexpr int W = Simd<T>::width;
  const Index whole = columns - columns % W;
  for (Index j = 0; j < whole; j += W) f(j, W);
  if (whole < columns) f(whole, int(columns - whole));
}

template <class T>
inline __attribute__((always_inline)) Vec<T> load_some(const T* p, int n) {
  return n == Simd<T>::width ? load(p) : load_first(p, n);
}

template <class T>
inline __attribute__((always_inline)) void store_some(T* p, Vec<T> v, int n) {
  if (n == Simd<T>::width)
    store(p, v);
  else
    store_first(p, v, n);
}

// The first n lanes, the others 0.
template <class T, int... L>
inline __attribute__((always_inline)) Vec<T> keep_lanes(Vec<T> v, int n, std::integer_sequence<int, L...>) {
  const typename Simd<T>::I lane = {typename Simd<T>::Int(L)...};
  return lane < typename Simd<T>::Int(n) ? v : Vec<T>{};
}

template <class T>
inline __attribute__((always_inline)) Vec<T> keep_first(Vec<T> v, int n) {
  return n == Simd<T>::width ? v : keep_lanes<T>(v, n, std::make_integer_sequence<int, Simd<T>::width>());
}

// All lanes the sum of all lanes, by halves: one fixed order for every row.
template <class T, int D, int... L>
inline __attribute__((always_inline)) Vec<T> add_lanes(Vec<T> v, std::integer_sequence<int, L...> all) {
  v += shuffled<T, (L ^ D)...>(v, v);
  if constexpr (D > 1) v = add_lanes<T, D / 2>(v, all);
  return v;
}

template <class T>
inline __attribute__((always_inline)) Vec<T> mean_of(Vec<T> sum, Index columns) {
  constexpr int W = Simd<T>::width;
  return add_lanes<T, W / 2>(sum, std::make_integer_sequence<int, W>()) / broadcast<T>(T(columns));
}

// Sums over a row wait for each other: the work on R rows is interleaved.
constexpr int kRowsAtOnce = 4;

template <class F, class G>
inline __attribute__((always_inline)) void by_rows(Index rows, F several, G one) {
  Index r = 0;
  for (; r + kRowsAtOnce <= rows; r += kRowsAtOnce) several(r);
  for (; r < rows; ++r) one(r);
}

template <class T, int R>
inline __attribute__((always_inline)) void row_means(const T* a, Index as, Index columns, Vec<T>* mean) {
  for (int r = 0; r < R; ++r) mean[r] = Vec<T>{};
  over_row<T>(columns, [&](Index j, int n) {
    for (int r = 0; r < R; ++r) mean[r] += load_some(a + r * as + j, n);
  });
  for (int r = 0; r < R; ++r) mean[r] = mean_of<T>(mean[r], columns);
}

// 1 / the rows' deviations
template <class T, int R>
inline __attribute__((always_inline)) void row_scales(const T* a, Index as, Index columns, const Vec<T>* mean,
                                                      Vec<T>* scale) {
  for (int r = 0; r < R; ++r) scale[r] = Vec<T>{};
  over_row<T>(columns, [&](Index j, int n) {
    for (int r = 0; r < R; ++r) {
      const Vec<T> distance = keep_first<T>(load_some(a + r * as + j, n) - mean[r], n);
      scale[r] += distance * distance;
    }
  });
  for (int r = 0; r < R; ++r)
    scale[r] = broadcast<T>(T(1) / scalar_sqrt((mean_of<T>(scale[r], columns) + broadcast<T>(T(1e-5)))[0]));
}

template <class T>
void op_mean(T* d, Index ds, const T* a, Index as, const T*, Index, const T*, Index, Index rows, Index columns) {
  for (Index r = 0; r < rows; ++r) {
    Vec<T> mean;
    row_means<T, 1>(a + r * as, as, columns, &mean);
    over_row<T>(columns, [&](Index j, int n) { store_some(d + r * ds + j, mean, n); });
  }
}

template <class T, int R>
inline __attribute__((always_inline)) void normalize_rows(T* d, Index ds, const T* a, Index as, Index columns) {
  Vec<T> mean[R], scale[R];
  row_means<T, R>(a, as, columns, mean);
  row_scales<T, R>(a, as, columns, mean, scale);
  over_row<T>(columns, [&](Index j, int n) {
    for (int r = 0; r < R; ++r) store_some(d + r * ds + j, (load_some(a + r * as + j, n) - mean[r]) * scale[r], n);
  });
}

template <class T>
void op_normalize(T* d, Index ds, const T* a, Index as, const T*, Index, const T*, Index, Index rows, Index columns) {
  by_rows(
      rows, [&](Index r) { normalize_rows<T, kRowsAtOnce>(d + r * ds, ds, a + r * as, as, columns); },
      [&](Index r) { normalize_rows<T, 1>(d + r * ds, ds, a + r * as, as, columns); });
}

// With y = normalize(a): scale * (g - mean(g) - y * mean(g * y)).
template <class T, int R>
inline __attribute__((always_inline)) void dnormalize_rows(T* d, Index ds, const T* g, Index gs, const T* a, Index as,
                                                           Index columns) {
  Vec<T> mean[R], scale[R], mean_g[R], along[R];
  row_means<T, R>(a, as, columns, mean);
  row_scales<T, R>(a, as, columns, mean, scale);
  row_means<T, R>(g, gs, columns, mean_g);
  for (int r = 0; r < R; ++r) along[r] = Vec<T>{};
  over_row<T>(columns, [&](Index j, int n) {
    for (int r = 0; r < R; ++r)
      along[r] += load_some(g + r * gs + j, n) * ((load_some(a + r * as + j, n) - mean[r]) * scale[r]);
  });
  for (int r = 0; r < R; ++r) along[r] = mean_of<T>(along[r], columns);
  over_row<T>(columns, [&](Index j, int n) {
    for (int r = 0; r < R; ++r) {
      const Vec<T> y = (load_some(a + r * as + j, n) - mean[r]) * scale[r];
      store_some(d + r * ds + j, scale[r] * ((load_some(g + r * gs + j, n) - mean_g[r]) - y * along[r]), n);
    }
  });
}

template <class T>
void op_dnormalize(T* d, Index ds, const T* g, Index gs, const T* a, Index as, const T*, Index, Index rows,
                   Index columns) {
  by_rows(
      rows, [&](Index r) { dnormalize_rows<T, kRowsAtOnce>(d + r * ds, ds, g + r * gs, gs, a + r * as, as, columns); },
      [&](Index r) { dnormalize_rows<T, 1>(d + r * ds, ds, g + r * gs, gs, a + r * as, as, columns); });
}

}  // namespace
}  // namespace TT_ISA
}  // namespace throughtime
