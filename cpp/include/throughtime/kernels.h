// The numerical kernels, one table per instruction set and element type.
//
// Every product element is one chain of multiply-adds over k = 0, 1, 2, ... from its start value, whatever the number
// of rows, columns or threads: a row's result never depends on its company. Kernels do not allocate and do not throw.
#pragma once

#include <cstdint>

namespace throughtime {

using Index = std::int64_t;

enum class Start : int { bias = 0, accumulate = 1, zero = 2 };

// One term of a product: rows of A times a packed matrix. A is (rows, k) with row stride lda, read only.
// b is packed by Kernels::pack or pack_transposed: panels of `panel` columns, each (k, panel), the last one filled up.
template <class T>
struct Segment {
  const T* a;
  Index lda;
  const T* b;
  Index k;
};

// Elementwise operation over (rows, columns): d and the sources may be the same memory, but not overlap otherwise.
// Row strides in elements; 0 repeats a row. Unused sources are null.
template <class T>
using Elementwise = void (*)(T* d, Index ds, const T* a, Index as, const T* b, Index bs, const T* c, Index cs,
                             Index rows, Index columns);

constexpr int kOperations = 27;  // as in recurrence/program.py
constexpr int kMean = 24;        // every column the mean of its row; from here on rows must be whole
constexpr int kNormalize = 25;   // (a - mean(a)) / sqrt(mean((a - mean(a))^2) + 1e-5)
constexpr int kDNormalize = 26;  // from the adjoint of that and a, the adjoint of a
constexpr int kAdd = 10;
constexpr int kNarrow = 2;  // columns up to which outer_narrow and dots are the faster ones

template <class T>
struct Kernels {
  const char* name;
  int panel;  // columns of a packed panel
  int tile;   // most rows of a register tile
  // C (rows, n), row stride ldc, = start + sum of segments. bias: n values, read where start is bias.
  void (*product)(Index rows, Index n, const Segment<T>* segments, int count, Start start, const T* bias, T* c,
                  Index ldc);
  // Panels from `n` rows of w (row stride ldw, k values each), written at columns [column, column + n) of the packed
  // matrix whose panels are k deep.
  void (*pack)(const T* w, Index ldw, Index n, Index k, T* packed, Index column);
  // Panels from `depth` rows of w (row stride ldw, n values each) at depths [first, first + depth) of a packed matrix
  // n columns wide and k deep.
  void (*pack_transposed)(const T* w, Index ldw, Index depth, Index n, T* packed, Index first, Index k);
  // C (m, n), row stride ldc, (+)= transpose(A) B. A is (k, m) with row stride lda; b holds B as pack_transposed
  // leaves it.
  void (*outer)(Index m, Index n, Index k, const T* a, Index lda, const T* b, T* c, Index ldc, bool accumulate);
  // The same for a narrow B (k, n), given as it is with row stride ldb: the work is n / panel of it.
  void (*outer_narrow)(Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c, Index ldc,
                       bool accumulate);
  // C (rows, n), row stride ldc, (+)= A (rows, k) times the columns of b, n of them, k values each, contiguous.
  void (*dots)(Index rows, Index n, Index k, const T* a, Index lda, const T* b, T* c, Index ldc, bool accumulate);
  // sum (n) += column sums of A (rows, n).
  void (*column_sum)(Index rows, Index n, const T* a, Index lda, T* sum);
  Elementwise<T> elementwise[kOperations];
  // `rounds` times as many multiply-adds as one round has, on registers alone: what this processor can do at most.
  // Returns a number that depends on all of them.
  T (*multiply_adds)(Index rounds);
  Index round;  // multiply-adds in a round
};

// The best table this processor runs; THROUGHTIME_ISA=base|avx2|avx512 chooses a lower one.
template <class T>
const Kernels<T>& kernels();

}  // namespace throughtime
