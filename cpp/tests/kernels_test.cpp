// Every kernel of every instruction set this processor has, against loops that can be read.
#include "throughtime/kernels.h"

#include <algorithm>

#include "run_case.h"

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

namespace test {
namespace {

template <class T>
std::vector<const Kernels<T>*> tables() {
  constexpr bool narrow = sizeof(T) == 4;
  std::vector<const Kernels<T>*> all;
  const auto add = [&](const Kernels<float>& f, const Kernels<double>& d) {
    if constexpr (narrow)
      all.push_back(&f), (void)d;
    else
      all.push_back(&d), (void)f;
  };
  add(base::kernels_float, base::kernels_double);
#ifdef TT_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add(avx2::kernels_float, avx2::kernels_double);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    add(avx512::kernels_float, avx512::kernels_double);
#endif
  return all;
}

template <class T>
constexpr double kTolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;

template <class T>
struct Matrix {
  Index rows, columns, stride;
  Exact<T> values;
  Matrix(Index r, Index c, Index gap, Random& random)
      : rows(r), columns(c), stride(c + gap), values(r ? (r - 1) * (c + gap) + c : 0) {
    for (Index i = 0; i < r; ++i)
      for (Index j = 0; j < c; ++j) at(i, j) = T(random());
  }
  T& at(Index i, Index j) const { return values[i * stride + j]; }
  T* data() const { return values.data(); }
};

template <class T>
Exact<T> packed(const Kernels<T>& k, Index columns, Index depth) {
  return Exact<T>((columns + k.panel - 1) / k.panel * k.panel * depth);
}

// Rows of w become columns.
template <class T>
Exact<T> pack_rows(const Kernels<T>& k, const Matrix<T>& w) {
  Exact<T> to = packed(k, w.rows, w.columns);
  const Index first = w.rows / k.panel * k.panel;
  if (first < w.rows) std::fill(to.data() + first * w.columns, to.end(), T(0));
  const Index cut = w.rows / 3;  // in two pieces, as a stack of parameters comes
  k.pack(w.data(), w.stride, cut, w.columns, to.data(), 0);
  k.pack(w.data() + cut * w.stride, w.stride, w.rows - cut, w.columns, to.data(), cut);
  return to;
}

template <class T>
Exact<T> pack_as_is(const Kernels<T>& k, const Matrix<T>& w) {
  Exact<T> to = packed(k, w.columns, w.rows);
  const Index cut = w.rows / 3;
  k.pack_transposed(w.data(), w.stride, cut, w.columns, to.data(), 0, w.rows);
  k.pack_transposed(w.data() + cut * w.stride, w.stride, w.rows - cut, w.columns, to.data(), cut, w.rows);
  return to;
}

template <class T>
std::vector<Index> sizes(const Kernels<T>& k) {
  const Index p = k.panel;
  return {1, 2, 3, p / 2 - 1, p / 2, p / 2 + 1, p - 1, p, p + 1, 2 * p + 1, 4 * p, 5 * p + p / 2 + 1};
}

template <class T>
void packing(const Kernels<T>& k) {
  Random random(7);
  for (Index n : sizes(k))
    for (Index depth : {1, 5, 17}) {
      const Matrix<T> by_rows(n, depth, 3, random), as_is(depth, n, 2, random);
      const Exact<T> a = pack_rows(k, by_rows), b = pack_as_is(k, as_is);
      for (Index j = 0; j < a.size / depth; ++j)
        for (Index i = 0; i < depth; ++i) {
          const Index at = j / k.panel * k.panel * depth + i * k.panel + j % k.panel;
          CHECK(a[at] == (j < n ? by_rows.at(j, i) : T(0)));
          CHECK(b[at] == (j < n ? as_is.at(i, j) : T(0)));
        }
    }
}

template <class T>
void products(const Kernels<T>& k) {
  Random random(3);
  for (Index n : sizes(k))
    for (Index rows : std::vector<Index>{1, 2, 3, k.tile - 1, k.tile, k.tile + 1, 2 * k.tile + 3})
      for (Index gap : {0, 5}) {
        const Index depths[] = {1, 7};
        const Matrix<T> a(rows, depths[0], gap, random), b(rows, depths[1], gap, random);
        const Matrix<T> u(n, depths[0], gap, random), v(depths[1], n, gap, random), bias(1, n, 0, random);
        const Exact<T> up = pack_rows(k, u), vp = pack_as_is(k, v);
        const Segment<T> segments[] = {{a.data(), a.stride, up.data(), depths[0]},
                                       {b.data(), b.stride, vp.data(), depths[1]}};
        for (int count : {0, 1, 2})
          for (Start start : {Start::bias, Start::accumulate, Start::zero}) {
            const Matrix<T> c(rows, n, gap, random);
            Exact<T> before(c.values.size);
            std::copy(c.values.begin(), c.values.end(), before.begin());
            const T* added = start == Start::bias ? bias.data() : nullptr;
            k.product(rows, n, segments, count, start, added, c.data(), c.stride);
            for (Index r = 0; r < rows; ++r)
              for (Index j = 0; j < n; ++j) {
                double sum = start == Start::bias ? bias.at(0, j) : start == Start::zero ? 0 : before[r * c.stride + j];
                for (Index i = 0; count > 0 && i < depths[0]; ++i) sum += double(a.at(r, i)) * u.at(j, i);
                for (Index i = 0; count > 1 && i < depths[1]; ++i) sum += double(b.at(r, i)) * v.at(i, j);
                CHECK_SAY(near(c.at(r, j), sum, kTolerance<T>), text(c.at(r, j)) + " and " + text(sum));
              }
            for (Index r = 0; r < rows; ++r) {  // one row by itself: the same bits
              const Matrix<T> alone(1, n, 0, random);
              if (start == Start::accumulate) std::copy_n(before.data() + r * c.stride, n, alone.data());
              Segment<T> own[] = {segments[0], segments[1]};
              own[0].a += r * a.stride, own[1].a += r * b.stride;
              k.product(1, n, own, count, start, added, alone.data(), n);
              CHECK(std::equal(alone.data(), alone.data() + n, &c.at(r, 0)));
            }
            for (Index r = 0; r + 1 < rows; ++r)  // between the rows nothing was written
              for (Index j = n; j < c.stride; ++j) CHECK(std::isnan(c.values[r * c.stride + j]));
          }
      }
}

template <class T>
void outers(const Kernels<T>& k) {
  Random random(4);
  for (Index n : sizes(k))
    for (Index m : {Index(1), Index(k.tile - 1), Index(k.tile + 1), Index(2 * k.tile + 5)})
      for (Index depth : {1, 9}) {
        const Matrix<T> a(depth, m, 3, random), b(depth, n, 1, random), c(m, n, 2, random);
        const Exact<T> bp = pack_as_is(k, b);
        std::vector<double> expected(std::size_t(m * n), 0.0);
        for (bool accumulate : {false, true}) {
          k.outer(m, n, depth, a.data(), a.stride, bp.data(), c.data(), c.stride, accumulate);
          for (Index r = 0; r < m; ++r)
            for (Index j = 0; j < n; ++j) {
              double& sum = expected[std::size_t(r * n + j)];
              for (Index i = 0; i < depth; ++i) sum += double(a.at(i, r)) * b.at(i, j);
              CHECK_SAY(near(c.at(r, j), sum, kTolerance<T>), text(c.at(r, j)) + " and " + text(sum));
            }
        }
      }
}

template <class T>
void narrow(const Kernels<T>& k) {
  Random random(5);
  for (Index n = 1; n <= kNarrow; ++n)
    for (Index m : {1, 3, k.panel, k.panel + 1, 5 * k.panel + 3})
      for (Index depth : {1, 9}) {
        const Matrix<T> a(depth, m, 3, random), b(depth, n, 1, random), c(m, n, 2, random);
        const Matrix<T> columns(n, m, 0, random), d(depth, n, 2, random);
        std::vector<double> outer(std::size_t(m * n), 0.0), dots(std::size_t(depth * n), 0.0);
        for (bool accumulate : {false, true}) {
          k.outer_narrow(m, n, depth, a.data(), a.stride, b.data(), b.stride, c.data(), c.stride, accumulate);
          k.dots(depth, n, m, a.data(), a.stride, columns.data(), d.data(), d.stride, accumulate);
          for (Index j = 0; j < n; ++j) {
            for (Index r = 0; r < m; ++r) {
              double& sum = outer[std::size_t(r * n + j)];
              for (Index i = 0; i < depth; ++i) sum += double(a.at(i, r)) * b.at(i, j);
              CHECK_SAY(near(c.at(r, j), sum, kTolerance<T>), text(c.at(r, j)) + " and " + text(sum));
            }
            for (Index i = 0; i < depth; ++i) {
              double& sum = dots[std::size_t(i * n + j)];
              for (Index r = 0; r < m; ++r) sum += double(a.at(i, r)) * columns.at(j, r);
              CHECK_SAY(near(d.at(i, j), sum, 4 * kTolerance<T>), text(d.at(i, j)) + " and " + text(sum));
            }
          }
        }
      }
}

template <class T>
void column_sums(const Kernels<T>& k) {
  Random random(5);
  for (Index n : sizes(k))
    for (Index rows : {0, 1, 7, 8, 9, 16, 17, 100}) {
      const Matrix<T> a(rows, n, 4, random), sum(1, n, 0, random);
      std::vector<double> expected(sum.data(), sum.data() + n);
      k.column_sum(rows, n, a.data(), a.stride, sum.data());
      for (Index j = 0; j < n; ++j) {
        for (Index i = 0; i < rows; ++i) expected[std::size_t(j)] += a.at(i, j);
        CHECK(near(sum.at(0, j), expected[std::size_t(j)], kTolerance<T>));
      }
    }
}

double naive(int operation, double x, double y, double z) {
  switch (operation) {
    case 0: return x;
    case 1: return 1 / (1 + std::exp(-x));
    case 2: return std::tanh(x);
    case 3: return x < 0 ? 0 : x;
    case 4: return std::exp(x);
    case 5: return std::log(x);
    case 6: return std::sqrt(x);
    case 7: return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x)));
    case 8: return -x;
    case 9: return x > 0;
    case 10: return x + y;
    case 11: return x - y;
    case 12: return x * y;
    case 13: return x / y;
    case 14: return std::isnan(x) || std::isnan(y) ? NAN : std::max(x, y);
    case 15: return std::isnan(x) || std::isnan(y) ? NAN : std::min(x, y);
    case 16: return x > y;
    case 17: return x * y * (1 - y);
    case 18: return x * (1 - y * y);
    case 19: return x * y + z;
    case 20: return z - x * y;
    case 21: return x * y - z;
    case 22: return x * y * z * (1 - z);
    default: return x * y * (1 - z * z);
  }
}

