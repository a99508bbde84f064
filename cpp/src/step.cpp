#include "throughtime/run.h"
#include "tokens.h"

namespace throughtime {

template <class T>
struct Stepper<T>::Body {
  std::shared_ptr<const Program> program;
  Index rows;
  Weights<T> weights;
  Runner<T> runner;
  std::vector<Buffer<T>> states;
  Buffer<T> record, temporaries, input;
  Frame<T> frame;
  TokenTable<T> table;

  Body(std::shared_ptr<const Program> p, const Arrays<const T>& arrays, Index count, Form form)
      : program(std::move(p)),
        rows(count),
        weights(formed(*program, prepare<T>(*program, arrays, {&program->inference}, false, 1), form)),
        runner(*program, program->inference, weights, count),
        record(elements(count, record_stride<T>(program->inference))),
        temporaries(temporaries_for<T>(*program, program->inference)),
        input(elements(count, program->input_width)) {
    for (int width : program->state_widths) {
      const Index stride = row_stride<T>(width);
      states.emplace_back(elements(count, stride));
      std::fill(states.back().data(), states.back().data() + count * stride, T(0));
      frame.states.push_back(states.back().data());
      frame.state_strides.push_back(stride);
    }
    frame.record = record.data();
    frame.record_stride = record_stride<T>(program->inference);
    frame.temporaries = temporaries.data();
  }

  std::size_t output() const { return std::size_t(program->output_state); }
};

template <class T>
Stepper<T>::Stepper(std::shared_ptr<const Program> program, const Arrays<const T>& arrays, Index rows, Form form)
    : body_(std::make_unique<Body>(std::move(program), arrays, rows, form)) {}

template <class T>
Stepper<T>::~Stepper() = default;

template <class T>
const T* Stepper<T>::step(const T* x) noexcept {
  Body& b = *body_;
  parallel(1, [&](int) {
    b.frame.input = const_cast<T*>(x);  // only read
    b.frame.input_stride = b.program->input_width;
    for (const Product& product : b.program->inference.hoisted) b.runner.product(product, b.frame, b.rows);
    b.runner.run_phases(b.frame, b.rows);
  });
  return b.frame.states[b.output()];
}

template <class T>
const T* Stepper<T>::step_tokens(const Index* tokens) noexcept {
  Body& b = *body_;
  parallel(1, [&](int) {
    look_up(*b.program, b.table, tokens, b.rows, b.input.data(), b.runner, b.frame);
    b.runner.run_phases(b.frame, b.rows);
  });
  return b.frame.states[b.output()];
}

template <class T>
void Stepper<T>::set_table(const T* inputs, Index count) {
  body_->table = token_table(*body_->program, body_->weights, inputs, count);
}

template <class T>
Index Stepper<T>::table_size() const {
  return body_->table.count;
}

template <class T>
Index Stepper<T>::output_stride() const {
  return body_->frame.state_strides[body_->output()];
}

template <class T>
T* Stepper<T>::state(int j) const {
  return body_->frame.states[std::size_t(j)];
}

template <class T>
Index Stepper<T>::state_stride(int j) const {
  return body_->frame.state_strides[std::size_t(j)];
}

template <class T>
std::size_t Stepper<T>::output_size() const {
  return body_->states[body_->output()].size();
}

template <class T>
Buffer<T> Stepper<T>::move_output(Buffer<T> memory) noexcept {
  Body& b = *body_;
  Buffer<T>& state = b.states[b.output()];
  std::memcpy(memory.data(), state.data(), state.size() * sizeof(T));
  std::swap(memory, state);
  b.frame.states[b.output()] = state.data();
  return memory;
}

template class Stepper<float>;
template class Stepper<double>;

}  // namespace throughtime
