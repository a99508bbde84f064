// The kernels for one instruction set; built once per set with TT_ISA naming it (see CMakeLists.txt).
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
  const typename Simd<T>::I low = {typename Simd<T>::Int(L & D ? W + L - D : L)...};
  const typename Simd<T>::I high = {typename Simd<T>::Int(L & D ? W + L : L + D)...};
  const Vec<T> x = __builtin_shuffle(a, b, low), y = __builtin_shuffle(a, b, high);
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

template <class T, int Sources, class F>
inline __attribute__((always_inline)) void apply(F f, T* d, Index ds, const T* a, Index as, const T* b, Index bs,
                                                 const T* c, Index cs, Index rows, Index columns) {
  constexpr int W = Simd<T>::width;
  const Index whole = columns - columns % W;
  const int left = int(columns - whole);
  const Vec<T> none{};
  for (Index r = 0; r < rows; ++r) {
    T* dr = d + r * ds;
    const T* ar = a + r * as;
    const T* br = Sources > 1 ? b + r * bs : nullptr;
    const T* cr = Sources > 2 ? c + r * cs : nullptr;
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
        d, ds, a, as, b, bs, c, cs, rows, columns);                                                       \
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
  const typename Simd<T>::I other = {typename Simd<T>::Int(L ^ D)...};
  v += __builtin_shuffle(v, other);
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

template <class T>
T multiply_adds(Index rounds) {
  volatile T factor = T(0.5), term = T(1);  // unknown to the compiler, and the values stay near 2
  const Vec<T> a = broadcast<T>(factor), b = broadcast<T>(term);
  Vec<T> acc[kAccumulators];
  for (int i = 0; i < kAccumulators; ++i) acc[i] = broadcast<T>(T(i));
  for (Index r = 0; r < rounds; ++r)
#pragma GCC unroll 32
    for (int i = 0; i < kAccumulators; ++i) acc[i] = acc[i] * a + b;
  T sum = 0;
  for (int i = 0; i < kAccumulators; ++i) sum += acc[i][0];
  return sum;
}

template <class T>
constexpr Kernels<T> table(const char* name) {
  return {name,
          kPanel<T>,
          kTile,
          &product<T>,
          &pack<T>,
          &pack_transposed<T>,
          &outer<T>,
          &outer_narrow<T>,
          &dots<T>,
          &column_sum<T>,
          {&op_copy<T>,  &op_sigmoid<T>,   &op_tanh<T>,      &op_relu<T>,     &op_exp<T>,          &op_log<T>,
           &op_sqrt<T>,  &op_softplus<T>,  &op_neg<T>,       &op_positive<T>, &op_add<T>,          &op_sub<T>,
           &op_mul<T>,   &op_div<T>,       &op_maximum<T>,   &op_minimum<T>,  &op_greater<T>,      &op_dsigmoid<T>,
           &op_dtanh<T>, &op_mul_add<T>,   &op_sub_mul<T>,   &op_mul_sub<T>,  &op_mul_dsigmoid<T>, &op_mul_dtanh<T>,
           &op_mean<T>,  &op_normalize<T>, &op_dnormalize<T>},
          &multiply_adds<T>,
          kAccumulators * Simd<T>::width};
}

#define TT_STRING_(x) #x
#define TT_STRING(x) TT_STRING_(x)
}  // namespace

extern const Kernels<float> kernels_float;
extern const Kernels<double> kernels_double;
const Kernels<float> kernels_float = table<float>(TT_STRING(TT_ISA));
const Kernels<double> kernels_double = table<double>(TT_STRING(TT_ISA));

}  // namespace TT_ISA
}  // namespace throughtime
