// Runs a program over sequences: forward, backward through time, and single steps.
//
// Letters: T steps, B rows, I input width, S_j width of state j, S width of the output state.
#pragma once

#include <memory>
#include <vector>

#include "throughtime/kernels.h"
#include "throughtime/memory.h"
#include "throughtime/program.h"

namespace throughtime {

// Element (t, b, i) of a sequence: data[(offsets ? offsets[t] : t * time) + b * row + i * column]. Not owned.
template <class T>
struct Sequence {
  T* data = nullptr;
  Index time = 0, row = 0, column = 1;
  const Index* offsets = nullptr;
};

// (B, S) with a row stride; null data stands for zeros (or, written, for nowhere). Not owned.
template <class T>
struct Rows {
  T* data = nullptr;
  Index row = 0;
};

// Parameter arrays in the order of Program::arrays: (rows, columns) with a row stride, or contiguous vectors. A null
// entry among gradients is not wanted.
template <class T>
struct Arrays {
  std::vector<T*> data;
  std::vector<Index> row;
};

// An input that is looked up: x (t, b) = table row ids[t * time + b * row]. Where it is given (count > 0), the products
// of the table with the weights are computed once and looked up instead of x, which is not read.
template <class T>
struct Lookup {
  const Index* ids = nullptr;  // each in [0, count)
  Index time = 0, row = 0;
  const T* table = nullptr;  // (count, I), contiguous
  Index count = 0;
};

// How far each row goes. lengths: B values in [0, T], or empty for T everywhere.
struct Extent {
  Index steps = 0, rows = 0;
  std::vector<Index> lengths;
  bool reverse = false;  // every row from its own end to its start
};

struct Step {
  Index t;       // time index
  Index rows;    // active rows, a prefix of the lane's
  Index offset;  // rows before this step in processing order
};

// Rows that one thread works on, longest first.
struct Lane {
  std::vector<Index> rows, lengths;
  std::vector<Step> steps;  // in processing order
  Index total = 0;          // sum of active rows
};

// What backward needs of a forward pass.
template <class T>
struct Tape {
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Extent extent;
  std::vector<Lane> lanes;
  std::vector<Buffer<T>> records;
  Index stride = 0;  // of a record row
};

struct Narrow;
enum class Form : int;  // see narrow.h

// Packed weights, biases, vectors and constants for some passes of a program.
template <class T>
struct Weights {
  Buffer<T> memory;
  std::vector<T*> packs;  // null where no pass given uses it
  T* bias = nullptr;
  std::vector<T*> vectors, constants;
  std::shared_ptr<const Narrow> narrow;  // stands for the packs, which are then absent
};

template <class T>
Weights<T> prepare(const Program& program, const Arrays<const T>& arrays, const std::vector<const Pass*>& passes,
                   bool input_products, int threads);

// output (T, B, S): rows beyond their length are set to zero where pad is true. final: one per state, written at each
// row's own end. Returns a tape where training. Everything given is checked by the caller; aliasing is not allowed.
template <class T>
std::unique_ptr<Tape<T>> forward(const Program& program, const Extent& extent, const Sequence<const T>& x,
                                 const Lookup<T>& lookup, const std::vector<Rows<const T>>& initial,
                                 const Arrays<const T>& arrays, const Sequence<T>& output, bool pad,
                                 const std::vector<Rows<T>>& final, bool training, int threads);

// Gradients of what was given to forward, from those of what it returned. d_x.data null: not wanted. d_table (count, I)
// contiguous, null: not wanted. d_initial one per state. d_arrays: see Arrays.
template <class T>
void backward(const Program& program, const Tape<T>& tape, const Sequence<const T>& x, const Lookup<T>& lookup,
              T* d_table, const Arrays<const T>& arrays, const Sequence<const T>& d_output,
              const std::vector<Rows<const T>>& d_final, const Sequence<T>& d_x, bool pad,
              const std::vector<Rows<T>>& d_initial, const Arrays<T>& d_arrays, int threads);

// A stream of single steps for a fixed number of rows; owns its packed weights and state.
template <class T>
class Stepper {
 public:
  // form: of the weights; only float32 has others.
  Stepper(std::shared_ptr<const Program> program, const Arrays<const T>& arrays, Index rows, Form form = Form{});
  ~Stepper();
  // x (rows, I) contiguous -> the output state (rows, S) with row stride output_stride(), valid until the next call.
  const T* step(const T* x);
  // As step with x = row tokens[r] of the table given to set_table.
  const T* step_tokens(const Index* tokens);
  // inputs (count, I): what tokens stand for. Their products with the weights are computed once, here.
  void set_table(const T* inputs, Index count);
  Index table_size() const;
  Index output_stride() const;
  T* state(int j) const;  // (rows, S_j)
  Index state_stride(int j) const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace throughtime
