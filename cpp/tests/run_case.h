// One call of the engine with buffers of its own, each exactly as large as the contract says and no element larger, so
// that AddressSanitizer sees the first step outside.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>

#include "test.h"
#include "throughtime/run.h"

namespace throughtime::test {

template <class T>
struct Exact {
  std::unique_ptr<T[]> memory;
  Index size = 0;
  Exact() = default;
  explicit Exact(Index n) : memory(new T[std::size_t(n)]), size(n) { std::fill(begin(), end(), nan()); }
  static T nan() { return std::numeric_limits<T>::quiet_NaN(); }
  T* data() const { return size ? memory.get() : nullptr; }
  T* begin() const { return memory.get(); }
  T* end() const { return memory.get() + size; }
  T& operator[](Index i) const { return memory[std::size_t(i)]; }
};

struct Options {
  Index steps = 3, rows = 2;
  int threads = 1;
  bool reverse = false;
  bool ragged = false;  // lengths in [0, T]
  bool packed = false;  // ragged, sorted, stored step by step
  bool lookup = false;  // ids into a table; needs a foldable program
  bool by_row = false;  // batch first
  Index extra = 0;      // elements between rows that belong to nobody
  unsigned absent = 0;  // bits: what is null, see below
  std::uint32_t seed = 1;
  Index budget = Index(1) << 20;  // elements of the largest buffer the caller is ready to hold
};
enum Absent : unsigned {
  no_initial = 1,
  no_final = 2,
  no_d_output = 4,
  no_d_final = 8,
  no_d_x = 16,
  no_d_initial = 32,
  some_arrays = 64,
  no_arrays = 128
};

template <class T>
struct Run {
  const Program& p;
  Options o;
  Extent extent;
  std::vector<Index> offsets[3];
  Index count = 4;  // of the table
  Exact<T> x, output, d_output, d_x, table, d_table;
  std::vector<Exact<T>> arrays, d_arrays, initial, final, d_initial, d_final;
  Exact<Index> ids;
  std::shared_ptr<Tape<T>> tape;

  Run(const Program& program, const Options& options) : p(program), o(options) {
    Random random(o.seed);
    extent = {o.steps, o.rows, {}, o.reverse};
    if (o.ragged || o.packed)
      for (Index r = 0; r < o.rows; ++r) extent.lengths.push_back(random.below(o.steps + 1));
    if (o.packed) {  // the longest first, none empty
      for (Index& n : extent.lengths) n = std::max<Index>(1, n);
      std::sort(extent.lengths.rbegin(), extent.lengths.rend());
      if (o.rows) extent.lengths[0] = o.steps;
    }
    x = sequence(p.input_width, random), output = sequence(width(), random), d_output = sequence(width(), random);
    d_x = sequence(p.input_width, random);
    std::fill(output.begin(), output.end(), T(99)), std::fill(d_x.begin(), d_x.end(), T(99));
    for (int w : p.state_widths)
      for (auto* list : {&initial, &final, &d_initial, &d_final})
        list->push_back(filled(o.rows ? (o.rows - 1) * (w + o.extra) + w : 0, random));
    for (auto [rows, columns] : p.arrays) {
      const Index n = Index(rows) * std::max(1, columns);
      arrays.push_back(filled(repeated(rows, columns) ? columns : n, random));
      for (T& value : arrays.back()) value *= T(0.5);
      d_arrays.push_back(repeated(rows, columns) ? Exact<T>() : Exact<T>(n));
    }
    if (o.lookup) {
      table = filled(count * p.input_width, random), d_table = Exact<T>(count * p.input_width);
      ids.memory.reset(new Index[std::size_t(o.steps * o.rows)]), ids.size = o.steps * o.rows;
      for (Index& id : ids) id = random.below(count);
    }
  }

  Index width() const { return p.output_width(); }
  bool missing(unsigned what) const { return (o.absent & what) != 0; }