int sources_of(int operation) { return operation < kAdd ? 1 : operation < 19 ? 2 : 3; }

template <class T>
void elementwise(const Kernels<T>& k) {
  Random random(6);
  const T special[] = {T(0), T(-0.0), T(1), T(-1), T(INFINITY), T(-INFINITY), T(NAN), T(30), T(-30)};
  for (int operation = 0; operation < kMean; ++operation)
    for (Index n : sizes(k))
      for (Index rows : {1, 3})
        for (int mode : {0, 1, 2}) {  // apart; repeated sources (row stride 0); the target is the first source
          const int sources = sources_of(operation);
          std::vector<Matrix<T>> s;
          s.reserve(3);
          for (int i = 0; i < 3; ++i) s.emplace_back(mode == 1 ? 1 : rows, n, mode == 1 ? 0 : i, random);
          if (mode == 0)
            for (Index j = 0; j < n; ++j)
              s[0].at(0, j) = special[j % 9], s[1].at(rows - 1, j) = special[(j * 5 + 2) % 9];
          const Matrix<T> apart(rows, n, 2, random);
          std::vector<double> expected;
          for (Index r = 0; r < rows; ++r)
            for (Index j = 0; j < n; ++j) {
              const Index row = mode == 1 ? 0 : r;
              expected.push_back(naive(operation, s[0].at(row, j), s[1].at(row, j), s[2].at(row, j)));
            }
          const Matrix<T>& d = mode == 2 ? s[0] : apart;
          const auto stride = [&](int i) { return mode == 1 ? Index(0) : s[std::size_t(i)].stride; };
          k.elementwise[operation](d.data(), d.stride, s[0].data(), stride(0), sources > 1 ? s[1].data() : nullptr,
                                   sources > 1 ? stride(1) : 0, sources > 2 ? s[2].data() : nullptr,
                                   sources > 2 ? stride(2) : 0, rows, n);
          for (Index r = 0; r < rows; ++r)
            for (Index j = 0; j < n; ++j) {
              const double wanted = expected[std::size_t(r * n + j)], got = d.at(r, j);
              const bool same = std::isnan(wanted) ? std::isnan(got) : near(got, wanted, kTolerance<T>);
              CHECK_SAY(same, "operation " + text(operation) + ": " + text(got) + " and " + text(wanted));
            }
        }
}

