// Steppers with the checks that Python needs. Every call holds the GIL; what a step returns is a view of the stepper's
// own memory, so that between its steps a stepper serves one thread: the one that stepped it first, or that has set its
// state since. A step of any other thread is refused, and what a thread was given before stays as it was.
#include <algorithm>
#include <thread>

#include "arguments.h"

namespace throughtime {
namespace {

template <class T>
class PyStepper {
 public:
  PyStepper(std::shared_ptr<Program> p, nb::handle arrays, Index rows, const std::string& weights)
      : program_(std::move(p)), rows_(rows) {
    if (rows < 1 || rows > (Index(1) << 24)) refuse(*program_, "a stepper needs at least one row");
    const HeldArrays<const T> given(*program_, "parameter arrays", arrays);
    stepper_ = std::make_shared<Stepper<T>>(program_, given.arrays, rows, form_of<T>(*program_, weights));
    shown_ = std::make_shared<Shown>();
    shown_->stepper = stepper_;
    view_ = view(stepper_->state(program_->output_state), shown_);
  }

  nb::object step(const Array<const T>& x) {
    if (rows_ == 1 && x.ndim() == 1)
      expect(*program_, "x", x, {{"I", program_->input_width}});
    else
      expect_contiguous(*program_, "x", x, {"B", rows_}, {"I", program_->input_width});
    enter();
    stepper_->step(x.data());
    return view_;
  }

  nb::object step_token(Index token) {
    if (rows_ != 1) refuse(*program_, "step_token is for one row");
    if (token < 0 || token >= stepper_->table_size())
      refuse(*program_, "token " + std::to_string(token) + " is not in the table");
    enter();
    stepper_->step_tokens(&token);
    return view_;
  }

  nb::object step_tokens(const Integers& tokens) {
    expect(*program_, "tokens", tokens, {{"B", rows_}});
    copy_into(tokens_, tokens);
    expect_tokens(*program_, tokens_, stepper_->table_size());
    enter();
    stepper_->step_tokens(tokens_.data());
    return view_;
  }

  void set_table(const Array<const T>& inputs) {
    const Index count = expect_table<T>(*program_, inputs);
    if (thread_ != std::thread::id()) enter();
    stepper_->set_table(inputs.data(), count);
  }

  void read_state(const std::vector<Array<T>>& to) const {
    expect_states(to);
    for (std::size_t j = 0; j < to.size(); ++j)
      for (Index r = 0; r < rows_; ++r)
        std::copy_n(stepper_->state(int(j)) + r * stepper_->state_stride(int(j)), program_->state_widths[j],
                    to[j].data() + r * to[j].stride(0));
  }

  void write_state(const std::vector<Array<const T>>& from) {
    expect_states(from);
    take_over();
    for (std::size_t j = 0; j < from.size(); ++j)
      for (Index r = 0; r < rows_; ++r)
        std::copy_n(from[j].data() + r * from[j].stride(0), program_->state_widths[j],
                    stepper_->state(int(j)) + r * stepper_->state_stride(int(j)));
  }

  // The calling thread goes on from the state as it is. Where another one stepped before, the output moves: the view
  // that the other one holds keeps its values.
  void take_over() {
    const std::thread::id me = std::this_thread::get_id();
    if (thread_ != me && thread_ != std::thread::id()) {
      Buffer<T> memory(stepper_->output_size());
      auto shown = std::make_shared<Shown>();
      shown->stepper = stepper_;
      view_ = view(memory.data(), shown);
      shown_->left = stepper_->move_output(std::move(memory));  // from here on nothing fails
      shown_->stepper.reset();
      shown_ = std::move(shown);
    }
    thread_ = me;
  }

 private:
  // What a view needs: the stepper, whose output it shows, or the memory that the output has left.
  struct Shown {
    std::shared_ptr<Stepper<T>> stepper;
    Buffer<T> left;
  };

  // One array for all steps, on the output state. It keeps what it needs alive, not this object.
  nb::object view(T* data, const std::shared_ptr<Shown>& shown) const {
    auto kept = std::make_unique<std::shared_ptr<Shown>>(shown);
    const nb::capsule owner(kept.get(), [](void* o) noexcept { delete static_cast<std::shared_ptr<Shown>*>(o); });
    (void)kept.release();  // the capsule's from here on
    const auto width = std::size_t(program_->state_widths[std::size_t(program_->output_state)]);
    if (rows_ == 1) return nb::cast(nb::ndarray<nb::numpy, T>(data, {width}, owner));
    return nb::cast(
        nb::ndarray<nb::numpy, T>(data, {std::size_t(rows_), width}, owner, {stepper_->output_stride(), 1}));
  }

  void enter() {
    const std::thread::id me = std::this_thread::get_id();
    if (thread_ == std::thread::id()) thread_ = me;
    if (thread_ != me)
      refuse(*program_,
             "another thread steps this stepper; give each thread one of its own, or set its state here first");
  }

  template <class A>
  void expect_states(const std::vector<A>& list) const {
    const std::size_t count = program_->state_widths.size();
    if (list.size() != count) refuse(*program_, "expected " + std::to_string(count) + " states");
    for (std::size_t j = 0; j < count; ++j)
      expect(*program_, "state", list[j], {{"B", rows_}, {"H", program_->state_widths[j]}});
  }

  std::shared_ptr<Program> program_;
  Index rows_;
  std::shared_ptr<Stepper<T>> stepper_;
  std::shared_ptr<Shown> shown_;  // of the present view
  nb::object view_;
  std::thread::id thread_;  // that steps; none at first
  std::vector<Index> tokens_;
};

template <class T>
void bind(nb::module_& m, const std::string& dtype) {
  using namespace nb::literals;
  using S = PyStepper<T>;
  nb::class_<S>(m, ("Stepper_" + dtype).c_str(), "Single steps with a state of its own.")
      .def(nb::init<std::shared_ptr<Program>, nb::handle, Index, const std::string&>(), "program"_a, "arrays"_a,
           "rows"_a, "weights"_a)
      .def("step", &S::step, nb::arg("x").noconvert())
      .def("step_token", &S::step_token, "token"_a)
      .def("step_tokens", &S::step_tokens, nb::arg("tokens").noconvert())
      .def("set_table", &S::set_table, nb::arg("inputs").noconvert())
      .def("read_state", &S::read_state, "to"_a)
      .def("write_state", &S::write_state, "states"_a)
      .def("take_over", &S::take_over);
}

}  // namespace

void bind_steppers(nb::module_& m) {
  bind<float>(m, "float32");
  bind<double>(m, "float64");
}

}  // namespace throughtime
