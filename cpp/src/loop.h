// What forward, backward and Stepper share: strides, scratch memory, and running one phase of one step.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "throughtime/narrow.h"
#include "throughtime/run.h"

namespace throughtime {

// Elements of a temporary: several of them fit the first-level cache. Guarded builds cut tiles of small programs.
constexpr Index kTileElements = kGuarded ? 32 : 512;

// A row stride of an odd number of cache lines: rows never fall onto the same cache sets.
template <class T>
Index row_stride(Index width) {
  constexpr Index line = 64 / Index(sizeof(T));
  if (kGuarded) return width;  // so that the last row's end is the buffer's
  const Index lines = (width + line - 1) / line;
  return (lines % 2 ? lines : lines + 1) * line;
}

// Of a record row, or of an adjoint's.
template <class T>
Index record_stride(const Pass& pass) {
  return row_stride<T>(std::max(1, pass.width));
}

inline Index widest(const Program& p) {
  Index width = kTileElements;
  for (const Place& q : p.places) width = std::max<Index>(width, q.width);
  return width;
}

inline int most_temporaries(const Pass& pass) {
  int most = 0;
  for (const auto& phase : pass.phases)
    if (const auto* tile = std::get_if<Tile>(&phase)) most = std::max(most, tile->temporaries);
  return most;
}

// Terms of the pass's longest product.
inline std::size_t most_terms(const Pass& pass) {
  std::size_t most = 0;
  for (const auto& product : pass.hoisted) most = std::max(most, product.terms.size());
  for (const auto& phase : pass.phases)
    if (const auto* product = std::get_if<Product>(&phase)) most = std::max(most, product->terms.size());
  return most;
}

template <class T>
Buffer<T> temporaries_for(const Program& p, const Pass& pass) {
  return Buffer<T>(elements(most_temporaries(pass), widest(p)));
}

// Where the buffers of each space stand for the current step: a pointer to row 0 and a row stride each.
template <class T>
struct Frame {
  T* record = nullptr;
  Index record_stride = 0;
  std::vector<T*> states;  // state, or their adjoints in the backward pass
  std::vector<Index> state_strides;
  T* input = nullptr;
  Index input_stride = 0;
  T* adjoint = nullptr;
  Index adjoint_stride = 0;
  T* doutput = nullptr;
  Index doutput_stride = 0;
  T* temporaries = nullptr;
};

template <class T>
struct Operand {
  T* data;
  Index stride;   // between rows, for the kernel
  Index advance;  // between row groups of a tile: 0 for what is the same for all rows, and for temporaries
  Index column;   // 1 where columns are cut along, 0 where not
};

// Runs the phases of a pass. All that it needs is allocated when it is made: running neither allocates nor throws. For
// one thread at a time; the program, the weights and the frames' memory are the caller's and outlive it.
template <class T>
class Runner {
 public:
  // rows: the most at once.
  Runner(const Program& p, const Pass& pass, const Weights<T>& weights, Index rows)
      : kernels_(throughtime::kernels<T>()), program_(p), pass_(pass), weights_(weights), wide_(widest(p)) {
    operands_.resize(p.places.size());
    segments_.resize(most_terms(pass));
    if (weights.narrow) scratch_ = scratch_for(*weights.narrow, rows);
  }

  // A product of the pass, hoisted or among its phases.
  void product(const Product& product, const Frame<T>& frame, Index rows) noexcept {
    if constexpr (std::is_same_v<T, float>)
      if (weights_.narrow) return narrow(product, frame, rows);
    int count = 0;
    for (const auto& term : product.terms) {
      const Operand<T> a = locate(term.operand, frame);
      segments_[count++] = {a.data, a.stride, weights_.packs[term.pack], program_.packs[term.pack].depth};
    }
    const Operand<T> c = locate(product.target, frame);
    const T* bias = product.start == Start::bias ? weights_.bias + product.target.index : nullptr;
    kernels_.product(rows, product.target.width, segments_.data(), count, product.start, bias, c.data, c.stride);
  }

  void run_phases(const Frame<T>& frame, Index rows) noexcept {
    for (const Phase& phase : pass_.phases) {
      if (const auto* p = std::get_if<Product>(&phase))
        product(*p, frame, rows);
      else if (const auto* t = std::get_if<Tile>(&phase))
        tile(*t, frame, rows);
    }
  }

