// Python's view of the engine. Everything is validated here, before memory is touched; then the GIL is released.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <sstream>

#include "throughtime/narrow.h"
#include "throughtime/run.h"
#include "throughtime/streams.h"
#include "throughtime/threads.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace throughtime {
namespace {

template <class T>
using In = nb::ndarray<const T, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::device::cpu>;
using Ids = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::device::cpu>;
using Lengths = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

Place read_place(nb::handle h) {
  const auto [space, index, width] = nb::cast<std::tuple<int, int, int>>(h);
  if (space < 0 || space >= kSpaces) throw std::invalid_argument("program: an unknown space");
  return {Space(space), index, width};
}

Product read_product(nb::handle h) {
  const auto fields = nb::cast<nb::tuple>(h);
  Product product;
  product.target = read_place(fields[1]);
  const int start = nb::cast<int>(fields[2]);
  if (start < 0 || start > 2) throw std::invalid_argument("program: an unknown start");
  product.start = Start(start);
  for (nb::handle term : nb::cast<nb::list>(fields[3])) {
    const auto pair = nb::cast<nb::tuple>(term);
    product.terms.push_back({read_place(pair[0]), nb::cast<int>(pair[1])});
  }
  return product;
}

Pass read_pass(nb::handle h) {
  const auto fields = nb::cast<nb::tuple>(h);
  Pass pass;
  pass.width = nb::cast<int>(fields[0]);
  for (nb::handle product : nb::cast<nb::list>(fields[1])) pass.hoisted.push_back(read_product(product));
  for (nb::handle phase : nb::cast<nb::list>(fields[2])) {
    const auto parts = nb::cast<nb::tuple>(phase);
    if (nb::cast<std::string>(parts[0]) == "product") {
      pass.phases.emplace_back(read_product(parts));
    } else {
      Tile tile;
      for (nb::handle i : nb::cast<nb::list>(parts[1])) {
        const auto [operation, target, a, b, c] = nb::cast<std::tuple<int, int, int, int, int>>(i);
        tile.instructions.push_back({operation, target, a, b, c});
      }
      tile.temporaries = nb::cast<int>(parts[2]);
      pass.phases.emplace_back(std::move(tile));
    }
  }
  return pass;
}

std::shared_ptr<Program> read_program(nb::dict spec) {
  auto p = std::make_shared<Program>();
  using Pairs = std::vector<std::pair<int, int>>;
  p->name = nb::cast<std::string>(spec["name"]);
  p->input_width = nb::cast<int>(spec["input_width"]);
  p->state_widths = nb::cast<std::vector<int>>(spec["state_widths"]);
  p->output_state = nb::cast<int>(spec["output_state"]);
  p->every = nb::cast<bool>(spec["every"]);
  for (const auto& [rows, columns, sources] : nb::cast<std::vector<std::tuple<int, int, Pairs>>>(spec["parameters"]))
    p->parameters.push_back({rows, columns, sources});
  p->arrays = nb::cast<Pairs>(spec["arrays"]);
  p->constants = nb::cast<std::vector<double>>(spec["constants"]);
  for (nb::handle place : nb::cast<nb::list>(spec["places"])) p->places.push_back(read_place(place));
  for (const auto& [parameters, transposed] : nb::cast<std::vector<std::pair<std::vector<int>, bool>>>(spec["packs"]))
    p->packs.push_back({parameters, transposed});
  p->biases = nb::cast<Pairs>(spec["biases"]);
  p->inference = read_pass(spec["inference"]);
  p->training = read_pass(spec["training"]);
  p->backward = read_pass(spec["backward"]);
  p->summed = nb::cast<int>(spec["summed"]);
  for (const auto& [operand, parameter, column] : nb::cast<std::vector<std::tuple<int, int, int>>>(spec["weights"]))
    p->weights.push_back({operand, parameter, column});
  p->vectors = nb::cast<Pairs>(spec["vectors"]);
  for (nb::handle product : nb::cast<nb::list>(spec["input_products"]))
    p->input_products.push_back(read_product(product));
  p->input_elementwise = nb::cast<int>(spec["input_elementwise"]);
  p->check();
  return p;
}

template <class A>
std::string shape_of(const A& a) {
  std::ostringstream out;
  out << "(";
  for (std::size_t i = 0; i < a.ndim(); ++i) out << (i ? ", " : "") << a.shape(i);
  out << (a.ndim() == 1 ? ",)" : ")");
  return out.str();
}

template <class A>
void expect(const Program& p, const std::string& what, const A& a,
            std::initializer_list<std::pair<const char*, Index>> shape) {
  bool ok = a.ndim() == shape.size();
  std::size_t i = 0;
  for (const auto& [name, n] : shape) ok = ok && Index(a.shape(i++)) == n;
  if (!ok) {
    std::ostringstream out;
    out << p.name << ": " << what << " must be (";
    const char* comma = "";
    for (const auto& [name, n] : shape) out << comma << name << "=" << n, comma = ", ";
    out << "), got " << shape_of(a);
    throw nb::value_error(out.str().c_str());
  }
  if (a.size() && a.ndim() && a.shape(a.ndim() - 1) > 1 && a.stride(a.ndim() - 1) != 1) {
    throw nb::value_error((p.name + ": the last axis of " + what + " must be contiguous").c_str());
  }
}

// A (T, B, width) sequence, or (N, width) where `offsets` say where each step begins.
template <class T, class A>
Sequence<T> sequence(const Program& p, const std::string& what, const A& a, const Extent& e, Index width,
                     const std::vector<Index>& offsets, Index total, std::vector<Index>& scaled) {
  if (offsets.empty()) {
    expect(p, what, a, {{"T", e.steps}, {"B", e.rows}, {what == "x" || what == "d_x" ? "I" : "H", width}});
    return {a.data(), a.stride(0), a.stride(1), 1, nullptr};
  }
  expect(p, what, a, {{"N", total}, {what == "x" || what == "d_x" ? "I" : "H", width}});
  scaled = offsets;
  for (Index& o : scaled) o *= a.stride(0);
  return {a.data(), 0, a.stride(0), 1, scaled.data()};
}

struct Layout {
  Extent extent;
  std::vector<Index> offsets;  // of packed storage, in rows
  Index total = 0;
};

Layout layout_of(const Program& p, Index steps, Index rows, nb::handle lengths, nb::handle batch_sizes, bool reverse) {
  Layout layout;
  layout.extent.reverse = reverse;
  if (!batch_sizes.is_none()) {
    const auto sizes = nb::cast<Lengths>(batch_sizes, false);
    const Index count = Index(sizes.shape(0));
    Index before = count ? sizes(0) : 0;
    layout.extent.rows = before;
    layout.extent.steps = count;
    layout.extent.lengths.assign(std::size_t(std::max<Index>(0, before)), 0);
    for (Index t = 0; t < count; ++t) {
      const Index n = sizes(t);
      if (n < 1 || n > before)
        throw nb::value_error((p.name + ": batch sizes must be positive and never grow").c_str());
      layout.offsets.push_back(layout.total);
      layout.total += n;
      for (Index r = 0; r < n; ++r) layout.extent.lengths[r] = t + 1;
      before = n;
    }
    if (!count) throw nb::value_error((p.name + ": batch sizes are empty").c_str());
    return layout;
  }
  layout.extent.steps = steps;
  layout.extent.rows = rows;
  if (!lengths.is_none()) {
    const auto given = nb::cast<Lengths>(lengths, false);
    if (Index(given.shape(0)) != rows)
      throw nb::value_error(
          (p.name + ": lengths must be (B=" + std::to_string(rows) + ",), got " + shape_of(given)).c_str());
    for (Index r = 0; r < rows; ++r) {
      if (given(r) < 0 || given(r) > steps)
        throw nb::value_error((p.name + ": lengths must lie between 0 and T=" + std::to_string(steps) + ", got " +
                               std::to_string(given(r)) + " in row " + std::to_string(r))
                                  .c_str());
      layout.extent.lengths.push_back(given(r));
    }
  }
  return layout;
}

// Ids (T, B) into a table (count, I); empty where there are no ids.
template <class T>
Lookup<T> lookup_of(const Program& p, const In<T>& table, nb::handle ids, const Extent& e, bool packed) {
  if (ids.is_none()) return {};
  const auto a = nb::cast<Ids>(ids, false);
  if (packed || !e.lengths.empty() || !p.foldable)
    throw nb::value_error((p.name + ": this program takes no looked-up input").c_str());
  expect(p, "ids", a, {{"T", e.steps}, {"B", e.rows}});
  if (table.ndim() != 2 || !table.shape(0)) throw nb::value_error((p.name + ": a table must be (count, I)").c_str());
  expect(p, "table", table, {{"count", Index(table.shape(0))}, {"I", p.input_width}});
  if (table.shape(0) > 1 && table.stride(0) != p.input_width)
    throw nb::value_error((p.name + ": a table must be contiguous").c_str());
  const Index count = Index(table.shape(0));
  for (Index t = 0; t < e.steps; ++t)
    for (Index b = 0; b < e.rows; ++b) {
      const Index id = a.data()[t * a.stride(0) + b * a.stride(1)];
      if (id < 0 || id >= count)
        throw nb::value_error((p.name + ": id " + std::to_string(id) + " is not in the table").c_str());
    }
  return {a.data(), a.stride(0), a.stride(1), table.data(), count};
}

template <class T, class A, class R>
std::vector<Rows<T>> states(const Program& p, const char* what, nb::handle given, Index rows) {
  std::vector<Rows<T>> out(p.state_widths.size());
  if (given.is_none()) return out;
  const auto list = nb::cast<nb::sequence>(given);
  if (nb::len(list) != out.size())
    throw nb::value_error((p.name + ": " + what + " must hold " + std::to_string(out.size()) + " states").c_str());
  for (std::size_t j = 0; j < out.size(); ++j) {
    nb::object item = list[j];
    if (item.is_none()) continue;
    const auto a = nb::cast<A>(item, false);
    expect(p, std::string(what) + " " + std::to_string(j), a, {{"B", rows}, {"H", p.state_widths[j]}});
    out[j] = {a.data(), a.stride(0)};
  }
  return out;
}

template <class T, class A>
Arrays<T> arrays_of(const Program& p, const char* what, nb::handle given) {
  const auto list = nb::cast<nb::sequence>(given);
  Arrays<T> out;
  if (nb::len(list) != p.arrays.size())
    throw nb::value_error((p.name + ": expected " + std::to_string(p.arrays.size()) + " " + what + ", got " +
                           std::to_string(nb::len(list)))
                              .c_str());
  for (std::size_t i = 0; i < p.arrays.size(); ++i) {
    nb::object item = list[i];
    if (item.is_none()) {
      if constexpr (std::is_const_v<T>)
        throw nb::value_error((p.name + ": " + what + " " + std::to_string(i) + " is missing").c_str());
      out.data.push_back(nullptr);
      out.row.push_back(0);
      continue;
    }
    const auto a = nb::cast<A>(item, false);
    const auto [rows, columns] = p.arrays[i];
    const std::string name = std::string(what) + " " + std::to_string(i);
    if (columns)
      expect(p, name, a, {{"rows", rows}, {"columns", columns}});
    else
      expect(p, name, a, {{"rows", rows}});
    out.data.push_back(a.data());
    out.row.push_back(columns ? a.stride(0) : 1);
  }
  return out;
}

int checked_threads(const Program& p, int threads) {
  if (threads < 1 || threads > 1024) throw nb::value_error((p.name + ": threads must lie between 1 and 1024").c_str());
  return threads;
}

template <class T>
nb::object run_forward(std::shared_ptr<Program> p, nb::handle given, nb::handle ids, nb::handle initial,
                       nb::handle arrays, nb::handle lengths, nb::handle batch_sizes, bool reverse,
                       const Out<T>& output, nb::handle final, bool training, int threads) {
  const bool packed = !batch_sizes.is_none();
  const auto x = nb::cast<In<T>>(given, false);
  Index steps = 0, rows = 0;
  if (!ids.is_none()) {
    const auto a = nb::cast<Ids>(ids, false);
    steps = Index(a.shape(0)), rows = Index(a.shape(1));
  } else if (!packed) {
    if (x.ndim() != 3) throw nb::value_error((p->name + ": x must be (T, B, I), got " + shape_of(x)).c_str());
    steps = Index(x.shape(0)), rows = Index(x.shape(1));
  }
  const Layout layout = layout_of(*p, steps, rows, lengths, batch_sizes, reverse);
  const Extent& e = layout.extent;
  std::vector<Index> scaled_x, scaled_y;
  const Lookup<T> lookup = lookup_of(*p, x, ids, e, packed);
  const auto in = lookup.count
                      ? Sequence<const T>{}
                      : sequence<const T>(*p, "x", x, e, p->input_width, layout.offsets, layout.total, scaled_x);
  const auto out = sequence<T>(*p, "output", output, e, p->output_width(), layout.offsets, layout.total, scaled_y);
  const auto first = states<const T, In<T>, T>(*p, "initial state", initial, e.rows);
  const auto last = states<T, Out<T>, T>(*p, "final state", final, e.rows);
  const auto weights = arrays_of<const T, In<T>>(*p, "parameter arrays", arrays);
  checked_threads(*p, threads);
  std::unique_ptr<Tape<T>> tape;
  {
    nb::gil_scoped_release release;
    tape = forward<T>(*p, e, in, lookup, first, weights, out, !packed && !e.lengths.empty(), last, training, threads);
  }
  if (!tape) return nb::none();
  return nb::cast(std::move(tape));
}

template <class T>
void run_backward(std::shared_ptr<Program> p, const Tape<T>& tape, nb::handle given, nb::handle ids, nb::handle arrays,
                  nb::handle batch_sizes, nb::handle d_output, nb::handle d_final, nb::handle d_x, nb::handle d_initial,
                  nb::handle d_arrays, int threads) {
  const bool packed = !batch_sizes.is_none();
  const Layout layout =
      layout_of(*p, tape.extent.steps, tape.extent.rows, nb::none(), batch_sizes, tape.extent.reverse);
  const Extent& e = tape.extent;
  if (packed && (layout.extent.lengths != e.lengths || layout.extent.steps != e.steps))
    throw nb::value_error((p->name + ": the tape belongs to other batch sizes").c_str());
  if (tape.stride < p->training.width)
    throw nb::value_error((p->name + ": the tape belongs to another program").c_str());
  std::vector<Index> scaled[3];
  const auto x = nb::cast<In<T>>(given, false);
  const Lookup<T> lookup = lookup_of(*p, x, ids, e, packed);
  const auto in = lookup.count
                      ? Sequence<const T>{}
                      : sequence<const T>(*p, "x", x, e, p->input_width, layout.offsets, layout.total, scaled[0]);
  Sequence<const T> gradient;
  const Index width = p->output_width();
  if (!d_output.is_none()) {
    const auto a = nb::cast<In<T>>(d_output, false);
    const std::size_t last = packed ? 1 : 2;
    bool ok = a.ndim() == last + 1 && Index(a.shape(last)) == width;
    ok = ok &&
         (packed ? Index(a.shape(0)) == layout.total : Index(a.shape(0)) == e.steps && Index(a.shape(1)) == e.rows);
    if (!ok) throw nb::value_error((p->name + ": d_output has the wrong shape " + shape_of(a)).c_str());
    gradient = {a.data(), packed ? 0 : a.stride(0), a.stride(packed ? 0 : 1), a.stride(last), nullptr};
    if (packed) {
      scaled[1] = layout.offsets;
      for (Index& o : scaled[1]) o *= a.stride(0);
      gradient.offsets = scaled[1].data();
    }
  }
  Sequence<T> dx;
  T* d_table = nullptr;
  if (lookup.count && !d_x.is_none()) {
    const auto a = nb::cast<Out<T>>(d_x, false);
    expect(*p, "d_table", a, {{"count", lookup.count}, {"I", p->input_width}});
    if (lookup.count > 1 && a.stride(0) != p->input_width)
      throw nb::value_error((p->name + ": d_table must be contiguous").c_str());
    d_table = a.data();
  } else if (!d_x.is_none())
    dx = sequence<T>(*p, "d_x", nb::cast<Out<T>>(d_x, false), e, p->input_width, layout.offsets, layout.total,
                     scaled[2]);
  const auto last = states<const T, In<T>, T>(*p, "gradient of the final state", d_final, e.rows);
  const auto first = states<T, Out<T>, T>(*p, "gradient of the initial state", d_initial, e.rows);
  const auto weights = arrays_of<const T, In<T>>(*p, "parameter arrays", arrays);
  const auto gradients = arrays_of<T, Out<T>>(*p, "gradient arrays", d_arrays);
  checked_threads(*p, threads);
  nb::gil_scoped_release release;
  backward<T>(*p, tape, in, lookup, d_table, weights, gradient, last, dx, !packed && !e.lengths.empty(), first,
              gradients, threads);
}

template <class T>
Form form_of(const Program& p, const std::string& name) {
  const int form = name == "float32" ? 0 : name == "bfloat16" ? 1 : name == "int8" ? 2 : -1;
  if (sizeof(T) == 8 && name == "float64") return Form::float32;
  if (form < 0 || (form > 0 && sizeof(T) != 4))
    throw nb::value_error((p.name + ": no weights " + name +
                           (sizeof(T) == 4 ? ", but float32, bfloat16, int8" : " in a float64 program, but float64"))
                              .c_str());
  return Form(form);
}

// A Stepper with the checks Python needs.
template <class T>
class PyStepper {
 public:
  PyStepper(std::shared_ptr<Program> p, nb::handle arrays, Index rows, const std::string& weights)
      : program_(p),
        rows_(rows),
        owner_(std::make_shared<Stepper<T>>(checked(p, rows), arrays_of<const T, In<T>>(*p, "parameter arrays", arrays),
                                            rows, form_of<T>(*p, weights))),
        stepper_(*owner_) {
    // one array for all steps, on the output state, which never moves; it keeps the stepper alive, not this object
    using Owner = std::shared_ptr<Stepper<T>>;
    const nb::capsule owner(new Owner(owner_), [](void* o) noexcept { delete static_cast<Owner*>(o); });
    const std::size_t width = std::size_t(p->state_widths[p->output_state]);
    T* data = stepper_.state(p->output_state);
    if (rows == 1)
      view_ = nb::cast(nb::ndarray<nb::numpy, T>(data, {width}, owner));
    else
      view_ =
          nb::cast(nb::ndarray<nb::numpy, T>(data, {std::size_t(rows), width}, owner, {stepper_.output_stride(), 1}));
  }