  // Element (t, b, 0) of a sequence `w` wide.
  Index at(Index t, Index b, Index w) const {
    const Index row = w + o.extra;
    if (o.packed) return (start(t) + b) * row;
    return o.by_row ? (b * o.steps + t) * row : (t * o.rows + b) * row;
  }
  Index length(Index b) const { return extent.lengths.empty() ? o.steps : extent.lengths[b]; }

  void forward(bool training) {
    const Outputs<T> outputs{view<T>(output, width(), 1), padded(), rows<T>(final, no_final)};
    tape =
        throughtime::forward<T>(p, extent, inputs(), rows<const T>(initial, no_initial), outputs, training, o.threads);
  }
  void backward() {
    Adjoints<T> adjoints{view<const T>(d_output, width(), 1), rows<const T>(d_final, no_d_final)};
    if (missing(no_d_output)) adjoints.output.data = nullptr;
    Gradients<T> gradients;
    gradients.pad = padded();
    gradients.initial = rows<T>(d_initial, no_d_initial);
    if (!missing(no_d_x) && !o.lookup) gradients.x = view<T>(d_x, p.input_width, 2);
    if (!missing(no_d_x) && o.lookup) gradients.table = d_table.data();
    for (std::size_t i = 0; i < d_arrays.size(); ++i) {
      const bool null = missing(no_arrays) || (missing(some_arrays) && i % 2);
      gradients.arrays.data.push_back(null ? nullptr : d_arrays[i].data());
      gradients.arrays.row.push_back(std::max(1, p.arrays[i].second));
    }
    throughtime::backward<T>(p, *tape, inputs(), adjoints, gradients, o.threads);
  }
  Arrays<const T> parameters() const {
    Arrays<const T> out;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      out.data.push_back(arrays[i].data());
      out.row.push_back(repeated(p.arrays[i].first, p.arrays[i].second) ? 0 : std::max(1, p.arrays[i].second));
    }
    return out;
  }

 private:
  bool padded() const { return !o.packed && !extent.lengths.empty(); }
  // A matrix too large for the caller is one row, repeated.
  bool repeated(Index rows, Index columns) const { return columns && rows * columns > (Index(1) << 16); }
  Index start(Index t) const {  // rows stored before step t
    Index n = 0;
    for (Index length : extent.lengths) n += std::min(length, t);
    return n;
  }
  Exact<T> filled(Index n, Random& random) const {
    if (n > o.budget) throw std::length_error("more than the caller holds");
    Exact<T> e(n);
    for (T& value : e) value = T(random());
    return e;
  }
  Exact<T> sequence(Index w, Random& random) const {
    const Index total = o.packed ? start(o.steps) : o.steps * o.rows;
    return filled(total ? (total - 1) * (w + o.extra) + w : 0, random);
  }
  Inputs<T> inputs() {
    return {o.lookup ? Sequence<const T>{} : view<const T>(x, p.input_width, 0), lookup(), parameters()};
  }
  template <class U>
  Sequence<U> view(const Exact<T>& e, Index w, int slot) {
    const Index row = w + o.extra;
    if (!o.packed) return {e.data(), o.by_row ? row : o.rows * row, o.by_row ? o.steps * row : row, 1, nullptr};
    offsets[slot].clear();
    for (Index t = 0; t < o.steps; ++t) offsets[slot].push_back(start(t) * row);
    return {e.data(), 0, row, 1, offsets[slot].data()};
  }
  Lookup<T> lookup() const {
    if (!o.lookup) return {};
    return {ids.data(), o.rows, 1, table.data(), count};
  }
  template <class U>
  std::vector<Rows<U>> rows(const std::vector<Exact<T>>& list, unsigned bit) const {
    std::vector<Rows<U>> out(list.size());
    for (std::size_t j = 0; j < list.size(); ++j)
      out[j] = {missing(bit) && j % 2 == 0 ? nullptr : list[j].data(), p.state_widths[j] + o.extra};
    return out;
  }
};

}  // namespace throughtime::test
