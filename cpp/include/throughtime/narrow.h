// Weights of 16 and 8 bits, for streams that are bound by reading them.
//
// bfloat16: widened as they are read, float32 multiply-adds in one chain as in kernels.h. int8: symmetric, one scale
// per column of the packed matrix (a unit's gate); the operand's rows are quantized likewise, one scale each, as they
// come, and sums are exact integers until both scales are applied. A row's result never depends on its company.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "throughtime/run.h"

namespace throughtime {

enum class Form : int { float32, bfloat16, int8 };

constexpr Index kNarrowPanel = 32;  // columns of a panel, on every processor

// A packed matrix, its last panel filled up with zeros. bfloat16: per depth 16 words, column j in the low half of word
// j, column 16 + j in the high one. int8: per four depths 32 words, word j the four values of column j.
struct NarrowPack {
  Index depth = 0, columns = 0;  // as given, not filled up
  Buffer<std::uint32_t> words;
  std::vector<float> scales;       // int8, per column, filled up
  std::vector<std::int32_t> sums;  // int8, of each column
};

struct Narrow {
  Form form = Form::float32;
  std::vector<NarrowPack> packs;  // empty where not used
};

// Room for quantized operands.
struct NarrowScratch {
  std::vector<std::uint64_t> values;
  std::vector<float> scales;
};

// Room for any product of these packs with up to so many rows.
NarrowScratch scratch_for(const Narrow& narrow, Index rows);

// C (rows, columns of the pack), row stride ldc, += A (rows, depth) with row stride lda, times the pack. The scratch is
// that of as many rows or more; nothing is allocated, nothing thrown.
void narrow_product(Form form, const NarrowPack& pack, Index rows, const float* a, Index lda, float* c, Index ldc,
                    NarrowScratch& scratch);

// The weights with their packs in another form; everything else is kept, the float32 packs are let go.
Weights<float> narrowed(const Program& program, Weights<float> full, Form form);

template <class T>
Weights<T> formed(const Program& program, Weights<T> weights, Form form) {
  if constexpr (std::is_same_v<T, float>)
    return narrowed(program, std::move(weights), form);
  else
    return weights;
}

// Rows of an operand, quantized. Not owned.
struct Quantized {
  Index rows, groups;  // groups of four values in a row
  const void* values;
  Index bytes;          // from one row to the next
  const float* scales;  // of the rows
};

// One instruction set's kernels.
struct NarrowKernels {
  Index most;              // panels at once, for a single row
  Index (*group_bytes)();  // of four quantized values
  // A row of A (k) -> its values, in groups of four, the last one filled up; and the scale, NaN where it is not finite.
  float (*quantize)(const float* a, Index k, void* values);
  // C (rows, 32 * panels) += A times so many panels; panels is 1, or `most` for a single row. bytes: of a row's values.
  void (*bfloat16)(Index rows, Index panels, const float* a, Index lda, Index k, const std::uint32_t* words, float* c,
                   Index ldc);
  void (*int8)(const Quantized& a, Index panels, const std::uint32_t* words, const float* scales,
               const std::int32_t* sums, float* c, Index ldc);
};

}  // namespace throughtime