  nb::object step(const In<T>& x) {
    if (rows_ == 1 && x.ndim() == 1)
      expect(*program_, "x", x, {{"I", program_->input_width}});
    else
      expect(*program_, "x", x, {{"B", rows_}, {"I", program_->input_width}});
    if (x.ndim() == 2 && rows_ > 1 && x.stride(0) != program_->input_width)
      throw nb::value_error((program_->name + ": x must be contiguous").c_str());
    stepper_.step(x.data());
    return view_;
  }

  nb::object step_token(Index token) {
    if (rows_ != 1) throw nb::value_error((program_->name + ": step_token is for one row").c_str());
    check_token(token);
    stepper_.step_tokens(&token);
    return view_;
  }

  nb::object step_tokens(const Lengths& tokens) {
    expect(*program_, "tokens", tokens, {{"B", rows_}});
    for (Index r = 0; r < rows_; ++r) check_token(tokens(r));
    stepper_.step_tokens(tokens.data());
    return view_;
  }

  void set_table(const In<T>& inputs) {
    if (inputs.ndim() != 2 || !inputs.shape(0))
      throw nb::value_error((program_->name + ": a table must be (count, I)").c_str());
    expect(*program_, "table", inputs, {{"count", Index(inputs.shape(0))}, {"I", program_->input_width}});
    if (inputs.shape(0) > 1 && inputs.stride(0) != program_->input_width)
      throw nb::value_error((program_->name + ": a table must be contiguous").c_str());
    stepper_.set_table(inputs.data(), Index(inputs.shape(0)));
  }

