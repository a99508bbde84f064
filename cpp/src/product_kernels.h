// Products with packed matrices, and packing. Included by kernels_isa.cpp alone.
#pragma once

#include <utility>

#include "simd.h"
#include "throughtime/kernels.h"

namespace throughtime {
namespace TT_ISA {
namespace {

constexpr int kVectors = 2;                      // vectors side by side in a panel
constexpr int kTile = kAccumulators / kVectors;  // rows of the largest register tile
template <class T>
constexpr int kPanel = kVectors * Simd<T>::width;

// panels worked on at once by a tile of R rows: few rows need more columns to keep the multiply-add units busy
constexpr int panels_for(int rows) {
  return 4 * rows * kVectors <= kAccumulators && rows <= 2 ? 4 : 2 * rows * kVectors <= kAccumulators ? 2 : 1;
}

// Used: vectors of each panel that hold columns; less than kVectors only for a last panel that is half empty.
template <class T, int R, int P, int Used>
inline __attribute__((always_inline)) void micro(const Segment<T>* segments, int count, Index row, Index panel,
                                                 Start start, const T* bias, T* c, Index ldc, int last) {
  constexpr int W = Simd<T>::width, N = P * Used;
  Vec<T> acc[R][N];
  const bool partial = last < kPanel<T>;  // only ever with P == 1
  if (start == Start::zero) {
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < N; ++v) acc[r][v] = Vec<T>{};
  } else {
    const T* from = start == Start::bias ? bias : c;
    const Index stride = start == Start::bias ? 0 : ldc;
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < N; ++v) {
        const int left = last - v * W;
        if (!partial || left >= W)
          acc[r][v] = load(from + r * stride + v * W);
        else
          acc[r][v] = left > 0 ? load_first(from + r * stride + v * W, left) : Vec<T>{};
      }
  }
  for (int s = 0; s < count; ++s) {
    const Segment<T>& g = segments[s];
    const Index k = g.k, lda = g.lda;
    const T* a = g.a + row * lda;
    const T* b = g.b + panel * k * kPanel<T>;
    for (Index i = 0; i < k; ++i) {
      Vec<T> bv[N];
      for (int p = 0; p < P; ++p)
        for (int v = 0; v < Used; ++v) bv[p * Used + v] = load(b + p * k * kPanel<T> + i * kPanel<T> + v * W);
      for (int r = 0; r < R; ++r) {
        const Vec<T> av = broadcast<T>(a[r * lda + i]);
        for (int v = 0; v < N; ++v) acc[r][v] += av * bv[v];
      }
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < N; ++v) {
      const int left = last - v * W;
      if (!partial || left >= W)
        store(c + r * ldc + v * W, acc[r][v]);
      else if (left > 0)
        store_first(c + r * ldc + v * W, acc[r][v], left);
    }
}

template <class T, int R, int P, int Used>
void tile(const Segment<T>* segments, int count, Index row, Index panel, Start start, const T* bias, T* c, Index ldc,
          int last) {
  micro<T, R, P, Used>(segments, count, row, panel, start, bias, c, ldc, last);
}

template <class T>
using Tile = void (*)(const Segment<T>*, int, Index, Index, Start, const T*, T*, Index, int);

template <class T, int R, int P, int Used = kVectors>
constexpr Tile<T> tile_or_null() {
  if constexpr (R >= 1 && R <= kTile && R * P * kVectors <= kAccumulators)
    return &tile<T, R, P, Used>;
  else
    return nullptr;
}

template <class T>
struct Tiles {
  Tile<T> at[13][4];  // rows; panels 1 2 4, or half a panel
};

template <class T, int R>
constexpr void fill(Tiles<T>& t) {
  t.at[R][0] = tile_or_null<T, R, 1>();
  t.at[R][1] = tile_or_null<T, R, 2>();
  t.at[R][2] = tile_or_null<T, R, 4>();
  t.at[R][3] = tile_or_null<T, R, 1, 1>();
}

template <class T>
constexpr Tiles<T> make_tiles() {
  Tiles<T> t{};
  fill<T, 1>(t), fill<T, 2>(t), fill<T, 3>(t), fill<T, 4>(t), fill<T, 5>(t), fill<T, 6>(t);
  fill<T, 7>(t), fill<T, 8>(t), fill<T, 9>(t), fill<T, 10>(t), fill<T, 11>(t), fill<T, 12>(t);
  return t;
}

template <class T>
void product(Index rows, Index n, const Segment<T>* segments, int count, Start start, const T* bias, T* c, Index ldc) {
  static constexpr Tiles<T> tiles = make_tiles<T>();
  if (rows <= 0 || n <= 0) return;
  const Index blocks = (rows + kTile - 1) / kTile;  // tiles of nearly equal height: none runs nearly empty
  const Index base = rows / blocks, extra = rows % blocks;
  const int width = panels_for(int(base + (extra ? 1 : 0)));
  const Index panels = (n + kPanel<T> - 1) / kPanel<T>;
  for (Index panel = 0; panel < panels;) {
    const Index left = n - panel * kPanel<T>;
    int p = width;
    while (p > 1 && left < p * kPanel<T>) p /= 2;
    const int last = p > 1 || left >= kPanel<T> ? kPanel<T> : int(left);
    const int which = p == 4 ? 2 : p == 2 ? 1 : last <= Simd<T>::width ? 3 : 0;
    Index row = 0;
    for (Index block = 0; block < blocks; ++block) {
      const Index height = base + (block < extra ? 1 : 0);
      tiles.at[height][which](segments, count, row, panel, start, bias ? bias + panel * kPanel<T> : nullptr,
                              c + row * ldc + panel * kPanel<T>, ldc, last);
      row += height;
    }
    panel += p;
  }
}

// Lanes l of two vectors, exchanged where l has bit D: rows l and l + D of a block become its columns, bit by bit.
template <class T, int D, int... L>
inline __attribute__((always_inline)) void exchange(Vec<T>& a, Vec<T>& b, std::integer_sequence<int, L...>) {
  constexpr int W = Simd<T>::width;
  const Vec<T> x = shuffled<T, (L & D ? W + L - D : L)...>(a, b), y = shuffled<T, (L & D ? W + L : L + D)...>(a, b);
  a = x, b = y;
}

// A block of W x W elements: row r of the result is column r.
template <class T, int D = Simd<T>::width / 2>
inline __attribute__((always_inline)) void transpose(Vec<T>* rows) {
  constexpr int W = Simd<T>::width;
  for (int r = 0; r < W; ++r)
    if (!(r & D)) exchange<T, D>(rows[r], rows[r + D], std::make_integer_sequence<int, W>());
  if constexpr (D > 1) transpose<T, D / 2>(rows);
}

// One column of the packed matrix after the other; W at a time where they fill a vector.
template <class T>
void pack(const T* w, Index ldw, Index n, Index k, T* packed, Index column) {
  constexpr Index P = kPanel<T>, W = Simd<T>::width;
  for (Index j = 0; j < n;) {
    const Index at = column + j;
    T* to = packed + (at / P) * k * P + at % P;
    const T* from = w + j * ldw;
    Index i = 0;
    const bool whole = at % W == 0 && n - j >= W;
    for (; whole && i + W <= k; i += W) {
      Vec<T> rows[W];
      for (Index r = 0; r < W; ++r) rows[r] = load(from + r * ldw + i);
      transpose<T>(rows);
      for (Index r = 0; r < W; ++r) store(to + (i + r) * P, rows[r]);
    }
    const Index columns = whole ? W : 1;
    for (; i < k; ++i)
      for (Index c = 0; c < columns; ++c) to[i * P + c] = from[c * ldw + i];
    j += columns;
  }
}

template <class T>
void pack_transposed(const T* w, Index ldw, Index depth, Index n, T* packed, Index first, Index k) {
  constexpr Index P = kPanel<T>;
  for (Index panel = 0; panel * P < n; ++panel) {
    const Index left = n - panel * P < P ? n - panel * P : P;
    T* to = packed + panel * k * P + first * P;
    const T* from = w + panel * P;
    for (Index d = 0; d < depth; ++d, to += P, from += ldw) {
      if (left == P) {
        for (Index j = 0; j < P; j += Simd<T>::width) store(to + j, load(from + j));
      } else {
        for (Index j = 0; j < left; ++j) to[j] = from[j];
        for (Index j = left; j < P; ++j) to[j] = 0;
      }
    }
  }
}

}  // namespace
}  // namespace TT_ISA
}  // namespace throughtime
