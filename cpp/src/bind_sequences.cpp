// forward and backward over whole sequences. The GIL is released while the engine runs.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <optional>

#include "arguments.h"

namespace throughtime {
namespace {

using Read = std::pair<nb::object, nb::object>;                 // x and None, or a table and ids
using Rule = std::tuple<nb::object, nb::object, bool>;          // lengths, batch sizes, reverse
using Wanted = std::tuple<nb::object, nb::object, nb::object>;  // gradients of x, of initial states, of arrays

// Where the rows of sequences lie: (T, B, width), or packed, (N, width), with the steps one after the other.
struct Layout {
  Extent extent;
  bool packed = false;
  std::vector<Index> offsets;  // of packed storage, in rows
  Index total = 0;             // N

  bool padded() const { return !packed && !extent.lengths.empty(); }
};

Layout layout_of_packed(const Program& p, const std::vector<Index>& sizes, bool reverse) {
  if (sizes.empty()) refuse(p, "batch sizes are empty");
  Layout layout;
  layout.packed = true;
  layout.extent = {Index(sizes.size()), sizes[0], {}, reverse};
  layout.extent.lengths.assign(std::size_t(std::max<Index>(0, sizes[0])), 0);
  Index before = sizes[0];
  for (std::size_t t = 0; t < sizes.size(); ++t) {
    if (sizes[t] < 1 || sizes[t] > before) refuse(p, "batch sizes must be positive and never grow");
    before = sizes[t];
    layout.offsets.push_back(layout.total);
    layout.total += before;
    std::fill_n(layout.extent.lengths.begin(), before, Index(t) + 1);
  }
  return layout;
}

Layout layout_of(const Program& p, Index steps, Index rows, const Rule& rule) {
  const auto& [lengths, batch_sizes, reverse] = rule;
  std::vector<Index> copy;
  if (!batch_sizes.is_none()) {
    copy_into(copy, nb::cast<Integers>(batch_sizes, false));
    return layout_of_packed(p, copy, reverse);
  }
  Layout layout;
  layout.extent = {steps, rows, {}, reverse};
  if (lengths.is_none()) return layout;
  const auto given = nb::cast<Integers>(lengths, false);
  if (Index(given.shape(0)) != rows)
    refuse(p, "lengths must be (B=" + std::to_string(rows) + ",), got " + shape_of(given));
  copy_into(copy, given);
  for (std::size_t r = 0; r < copy.size(); ++r)
    if (copy[r] < 0 || copy[r] > steps)
      refuse(p, "lengths must lie between 0 and T=" + std::to_string(steps) + ", got " + std::to_string(copy[r]) +
                    " in row " + std::to_string(r));
  layout.extent.lengths = std::move(copy);
  return layout;
}

// A sequence in memory of Python's.
template <class T>
class HeldSequence {
 public:
  Sequence<T> sequence;

  HeldSequence() = default;

  // Contiguous along the last axis. inputs: is it as wide as they are?
  HeldSequence(const Program& p, const char* what, const Array<T>& a, const Layout& layout, bool inputs) : held_(a) {
    const std::pair<const char*, Index> last{inputs ? "I" : "H", inputs ? p.input_width : p.output_width()};
    if (layout.packed)
      expect(p, what, a, {{"N", layout.total}, last});
    else
      expect(p, what, a, {{"T", layout.extent.steps}, {"B", layout.extent.rows}, last});
    point(layout, 1);
  }

  // As wide as the output, with any strides.
  HeldSequence(const Program& p, const char* what, const Array<T>& a, const Layout& layout) : held_(a) {
    const std::size_t last = layout.packed ? 1 : 2;
    bool ok = a.ndim() == last + 1 && Index(a.shape(last)) == p.output_width();
    ok = ok && (layout.packed ? Index(a.shape(0)) == layout.total
                              : Index(a.shape(0)) == layout.extent.steps && Index(a.shape(1)) == layout.extent.rows);
    if (!ok) refuse(p, std::string(what) + " has the wrong shape " + shape_of(a));
    expect_aligned(p, what, a);
    point(layout, a.stride(last));
  }