  void read_state(const std::vector<Out<T>>& to) const {
    for (std::size_t j = 0; j < check_states(to); ++j)
      for (Index r = 0; r < rows_; ++r)
        std::copy_n(stepper_.state(int(j)) + r * stepper_.state_stride(int(j)), program_->state_widths[j],
                    to[j].data() + r * to[j].stride(0));
  }

  void write_state(const std::vector<In<T>>& from) {
    for (std::size_t j = 0; j < check_states(from); ++j)
      for (Index r = 0; r < rows_; ++r)
        std::copy_n(from[j].data() + r * from[j].stride(0), program_->state_widths[j],
                    stepper_.state(int(j)) + r * stepper_.state_stride(int(j)));
  }

 private:
  static std::shared_ptr<const Program> checked(std::shared_ptr<Program> p, Index rows) {
    if (rows < 1 || rows > (Index(1) << 24))
      throw nb::value_error((p->name + ": a stepper needs at least one row").c_str());
    return p;
  }
  template <class A>
  std::size_t check_states(const std::vector<A>& list) const {
    if (list.size() != program_->state_widths.size())
      throw nb::value_error(
          (program_->name + ": expected " + std::to_string(program_->state_widths.size()) + " states").c_str());
    for (std::size_t j = 0; j < list.size(); ++j)
      expect(*program_, "state", list[j], {{"B", rows_}, {"H", program_->state_widths[j]}});
    return list.size();
  }
  void check_token(Index token) const {
    if (token < 0 || token >= stepper_.table_size())
      throw nb::value_error((program_->name + ": token " + std::to_string(token) + " is not in the table").c_str());
  }

