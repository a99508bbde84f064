// Products over the rows: outer products, dots and column sums. Included by kernels_isa.cpp alone.
#pragma once

#include "product_kernels.h"

namespace throughtime {
namespace TT_ISA {
namespace {

template <class T, int R, int P, int Used>
void outer_tile(Index k, const T* a, Index lda, const T* b, T* c, Index ldc, bool accumulate, int last) {
  constexpr int W = Simd<T>::width, N = P * Used;
  Vec<T> acc[R][N];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < N; ++v) acc[r][v] = Vec<T>{};
  for (Index i = 0; i < k; ++i) {
    Vec<T> bv[N];
    for (int p = 0; p < P; ++p)
      for (int v = 0; v < Used; ++v) bv[p * Used + v] = load(b + p * k * kPanel<T> + i * kPanel<T> + v * W);
    for (int r = 0; r < R; ++r) {
      const Vec<T> av = broadcast<T>(a[i * lda + r]);
      for (int v = 0; v < N; ++v) acc[r][v] += av * bv[v];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < N; ++v) {
      const int left = last - v * W;
      T* to = c + r * ldc + v * W;
      if (left >= W || P > 1)
        store(to, accumulate ? load(to) + acc[r][v] : acc[r][v]);
      else if (left > 0)
        store_first(to, accumulate ? load_first(to, left) + acc[r][v] : acc[r][v], left);
    }
}

template <class T>
using OuterTile = void (*)(Index, const T*, Index, const T*, T*, Index, bool, int);

template <class T, int R>
void outer_row(Index m0, Index n, Index k, const T* a, Index lda, const T* b, T* c, Index ldc, bool accumulate) {
  constexpr int wide = 2 * R * kVectors <= kAccumulators ? 2 : 1;
  for (Index column = 0; column < n;) {
    const Index left = n - column;
    const T* panel = b + column / kPanel<T> * k * kPanel<T>;
    if (wide == 2 && left >= 2 * kPanel<T>) {
      outer_tile<T, R, wide, kVectors>(k, a + m0, lda, panel, c + m0 * ldc + column, ldc, accumulate, kPanel<T>);
      column += 2 * kPanel<T>;
    } else {
      const int last = int(left < kPanel<T> ? left : kPanel<T>);
      const OuterTile<T> tile = last <= Simd<T>::width ? &outer_tile<T, R, 1, 1> : &outer_tile<T, R, 1, kVectors>;
      tile(k, a + m0, lda, panel, c + m0 * ldc + column, ldc, accumulate, last);
      column += kPanel<T>;
    }
  }
}

template <class T, int R>
struct OuterRows {
  static void run(Index height, Index m0, Index n, Index k, const T* a, Index lda, const T* b, T* c, Index ldc,
                  bool acc) {
    if (height == R)
      outer_row<T, R>(m0, n, k, a, lda, b, c, ldc, acc);
    else
      OuterRows<T, R - 1>::run(height, m0, n, k, a, lda, b, c, ldc, acc);
  }
};
template <class T>
struct OuterRows<T, 0> {
  static void run(Index, Index, Index, Index, const T*, Index, const T*, T*, Index, bool) {}
};

template <class T>
void outer(Index m, Index n, Index k, const T* a, Index lda, const T* b, T* c, Index ldc, bool accumulate) {
  const Index blocks = (m + kTile - 1) / kTile;
  if (!blocks) return;
  const Index base = m / blocks, extra = m % blocks;
  Index row = 0;
  for (Index block = 0; block < blocks; ++block) {
    const Index height = base + (block < extra ? 1 : 0);
    OuterRows<T, kTile>::run(height, row, n, k, a, lda, b, c, ldc, accumulate);
    row += height;
  }
}

template <class T, int N>
inline __attribute__((always_inline)) void outer_column(Index k, const T* a, Index lda, const T* b, Index ldb, T* c,
                                                        Index ldc, bool accumulate, int left) {
  constexpr int W = Simd<T>::width;
  Vec<T> acc[N] = {};
  for (Index i = 0; i < k; ++i)
    for (int v = 0; v < N; ++v)
      acc[v] += broadcast<T>(b[i * ldb]) * (left == W ? load(a + i * lda + v * W) : load_first(a + i * lda, left));
  for (int v = 0; v < N; ++v) {
    T lane[W];
    store(lane, acc[v]);
    for (int j = 0; j < left; ++j) {
      T& to = c[(v * W + j) * ldc];
      to = accumulate ? to + lane[j] : lane[j];
    }
  }
}

template <class T>
void outer_narrow(Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c, Index ldc,
                  bool accumulate) {
  constexpr int W = Simd<T>::width;
  for (Index column = 0; column < n; ++column) {
    Index j = 0;
    for (; j + 8 * W <= m; j += 8 * W)
      outer_column<T, 8>(k, a + j, lda, b + column, ldb, c + j * ldc + column, ldc, accumulate, W);
    for (; j < m; j += W)
      outer_column<T, 1>(k, a + j, lda, b + column, ldb, c + j * ldc + column, ldc, accumulate,
                         m - j < W ? int(m - j) : W);
  }
}

template <class T>
void dots(Index rows, Index n, Index k, const T* a, Index lda, const T* b, T* c, Index ldc, bool accumulate) {
  constexpr int W = Simd<T>::width;
  for (Index r = 0; r < rows; ++r)
    for (Index column = 0; column < n; ++column) {
      const T *ar = a + r * lda, *bc = b + column * k;
      Vec<T> acc[4] = {};
      Index i = 0;
      for (; i + 4 * W <= k; i += 4 * W)
        for (int v = 0; v < 4; ++v) acc[v] += load(ar + i + v * W) * load(bc + i + v * W);
      for (; i < k; i += W) {
        const int left = k - i < W ? int(k - i) : W;
        acc[0] += left == W ? load(ar + i) * load(bc + i) : load_first(ar + i, left) * load_first(bc + i, left);
      }
      T lane[W];
      store(lane, (acc[0] + acc[1]) + (acc[2] + acc[3]));
      for (int half = W / 2; half; half /= 2)
        for (int l = 0; l < half; ++l) lane[l] += lane[l + half];
      T& to = c[r * ldc + column];
      to = accumulate ? to + lane[0] : lane[0];
    }
}

// The rows' values are summed in groups of kGroup, and the groups' sums by pairs: the rounding error grows with the
// logarithm of the number of groups, not with the number of rows, also where the sum is much smaller than its parts.
template <class T, int N>
void sum_columns(Index rows, const T* a, Index lda, T* sum, int left) {
  constexpr int W = Simd<T>::width;
  constexpr Index kGroup = 8;
  Vec<T> level[40][N];  // level[l]: the sum of 2^l groups, there where bit l of `groups` is set
  std::uint64_t groups = 0;
  auto read = [&](Index i, int v) { return left == W ? load(a + i * lda + v * W) : load_first(a + i * lda, left); };
  for (Index first = 0; first < rows; first += kGroup, ++groups) {
    const Index last = first + kGroup < rows ? first + kGroup : rows;
    Vec<T> s[N] = {};
    for (Index i = first; i < last; ++i)
      for (int v = 0; v < N; ++v) s[v] += read(i, v);
    int l = 0;
    for (; groups >> l & 1; ++l)
      for (int v = 0; v < N; ++v) s[v] += level[l][v];
    for (int v = 0; v < N; ++v) level[l][v] = s[v];
  }
  for (int v = 0; v < N; ++v) {
    Vec<T> s{};
    for (int l = 0; groups >> l; ++l)
      if (groups >> l & 1) s += level[l][v];
    if (left == W)
      store(sum + v * W, load(sum + v * W) + s);
    else
      store_first(sum, load_first(sum, left) + s, left);
  }
}

template <class T>
void column_sum(Index rows, Index n, const T* a, Index lda, T* sum) {
  constexpr int W = Simd<T>::width;
  Index j = 0;
  for (; j + 4 * W <= n; j += 4 * W) sum_columns<T, 4>(rows, a + j, lda, sum + j, W);
  for (; j < n; j += W) sum_columns<T, 1>(rows, a + j, lda, sum + j, n - j < W ? int(n - j) : W);
}

}  // namespace
}  // namespace TT_ISA
}  // namespace throughtime