 private:
  void point(const Layout& layout, Index column) {
    if (!layout.packed) {
      sequence = {held_.data(), held_.stride(0), held_.stride(1), column, nullptr};
      return;
    }
    offsets_ = layout.offsets;
    for (Index& o : offsets_) o *= held_.stride(0);
    sequence = {held_.data(), 0, held_.stride(0), column, offsets_.data()};
  }

  Array<T> held_;
  std::vector<Index> offsets_;  // in elements
};

// What is read at each step: x, or rows of a table by ids, which are copied.
template <class T>
class HeldInputs {
 public:
  Inputs<T> inputs;           // after finish; points into this object
  Index steps = 0, rows = 0;  // where not packed

  HeldInputs(const Program& p, const Read& read, bool packed)
      : held_(nb::cast<Array<const T>>(read.first, false)), looks_up_(!read.second.is_none()) {
    if (looks_up_) {
      const auto a = nb::cast<Ids>(read.second, false);
      steps = Index(a.shape(0)), rows = Index(a.shape(1));
      ids_.reserve(elements(steps, rows));
      for (Index t = 0; t < steps; ++t)
        for (Index b = 0; b < rows; ++b) ids_.push_back(integer_at(a.data(), t * a.stride(0) + b * a.stride(1)));
    } else if (!packed) {
      if (held_.ndim() != 3) refuse(p, "x must be (T, B, I), got " + shape_of(held_));
      steps = Index(held_.shape(0)), rows = Index(held_.shape(1));
    }
  }
  HeldInputs(const HeldInputs&) = delete;
  HeldInputs& operator=(const HeldInputs&) = delete;

  void finish(const Program& p, const Layout& layout, nb::handle arrays) {
    const Extent& e = layout.extent;
    if (!looks_up_) {
      sequence_ = HeldSequence<const T>(p, "x", held_, layout, true);
      inputs.x = sequence_.sequence;
    } else {
      if (layout.packed || !e.lengths.empty() || !p.foldable) refuse(p, "this program takes no looked-up input");
      if (steps != e.steps || rows != e.rows)
        refuse(p, "ids must be (T=" + std::to_string(e.steps) + ", B=" + std::to_string(e.rows) + "), got (" +
                      std::to_string(steps) + ", " + std::to_string(rows) + ")");
      const Index count = expect_table<T>(p, held_);
      for (Index id : ids_)
        if (id < 0 || id >= count) refuse(p, "id " + std::to_string(id) + " is not in the table");
      inputs.lookup = {ids_.data(), rows, 1, held_.data(), count};
    }
    arrays_.emplace(p, "parameter arrays", arrays);
    inputs.arrays = arrays_->arrays;
  }

 private:
  Array<const T> held_;
  bool looks_up_;
  std::vector<Index> ids_;  // (T, B)
  HeldSequence<const T> sequence_;
  std::optional<HeldArrays<const T>> arrays_;
};

template <class T>
nb::object run_forward(const std::shared_ptr<Program>& p, const Read& read, nb::handle initial, nb::handle arrays,
                       const Rule& rule, const Array<T>& output, nb::handle final, bool training, int threads) {
  HeldInputs<T> given(*p, read, !std::get<1>(rule).is_none());
  const Layout layout = layout_of(*p, given.steps, given.rows, rule);
  given.finish(*p, layout, arrays);
  const HeldSequence<T> shown(*p, "output", output, layout, false);
  const HeldRows<const T> first(*p, "initial state", initial, layout.extent.rows);
  const HeldRows<T> last(*p, "final state", final, layout.extent.rows);
  expect_threads(*p, threads);
  const Outputs<T> outputs{shown.sequence, layout.padded(), last.rows};
  std::unique_ptr<Tape<T>> tape;
  {
    const nb::gil_scoped_release release;
    tape = forward<T>(*p, layout.extent, given.inputs, first.rows, outputs, training, threads);
  }
  return tape ? nb::cast(std::move(tape)) : nb::none();
}

// The gradients that are wanted of a call.
template <class T>
class HeldGradients {
 public:
  Gradients<T> gradients;  // points into this object