  std::shared_ptr<Program> program_;
  Index rows_;
  std::shared_ptr<Stepper<T>> owner_;
  Stepper<T>& stepper_;
  nb::object view_;
};

// Streams with the checks Python needs. Calls that change them hold the GIL, so that one comes after the other.
template <class T>
class PyStreams {
 public:
  PyStreams(std::shared_ptr<Program> p, nb::handle arrays, const std::string& weights)
      : program_(p), streams_(p, arrays_of<const T, In<T>>(*p, "parameter arrays", arrays), form_of<T>(*p, weights)) {}

  Index join() { return streams_.join(); }
  Index size() const { return streams_.size(); }
  std::vector<Index> ids() const { return {streams_.ids(), streams_.ids() + streams_.size()}; }

  void leave(Index id) {
    row(id);
    streams_.leave(id);
  }

  void step(const Lengths& ids, const In<T>& x, const Out<T>& output, int threads) {
    const Index n = find(ids);
    expect(*program_, "x", x, {{"streams", n}, {"I", program_->input_width}});
    check_call(output, n, threads);
    streams_.step(rows_.data(), n, x.data(), x.stride(0), output.data(), threads);
  }

  void step_tokens(const Lengths& ids, const Lengths& tokens, const Out<T>& output, int threads) {
    const Index n = find(ids);
    expect(*program_, "tokens", tokens, {{"streams", n}});
    for (Index i = 0; i < n; ++i)
      if (tokens(i) < 0 || tokens(i) >= streams_.table_size())
        throw nb::value_error(
            (program_->name + ": token " + std::to_string(tokens(i)) + " is not in the table").c_str());
    check_call(output, n, threads);
    streams_.step_tokens(rows_.data(), n, tokens.data(), output.data(), threads);
  }

