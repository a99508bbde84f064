#include "loop.h"
#include "throughtime/run.h"
#include "throughtime/threads.h"

namespace throughtime {

template <class T>
struct Stepper<T>::Body {
  std::shared_ptr<const Program> program;
  Index rows;
  Weights<T> weights;
  Runner<T> runner;
  std::vector<Buffer<T>> states;
  Buffer<T> record, temporaries, table;
  Frame<T> frame;
  Index inputs = 0;      // in the table
  Index table_row = 0;   // its row stride
  bool hoisted = false;  // the table holds products, not inputs

  Body(std::shared_ptr<const Program> p, const Arrays<const T>& arrays, Index count, Form form)
      : program(std::move(p)),
        rows(count),
        weights(formed(*program, prepare<T>(*program, arrays, {&program->inference}, false, 1), form)),
        runner(*program, program->inference, weights),
        record(elements(count, row_stride<T>(std::max(1, program->inference.width)))),
        temporaries(temporaries_for<T>(*program, program->inference)) {
    for (int width : program->state_widths) {
      const Index stride = row_stride<T>(width);
      states.emplace_back(elements(count, stride));
      std::fill(states.back().data(), states.back().data() + count * stride, T(0));
      frame.states.push_back(states.back().data());
      frame.state_strides.push_back(stride);
    }
    frame.record = record.data();
    frame.record_stride = row_stride<T>(std::max(1, program->inference.width));
    frame.temporaries = temporaries.data();
  }
};

template <class T>
Stepper<T>::Stepper(std::shared_ptr<const Program> program, const Arrays<const T>& arrays, Index rows, Form form)
    : body_(std::make_unique<Body>(std::move(program), arrays, rows, form)) {}

template <class T>
Stepper<T>::~Stepper() = default;

template <class T>
const T* Stepper<T>::step(const T* x) {
  Body& b = *body_;
  parallel(1, [&](int) {
    b.frame.input = const_cast<T*>(x);  // only read
    b.frame.input_stride = b.program->input_width;
    for (const Product& product : b.program->inference.hoisted) b.runner.product(product, b.frame, b.rows);
    b.runner.run_phases(b.frame, b.rows);
  });
  return b.frame.states[b.program->output_state];
}

template <class T>
const T* Stepper<T>::step_tokens(const Index* tokens) {
  Body& b = *body_;
  const Program& p = *b.program;
  parallel(1, [&](int) {
    if (b.hoisted) {
      for (Index r = 0; r < b.rows; ++r)
        std::memcpy(b.frame.record + r * b.frame.record_stride, b.table.data() + tokens[r] * b.table_row,
                    std::size_t(p.inference.width) * sizeof(T));
    } else {
      b.frame.input = b.table.data() + b.inputs * b.table_row;  // the room after the table
      b.frame.input_stride = b.table_row;
      for (Index r = 0; r < b.rows; ++r)
        std::memcpy(b.frame.input + r * b.frame.input_stride, b.table.data() + tokens[r] * b.table_row,
                    std::size_t(p.input_width) * sizeof(T));
      for (const Product& product : p.inference.hoisted) b.runner.product(product, b.frame, b.rows);
    }
    b.runner.run_phases(b.frame, b.rows);
  });
  return b.frame.states[p.output_state];
}

template <class T>
void Stepper<T>::set_table(const T* inputs, Index count) {
  Body& b = *body_;
  const Program& p = *b.program;
  constexpr Index kMost = Index(64) << 20;  // elements: beyond, products are not kept
  const bool hoisted =
      !p.inference.hoisted.empty() && !p.reads_input(p.inference) && count <= kMost / b.frame.record_stride;
  const Index row = hoisted ? b.frame.record_stride : p.input_width;
  // products are kept as record rows; else rows of the table, then room for one row of input per stream
  Buffer<T> table(elements(hoisted ? count : count + b.rows, row));
  if (hoisted) {
    std::fill(table.data(), table.data() + count * row, T(0));
    Frame<T> frame = b.frame;
    frame.record = table.data();
    frame.record_stride = row;
    frame.input = const_cast<T*>(inputs);  // only read
    frame.input_stride = p.input_width;
    parallel(1, [&](int) {
      for (const Product& product : p.inference.hoisted) b.runner.product(product, frame, count);
    });
  } else {
    std::memcpy(table.data(), inputs, std::size_t(count * row) * sizeof(T));
  }
  b.table = std::move(table);  // nothing changes before everything has succeeded
  b.table_row = row;
  b.hoisted = hoisted;
  b.inputs = count;
}

template <class T>
Index Stepper<T>::table_size() const {
  return body_->inputs;
}

template <class T>
Index Stepper<T>::output_stride() const {
  return body_->frame.state_strides[body_->program->output_state];
}

template <class T>
T* Stepper<T>::state(int j) const {
  return body_->frame.states[j];
}

template <class T>
Index Stepper<T>::state_stride(int j) const {
  return body_->frame.state_strides[j];
}

template class Stepper<float>;
template class Stepper<double>;

}  // namespace throughtime