  Operand<T> locate(const Place& q, const Frame<T>& f) const noexcept {
    switch (q.space) {
      case Space::record: return {f.record + q.index, f.record_stride, f.record_stride, 1};
      case Space::state:
      case Space::dstate: return {f.states[q.index], f.state_strides[q.index], f.state_strides[q.index], 1};
      case Space::input: return {f.input + q.index, f.input_stride, f.input_stride, 1};
      case Space::adjoint: return {f.adjoint + q.index, f.adjoint_stride, f.adjoint_stride, 1};
      case Space::doutput: return {f.doutput + q.index, f.doutput_stride, f.doutput_stride, 1};
      case Space::vector: return {weights_.vectors[q.index], 0, 0, 1};
      case Space::constant: return {weights_.constants[q.index], 0, 0, 0};
      case Space::temporary: return {f.temporaries + q.index * wide_, 0, 0, 0};  // the stride is the tile's
      case Space::output: break;
    }
    return {nullptr, 0, 0, 0};
  }

 private:
  // The same with narrow weights, term by term.
  void narrow(const Product& product, const Frame<T>& frame, Index rows) {
    const Operand<T> c = locate(product.target, frame);
    const std::size_t bytes = std::size_t(product.target.width) * sizeof(T);
    for (Index r = 0; r < rows && product.start != Start::accumulate; ++r)
      if (product.start == Start::bias)
        std::memcpy(c.data + r * c.stride, weights_.bias + product.target.index, bytes);
      else
        std::memset(c.data + r * c.stride, 0, bytes);
    for (const auto& term : product.terms) {
      const Operand<T> a = locate(term.operand, frame);
      narrow_product(weights_.narrow->form, weights_.narrow->packs[std::size_t(term.pack)], rows, a.data, a.stride,
                     c.data, c.stride, scratch_);
    }
  }

  void tile(const Tile& tile, const Frame<T>& frame, Index rows) {
    if (tile.instructions.empty()) return;
    const Index cut = tile.uniform ? std::min<Index>(tile.width, kTileElements) : tile.width;
    const Index group = std::max<Index>(1, std::min(rows, kTileElements / cut));
    for (const auto& i : tile.instructions)
      for (int n : {i.target, i.a, i.b, i.c})
        if (n >= 0) {
          operands_[n] = locate(program_.places[n], frame);
          if (program_.places[n].space == Space::temporary) operands_[n].stride = cut;
        }
    for (Index row = 0; row < rows; row += group) {
      const Index height = std::min(group, rows - row);
      for (Index column = 0; column < tile.width; column += cut) {
        for (const auto& i : tile.instructions) {
          const Operand<T>& d = operands_[i.target];
          const Operand<T>& a = operands_[i.a];
          const Operand<T>& b = operands_[i.b < 0 ? i.a : i.b];
          const Operand<T>& c = operands_[i.c < 0 ? i.a : i.c];
          const Index width = std::min<Index>(cut, program_.places[i.target].width - column);
          kernels_.elementwise[i.operation](d.data + row * d.advance + column * d.column, d.stride,
                                            a.data + row * a.advance + column * a.column, a.stride,
                                            b.data + row * b.advance + column * b.column, b.stride,
                                            c.data + row * c.advance + column * c.column, c.stride, height, width);
        }
      }
    }
  }

  const Kernels<T>& kernels_;
  const Program& program_;
  const Pass& pass_;
  const Weights<T>& weights_;
  const Index wide_;
  std::vector<Operand<T>> operands_;
  std::vector<Segment<T>> segments_;
  NarrowScratch scratch_;
};

// Is the input read at all?
inline bool reads_input(const Pass& pass, const Program& p) { return !pass.hoisted.empty() || p.reads_input(pass); }

// Copies the active rows of one step from a sequence into contiguous rows.
template <class T>
void gather(const Sequence<const T>& from, const Lane& lane, const Step& step, Index width, T* to, Index stride) {
  const T* base = from.data + (from.offsets ? from.offsets[step.t] : step.t * from.time);
  for (Index r = 0; r < step.rows; ++r) {
    const T* row = base + lane.rows[r] * from.row;
    if (from.column == 1)
      std::memcpy(to + r * stride, row, std::size_t(width) * sizeof(T));
    else
      for (Index i = 0; i < width; ++i) to[r * stride + i] = row[i * from.column];
  }
}

template <class T>
void scatter(const T* from, Index stride, const Lane& lane, const Step& step, Index width, const Sequence<T>& to) {
  T* base = to.data + (to.offsets ? to.offsets[step.t] : step.t * to.time);
  for (Index r = 0; r < step.rows; ++r)
    std::memcpy(base + lane.rows[r] * to.row, from + r * stride, std::size_t(width) * sizeof(T));
}

}  // namespace throughtime