  void set_table(const In<T>& inputs) {
    if (inputs.ndim() != 2 || !inputs.shape(0))
      throw nb::value_error((program_->name + ": a table must be (count, I)").c_str());
    expect(*program_, "table", inputs, {{"count", Index(inputs.shape(0))}, {"I", program_->input_width}});
    if (inputs.shape(0) > 1 && inputs.stride(0) != program_->input_width)
      throw nb::value_error((program_->name + ": a table must be contiguous").c_str());
    streams_.set_table(inputs.data(), Index(inputs.shape(0)));
  }

  void read_state(Index id, const std::vector<Out<T>>& to) {
    const Index r = row(id);
    for (std::size_t j = 0; j < check_states(to); ++j)
      std::copy_n(streams_.state(int(j), r), program_->state_widths[j], to[j].data());
  }

  void write_state(Index id, const std::vector<In<T>>& from) {
    const Index r = row(id);
    for (std::size_t j = 0; j < check_states(from); ++j)
      std::copy_n(from[j].data(), program_->state_widths[j], streams_.state(int(j), r));
  }

 private:
  Index row(Index id) {
    Index found = 0;
    if (streams_.find(&id, 1, &found) < 1)
      throw nb::value_error((program_->name + ": no live stream " + std::to_string(id)).c_str());
    return found;
  }
  Index find(const Lengths& ids) {
    const Index n = Index(ids.shape(0));
    rows_.resize(std::size_t(n));
    const Index found = streams_.find(ids.data(), n, rows_.data());
    if (found < n)
      throw nb::value_error((program_->name + ": ids must be live streams, each once, got " +
                             std::to_string(ids(found)) + " at " + std::to_string(found))
                                .c_str());
    return n;
  }
  void check_call(const Out<T>& output, Index n, int threads) const {
    const Index width = program_->state_widths[program_->output_state];
    expect(*program_, "output", output, {{"streams", n}, {"H", width}});
    if (n > 1 && output.stride(0) != width)
      throw nb::value_error((program_->name + ": output must be contiguous").c_str());
    checked_threads(*program_, threads);
  }
  template <class A>
  std::size_t check_states(const std::vector<A>& list) const {
    if (list.size() != program_->state_widths.size())
      throw nb::value_error(
          (program_->name + ": expected " + std::to_string(program_->state_widths.size()) + " states").c_str());
    for (std::size_t j = 0; j < list.size(); ++j)
      expect(*program_, "state", list[j], {{"H", program_->state_widths[j]}});
    return list.size();
  }

