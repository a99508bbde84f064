#include "gradients.h"

#include "throughtime/threads.h"

namespace throughtime {
namespace {

constexpr Index kGap = 16;  // elements between any two gradients, guarded

Index size_of(const Parameter& q) { return Index(q.rows) * std::max(1, q.columns); }

// A product's columns, one after the other, from a pack.
template <class T>
void unpack(const T* pack, Index depth, int width, std::vector<T>& columns) {
  const int panel = kernels<T>().panel;
  columns.resize(std::size_t(depth * width));
  for (int c = 0; c < width; ++c)
    for (Index i = 0; i < depth; ++i) columns[std::size_t(c * depth + i)] = pack[i * panel + c];
}

}  // namespace

template <class T>
GradientPlan plan_gradients(const Program& p, const Inputs<T>& inputs, const Gradients<T>& gradients) {
  GradientPlan plan;
  const bool looks_up = inputs.lookup.count > 0;
  for (const Parameter& q : p.parameters) {
    bool any = false;
    for (auto [array, first] : q.sources) any = any || gradients.arrays.data[array];
    plan.wanted.push_back(any);
  }
  for (const auto& w : p.weights)
    if (plan.wanted[w.parameter])
      (looks_up && p.places[w.operand].space == Space::input ? plan.folded : plan.matrices).push_back(w);
  std::stable_sort(plan.matrices.begin(), plan.matrices.end(),
                   [](const Program::Weight& a, const Program::Weight& b) { return a.operand < b.operand; });
  for (auto v : p.vectors)
    if (plan.wanted[v.first]) plan.vectors.push_back(v);
  plan.reads_x = !looks_up && reads_input(p.backward, p);
  Index width = 0;
  for (const auto& w : plan.matrices) {
    plan.reads_x = plan.reads_x || p.places[w.operand].space == Space::input;
    width = std::max<Index>(width, p.places[w.operand].width);
  }
  const int panel = kernels<T>().panel;
  plan.operand_columns = (width + panel - 1) / panel * panel;
  plan.sums_ids = looks_up && (gradients.table || !plan.folded.empty());
  return plan;
}

template <class T>
LaneGradients<T>::LaneGradients(const Program& p, const GradientPlan& plan, bool first, const Arrays<T>& results)
    : data(p.parameters.size(), nullptr), row(p.parameters.size(), 0), written(p.parameters.size(), 0) {
  Index total = 0;
  for (std::size_t n = 0; n < p.parameters.size(); ++n)
    if (plan.wanted[n] && (!first || !p.parameters[n].columns)) total += size_of(p.parameters[n]) + kGap;
  memory_ = Buffer<T>(std::size_t(total));
  T* next = memory_.data();
  for (std::size_t n = 0; n < p.parameters.size(); ++n) {
    const Parameter& q = p.parameters[n];
    if (!plan.wanted[n]) continue;
    if (first && q.columns) {
      const auto [array, begin] = q.sources[0];
      data[n] = results.data[array] + begin * results.row[array];
      row[n] = results.row[array];
      continue;
    }
    data[n] = next;
    row[n] = std::max(1, q.columns);
    next += size_of(q);
    guard(next, kGap * sizeof(T));
    next += kGap;
    if (!q.columns) std::fill(data[n], data[n] + q.rows, T(0));
  }
}

template <class T>
void input_gradient(const Program& p, const Weights<T>& weights, const T* adjoint, Index stride, Index rows,
                    Start start, T* to, Index to_stride) {
  const Kernels<T>& k = kernels<T>();
  const bool whole = p.input_products.size() == 1 && p.input_products[0].target.width == p.input_width;
  if (start == Start::zero && !whole) {
    for (Index r = 0; r < rows; ++r) std::fill(to + r * to_stride, to + r * to_stride + p.input_width, T(0));
    start = Start::accumulate;
  }
  std::vector<T> columns;
  std::vector<Segment<T>> segments;
  for (const Product& product : p.input_products) {
    const int width = product.target.width;
    T* d = to + product.target.index;
    if (width > kNarrow) {
      segments.clear();
      for (const auto& term : product.terms)
        segments.push_back({adjoint + term.operand.index, stride, weights.packs[term.pack], p.packs[term.pack].depth});
      k.product(rows, width, segments.data(), int(segments.size()), start, nullptr, d, to_stride);
      continue;
    }
    bool accumulate = start == Start::accumulate;
    for (const auto& term : product.terms) {
      const Index depth = p.packs[term.pack].depth;
      unpack(weights.packs[term.pack], depth, width, columns);
      k.dots(rows, width, depth, adjoint + term.operand.index, stride, columns.data(), d, to_stride, accumulate);
      accumulate = true;
    }
  }
}

template <class T>
void clear_uncovered(const Program& p, const GradientPlan& plan, const LaneGradients<T>& first,
                     const Arrays<T>& results) {
  std::vector<Index> covered(p.arrays.size(), 0);  // rows of each array; no two parameters share one
  const auto written = [&](std::size_t n) { return plan.wanted[n] && (!p.parameters[n].columns || first.written[n]); };
  for (std::size_t n = 0; n < p.parameters.size(); ++n)
    for (auto [array, begin] : p.parameters[n].sources)
      if (written(n)) covered[std::size_t(array)] += p.parameters[n].rows;
  for (std::size_t a = 0; a < p.arrays.size(); ++a) {
    const auto [rows, columns] = p.arrays[a];
    if (!results.data[a] || covered[a] == rows) continue;
    std::vector<char> inside(std::size_t(rows), 0);
    for (std::size_t n = 0; n < p.parameters.size(); ++n)
      for (auto [array, begin] : p.parameters[n].sources)
        if (array == int(a) && written(n)) std::fill_n(inside.begin() + begin, p.parameters[n].rows, 1);
    for (Index r = 0; r < rows; ++r)
      if (!inside[std::size_t(r)]) std::fill_n(results.data[a] + r * results.row[a], std::max(1, columns), T(0));
  }
}

template <class T>
void sum_lanes(const Program& p, const GradientPlan& plan, const std::vector<LaneGradients<T>*>& lanes,
               const Arrays<T>& results, int threads) {
  const int workers = lanes.size() > 1 ? threads : 1;
  LaneGradients<T>& first = *lanes[0];
  parallel(workers, [&](int worker) {
    for (std::size_t n = std::size_t(worker); n < p.parameters.size(); n += std::size_t(workers)) {
      if (!plan.wanted[n]) continue;
      const Parameter& q = p.parameters[n];
      const Index columns = std::max(1, q.columns);
      for (std::size_t lane = 1; lane < lanes.size(); ++lane) {
        if (q.columns && !lanes[lane]->written[n]) continue;
        const T* from = lanes[lane]->data[n];
        for (Index r = 0; r < q.rows; ++r)
          for (Index c = 0; c < columns; ++c) first.data[n][r * first.row[n] + c] += from[r * columns + c];
      }
    }
  });
  for (std::size_t n = 0; n < p.parameters.size(); ++n)
    if (plan.wanted[n] && !p.parameters[n].columns)
      for (auto [array, begin] : p.parameters[n].sources)
        if (results.data[array])
          std::memcpy(results.data[array] + begin, first.data[n], std::size_t(p.parameters[n].rows) * sizeof(T));
}

#define TT_INSTANTIATE(T)                                                                                           \
  template GradientPlan plan_gradients<T>(const Program&, const Inputs<T>&, const Gradients<T>&);                   \
  template struct LaneGradients<T>;                                                                                 \
  template void input_gradient<T>(const Program&, const Weights<T>&, const T*, Index, Index, Start, T*, Index);     \
  template void clear_uncovered<T>(const Program&, const GradientPlan&, const LaneGradients<T>&, const Arrays<T>&); \
  template void sum_lanes<T>(const Program&, const GradientPlan&, const std::vector<LaneGradients<T>*>&,            \
                             const Arrays<T>&, int);
TT_INSTANTIATE(float)
TT_INSTANTIATE(double)

}  // namespace throughtime