template <class T>
void row_mean(const Kernels<T>& k) {
  Random random(9);
  for (Index n : sizes(k))
    for (bool in_place : {false, true}) {
      const Matrix<T> a(3, n, 1, random), apart(3, n, 2, random);
      const Matrix<T>& d = in_place ? a : apart;
      double wanted[3] = {};
      for (Index r = 0; r < 3; ++r)
        for (Index j = 0; j < n; ++j) wanted[r] += double(a.at(r, j)) / double(n);
      k.elementwise[kMean](d.data(), d.stride, a.data(), a.stride, nullptr, 0, nullptr, 0, 3, n);
      for (Index r = 0; r < 3; ++r)
        for (Index j = 0; j < n; ++j) CHECK_SAY(near(d.at(r, j), wanted[r], kTolerance<T>), "mean of row " + text(r));
    }
}

// The mean and the scale of a row, and from them the value at one column: element (column) of J^T g written out.
template <class T>
void row_normalize(const Kernels<T>& k) {
  Random random(10);
  for (Index n : sizes(k))
    for (int mode : {0, 1, 2}) {  // apart; in place of the first source; of the second
      const Matrix<T> g(3, n, 2, random), a(3, n, 1, random), apart(3, n, 2, random), norm(3, n, 1, random);
      std::vector<double> y, dx;
      for (Index r = 0; r < 3; ++r) {
        double mean = 0, variance = 0;
        for (Index j = 0; j < n; ++j) mean += double(a.at(r, j)) / double(n);
        for (Index j = 0; j < n; ++j) variance += (a.at(r, j) - mean) * (a.at(r, j) - mean) / double(n);
        const double s = 1 / std::sqrt(variance + 1e-5);
        for (Index j = 0; j < n; ++j) {
          y.push_back((a.at(r, j) - mean) * s);
          double sum = 0;  // over i: g_i dy_i/da_j
          for (Index i = 0; i < n; ++i)
            sum += g.at(r, i) *
                   (s * ((i == j) - 1 / double(n)) - (a.at(r, i) - mean) * s * s * s * (a.at(r, j) - mean) / double(n));
          dx.push_back(sum);
        }
      }
      k.elementwise[kNormalize](norm.data(), norm.stride, a.data(), a.stride, nullptr, 0, nullptr, 0, 3, n);
      const Matrix<T>& d = mode == 0 ? apart : mode == 1 ? g : a;
      k.elementwise[kDNormalize](d.data(), d.stride, g.data(), g.stride, a.data(), a.stride, nullptr, 0, 3, n);
      for (Index r = 0; r < 3; ++r)
        for (Index j = 0; j < n; ++j) {
          const std::size_t at = std::size_t(r * n + j);
          CHECK_SAY(near(norm.at(r, j), y[at], 10 * kTolerance<T>), text(norm.at(r, j)) + " and " + text(y[at]));
          CHECK_SAY(near(d.at(r, j), dx[at], 100 * kTolerance<T>), text(d.at(r, j)) + " and " + text(dx[at]));
        }
    }
}