  std::shared_ptr<Program> program_;
  Streams<T> streams_;
  std::vector<Index> rows_;
};

template <class T>
void bind(nb::module_& m, const char* suffix) {
  const std::string s = suffix;
  nb::class_<Tape<T>>(m, ("Tape_" + s).c_str(), "What backward needs of one forward pass.");
  m.def(("forward_" + s).c_str(), &run_forward<T>, "program"_a, "x"_a, "ids"_a.none(), "initial"_a.none(), "arrays"_a,
        "lengths"_a.none(), "batch_sizes"_a.none(), "reverse"_a, nb::arg("output").noconvert(), "final"_a.none(),
        "training"_a, "threads"_a);
  m.def(("backward_" + s).c_str(), &run_backward<T>, "program"_a, "tape"_a, "x"_a, "ids"_a.none(), "arrays"_a,
        "batch_sizes"_a.none(), "d_output"_a.none(), "d_final"_a.none(), "d_x"_a.none(), "d_initial"_a.none(),
        "d_arrays"_a, "threads"_a);
  nb::class_<PyStepper<T>>(m, ("Stepper_" + s).c_str(), "Single steps with a state of its own.")
      .def(nb::init<std::shared_ptr<Program>, nb::handle, Index, const std::string&>(), "program"_a, "arrays"_a,
           "rows"_a, "weights"_a)
      .def("step", &PyStepper<T>::step, nb::arg("x").noconvert())
      .def("step_token", &PyStepper<T>::step_token, "token"_a)
      .def("step_tokens", &PyStepper<T>::step_tokens, nb::arg("tokens").noconvert())
      .def("set_table", &PyStepper<T>::set_table, nb::arg("inputs").noconvert())
      .def("read_state", &PyStepper<T>::read_state, "to"_a)
      .def("write_state", &PyStepper<T>::write_state, "states"_a);
  nb::class_<PyStreams<T>>(m, ("Streams_" + s).c_str(), "Many streams of single steps.")
      .def(nb::init<std::shared_ptr<Program>, nb::handle, const std::string&>(), "program"_a, "arrays"_a, "weights"_a)
      .def("__len__", &PyStreams<T>::size)
      .def("ids", &PyStreams<T>::ids)
      .def("join", &PyStreams<T>::join)
      .def("leave", &PyStreams<T>::leave, "id"_a)
      .def("step", &PyStreams<T>::step, "ids"_a, nb::arg("x").noconvert(), nb::arg("output").noconvert(), "threads"_a)
      .def("step_tokens", &PyStreams<T>::step_tokens, "ids"_a, "tokens"_a, nb::arg("output").noconvert(), "threads"_a)
      .def("set_table", &PyStreams<T>::set_table, nb::arg("inputs").noconvert())
      .def("read_state", &PyStreams<T>::read_state, "id"_a, "to"_a)
      .def("write_state", &PyStreams<T>::write_state, "id"_a, "states"_a);
}

// Memory for a result, from the recycler: what is dropped serves the next call, instead of fresh pages every time.
nb::ndarray<nb::numpy, std::uint8_t> block(std::size_t bytes) {
  auto memory = std::make_unique<Buffer<std::uint8_t>>(bytes);
  std::uint8_t* data = memory->data();
  nb::capsule owner(memory.get(), [](void* p) noexcept { delete static_cast<Buffer<std::uint8_t>*>(p); });
  memory.release();
  return nb::ndarray<nb::numpy, std::uint8_t>(data, {bytes}, owner);
}

}  // namespace
}  // namespace throughtime

