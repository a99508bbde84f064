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

// What backward needs of a forward pass. Not changed by it: it serves any number of calls, also at the same time.
template <class T>
struct Tape {
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  std::uint64_t program = 0;  // Program::fingerprint of the one that was run; only that one may read the records
  Extent extent;
  std::vector<Lane> lanes;
  std::vector<Buffer<T>> records;
  Index stride = 0;  // of a record row
};

// What forward reads and backward reads again. Nothing is owned.
template <class T>
struct Inputs {
  Sequence<const T> x;  // (T, B, I); not read where there is a lookup
  Lookup<T> lookup;     // stands for x where its count is positive; only where Program::foldable
  Arrays<const T> arrays;
};

// Where forward writes. Nothing is owned.
template <class T>
struct Outputs {
  Sequence<T> output;          // (T, B, Program::output_width())
  bool pad = false;            // rows are set to zero beyond their length; else what lies there is left as it is
  std::vector<Rows<T>> final;  // (B, S_j), one per state, of each row's own end
};

// Gradients of what forward wrote. Nothing is owned.
template <class T>
struct Adjoints {
  Sequence<const T> output;          // as the output, any strides; null: zero
  std::vector<Rows<const T>> final;  // (B, S_j), one per state
};

// Where backward writes. Nothing is owned.
template <class T>
struct Gradients {
  Sequence<T> x;                 // (T, B, I); null: not wanted
  bool pad = false;              // of x, as in Outputs
  T* table = nullptr;            // (count, I), contiguous, after a lookup; null: not wanted
  std::vector<Rows<T>> initial;  // (B, S_j), one per state
  Arrays<T> arrays;              // a null entry is not wanted
};

struct Narrow;
enum class Form : int;  // see narrow.h

// Packed weights, biases, vectors and constants for some passes of a program. The pointers lie in `memory`.
template <class T>
struct Weights {
  Buffer<T> memory;
  std::vector<T*> packs;  // null where no pass given uses it
  T* bias = nullptr;
  std::vector<T*> vectors, constants;
  std::shared_ptr<const Narrow> narrow;  // stands for the packs, which are then absent
};

// Packs the arrays, which are not needed afterwards; input_products: those of backward's d_x, too.
template <class T>
Weights<T> prepare(const Program& program, const Arrays<const T>& arrays, const std::vector<const Pass*>& passes,
                   bool input_products, int threads);

// Both run on up to `threads` threads and may be called from several at once. All shapes, lengths, ids and strides are
// the caller's to check; nothing written may overlap anything else that is given. std::bad_alloc where work memory
// ends: what was to be written is undefined then, what is read and the tape are as they were.

// Initial states (B, S_j), one per state. Returns a tape where training, else null.
template <class T>
std::unique_ptr<Tape<T>> forward(const Program& program, const Extent& extent, const Inputs<T>& inputs,
                                 const std::vector<Rows<const T>>& initial, const Outputs<T>& outputs, bool training,
                                 int threads);

// Gradients of what was given to forward, from those of what it returned. The inputs are those given to forward; the
// tape is that of the same program.
template <class T>
void backward(const Program& program, const Tape<T>& tape, const Inputs<T>& inputs, const Adjoints<T>& adjoints,
              const Gradients<T>& gradients, int threads);

// A stream of single steps for a fixed number of rows; owns its packed weights and state. One caller at a time. Only
// the constructor and set_table allocate: a step that has begun cannot fail.
template <class T>
class Stepper {
 public:
  // form: of the weights; only float32 has others. The arrays are not needed afterwards.
  Stepper(std::shared_ptr<const Program> program, const Arrays<const T>& arrays, Index rows, Form form = Form{});
  ~Stepper();
  // x (rows, I) contiguous -> the output state (rows, S) with row stride output_stride(), valid until the next call.
  const T* step(const T* x) noexcept;
  // As step with x = row tokens[r] of the table given to set_table; each in [0, table_size()).
  const T* step_tokens(const Index* tokens) noexcept;
  // inputs (count, I), contiguous: what tokens stand for. Their products with the weights are computed once, here.
  // std::bad_alloc leaves the table as it was.
  void set_table(const T* inputs, Index count);
  Index table_size() const;
  Index output_stride() const;
  T* state(int j) const;  // (S_j) per row, valid as long as the stepper, but see move_output
  Index state_stride(int j) const;
  // The output state goes on in `memory`, of output_size() elements; returns what it lay in, its values still there.
  Buffer<T> move_output(Buffer<T> memory) noexcept;
  std::size_t output_size() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace throughtime