  HeldGradients(const Program& p, const Wanted& wanted, const Layout& layout, const Lookup<T>& lookup)
      : initial_(p, "gradient of the initial state", std::get<1>(wanted), layout.extent.rows),
        arrays_(p, "gradient arrays", std::get<2>(wanted)) {
    if (!std::get<0>(wanted).is_none()) {
      const auto a = nb::cast<Array<T>>(std::get<0>(wanted), false);
      if (lookup.count) {
        expect_contiguous(p, "d_table", a, {"count", lookup.count}, {"I", p.input_width});
        table_ = a;
        gradients.table = table_.data();
      } else {
        x_ = HeldSequence<T>(p, "d_x", a, layout, true);
        gradients.x = x_.sequence;
      }
    }
    gradients.pad = layout.padded();
    gradients.initial = initial_.rows;
    gradients.arrays = arrays_.arrays;
  }
  HeldGradients(const HeldGradients&) = delete;
  HeldGradients& operator=(const HeldGradients&) = delete;

 private:
  HeldSequence<T> x_;
  Array<T> table_;
  HeldRows<T> initial_;
  HeldArrays<T> arrays_;
};

template <class T>
void run_backward(const std::shared_ptr<Program>& p, const Tape<T>& tape, const Read& read, nb::handle arrays,
                  const nb::object& batch_sizes, nb::handle d_output, nb::handle d_final, const Wanted& wanted,
                  int threads) {
  if (tape.program != p->fingerprint)
    refuse(*p, "the tape is another program's; backward takes the one that this program's forward returned");
  Layout layout = layout_of(*p, tape.extent.steps, tape.extent.rows, {nb::none(), batch_sizes, tape.extent.reverse});
  if (layout.packed && (layout.extent.lengths != tape.extent.lengths || layout.extent.steps != tape.extent.steps))
    refuse(*p, "the tape belongs to other batch sizes");
  layout.extent = tape.extent;
  HeldInputs<T> given(*p, read, layout.packed);
  given.finish(*p, layout, arrays);
  HeldSequence<const T> shown;
  if (!d_output.is_none())
    shown = HeldSequence<const T>(*p, "d_output", nb::cast<Array<const T>>(d_output, false), layout);
  const HeldRows<const T> last(*p, "gradient of the final state", d_final, layout.extent.rows);
  const HeldGradients<T> results(*p, wanted, layout, given.inputs.lookup);
  expect_threads(*p, threads);
  const Adjoints<T> adjoints{shown.sequence, last.rows};
  const nb::gil_scoped_release release;
  backward<T>(*p, tape, given.inputs, adjoints, results.gradients, threads);
}

template <class T>
void bind(nb::module_& m, const std::string& dtype) {
  using namespace nb::literals;
  const nb::class_<Tape<T>> tape(m, ("Tape_" + dtype).c_str(), "What backward needs of one forward pass.");
  m.def(("forward_" + dtype).c_str(), &run_forward<T>, "program"_a, "read"_a, "initial"_a.none(), "arrays"_a, "rule"_a,
        nb::arg("output").noconvert(), "final"_a.none(), "training"_a, "threads"_a,
        "read: (x, None) or (table, ids). rule: (lengths or None, batch sizes or None, reverse).");
  m.def(("backward_" + dtype).c_str(), &run_backward<T>, "program"_a, "tape"_a, "read"_a, "arrays"_a,
        "batch_sizes"_a.none(), "d_output"_a.none(), "d_final"_a.none(), "wanted"_a, "threads"_a,
        "wanted: where to write the gradients of (x or the table, the initial states, the arrays).");
}

}  // namespace

void bind_sequences(nb::module_& m) {
  bind<float>(m, "float32");
  bind<double>(m, "float64");
}

}  // namespace throughtime
