// Many independent streams of single steps that share one set of packed weights.
#pragma once

#include <memory>

#include "throughtime/run.h"

namespace throughtime {

// Streams are rows of one set of state arrays, which stay compact: a stream that leaves gives its row to the last one.
// A step takes any subset of them; each stream's numbers are those of a Stepper of its own, bit for bit. One caller at
// a time. What throws (std::bad_alloc) leaves every stream as it was; arrays and tables given are not needed
// afterwards.
template <class T>
class Streams {
 public:
  Streams(std::shared_ptr<const Program> program, const Arrays<const T>& arrays, Form form = Form{});
  ~Streams();
  Index join();                   // a new stream with a zero state; its id, never used before
  void leave(Index id) noexcept;  // of a live stream
  Index size() const;
  const Index* ids() const;  // of the live streams in the order of their rows, valid until the next join or leave
  // rows (n) = the rows of ids (n), valid until the next join or leave. Returns n, or the first place in ids that is no
  // live stream or repeats one.
  Index find(const Index* ids, Index n, Index* rows) noexcept;
  // Steps the streams in `rows` (n, no two the same): x (n, I) with a row stride -> output (n, S) contiguous.
  void step(const Index* rows, Index n, const T* x, Index x_row, T* output, int threads);
  // As step with x = the rows of the table given to set_table; tokens (n), each in [0, table_size()).
  void step_tokens(const Index* rows, Index n, const Index* tokens, T* output, int threads);
  void set_table(const T* inputs, Index count);  // (count, I), contiguous
  Index table_size() const;
  T* state(int j, Index row) const;  // (S_j,), valid until the next join

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace throughtime