template <class T, class F>
void each(F f) {
  for (const Kernels<T>* k : tables<T>()) try {
      f(*k);
    } catch (const Failure& failure) {
      throw Failure(std::string(k->name) + (sizeof(T) == 4 ? " float: " : " double: ") + failure.what());
    }
}

#define ON_EVERY_LEVEL(function)                          \
  TEST(kernels_##function) {                              \
    const auto call = [](const auto& k) { function(k); }; \
    each<float>(call), each<double>(call);                \
  }
ON_EVERY_LEVEL(packing)
ON_EVERY_LEVEL(products)
ON_EVERY_LEVEL(outers)
ON_EVERY_LEVEL(narrow)
ON_EVERY_LEVEL(column_sums)
ON_EVERY_LEVEL(row_mean)
ON_EVERY_LEVEL(row_normalize)
ON_EVERY_LEVEL(elementwise)

TEST(kernels_of_the_level_asked_for) {
  const char* wish = std::getenv("THROUGHTIME_ISA");
  const auto all = tables<float>();
  std::string expected = all.back()->name;
  for (const auto* k : all)
    if (wish && k->name == std::string(wish)) expected = wish;
  CHECK_SAY(kernels<float>().name == expected, kernels<float>().name);
  CHECK(kernels<double>().name == expected);
}

}  // namespace
}  // namespace test
}  // namespace throughtime
