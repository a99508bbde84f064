// What tokens stand for in single steps: a table of inputs, or of their products with the weights.
#pragma once

#include "loop.h"
#include "throughtime/threads.h"

namespace throughtime {

constexpr Index kMostProducts = Index(64) << 20;  // elements: beyond, products are not kept

template <class T>
struct TokenTable {
  Buffer<T> memory;
  Index count = 0, row = 0;  // tokens, and the row stride
  bool hoisted = false;      // are the rows records with the hoisted products, or inputs?

  const T* at(Index token) const { return memory.data() + token * row; }
};

// Of inputs (count, I), contiguous, which are not needed afterwards.
template <class T>
TokenTable<T> token_table(const Program& p, const Weights<T>& weights, const T* inputs, Index count) {
  const Index stride = record_stride<T>(p.inference);
  TokenTable<T> table;
  table.count = count;
  table.hoisted = !p.inference.hoisted.empty() && !p.reads_input(p.inference) && count <= kMostProducts / stride;
  table.row = table.hoisted ? stride : p.input_width;
  table.memory = Buffer<T>(elements(count, table.row));
  if (!table.hoisted) {
    std::memcpy(table.memory.data(), inputs, std::size_t(count * table.row) * sizeof(T));
    return table;
  }
  std::fill(table.memory.data(), table.memory.data() + count * table.row, T(0));
  Runner<T> runner(p, p.inference, weights, count);
  Frame<T> frame;
  frame.record = table.memory.data();
  frame.record_stride = table.row;
  frame.input = const_cast<T*>(inputs);  // only read
  frame.input_stride = p.input_width;
  parallel(1, [&](int) {
    for (const Product& product : p.inference.hoisted) runner.product(product, frame, count);
  });
  return table;
}

// The rows of a step's tokens where a runner reads them: records, or inputs whose products are computed here.
template <class T>
void look_up(const Program& p, const TokenTable<T>& table, const Index* tokens, Index rows, T* input, Runner<T>& runner,
             Frame<T>& frame) noexcept {
  if (table.hoisted) {
    for (Index r = 0; r < rows; ++r)
      std::memcpy(frame.record + r * frame.record_stride, table.at(tokens[r]),
                  std::size_t(p.inference.width) * sizeof(T));
    return;
  }
  frame.input = input;
  frame.input_stride = p.input_width;
  for (Index r = 0; r < rows; ++r)
    std::memcpy(input + r * p.input_width, table.at(tokens[r]), std::size_t(p.input_width) * sizeof(T));
  for (const Product& product : p.inference.hoisted) runner.product(product, frame, rows);
}

}  // namespace throughtime