NB_MODULE(_engine, m) {
  using namespace throughtime;
  m.doc() = "The compiled engine; use throughtime.engine.";
  nb::set_leak_warnings(false);  // engine.compile's cache lives as long as the interpreter
  nb::class_<Program>(m, "Program", "A checked program.")
      .def_ro("foldable", &Program::foldable)
      .def_prop_ro("record_width", [](const Program& p) { return p.training.width; });
  m.def("program", &read_program, "spec"_a, "Read and check a program; ValueError says what is wrong.");
  m.def("block", &block, "bytes"_a, "Uninitialised memory as an array of bytes.");
  m.def(
      "multiply_adds",
      [](Index rounds, int threads) {
        if (rounds < 0 || rounds > Index(1) << 40 || threads < 1 || threads > 1024)
          throw nb::value_error("multiply_adds: rounds or threads out of range");
        nb::gil_scoped_release release;
        parallel(threads, [&](int) {
          volatile float sink = kernels<float>().multiply_adds(rounds);
          (void)sink;
        });
        return double(rounds) * double(kernels<float>().round) * threads;
      },
      "rounds"_a, "threads"_a, "Float32 multiply-adds on registers alone, on every thread; how many they were.");
  m.def("instruction_set", [] { return std::string(kernels<float>().name); }, "The kernels this processor uses.");
  bind<float>(m, "float32");
  bind<double>(m, "float64");
}
