#include "loop.h"
#include "throughtime/threads.h"

namespace throughtime {

template <class T>
Weights<T> prepare(const Program& p, const Arrays<const T>& arrays, const std::vector<const Pass*>& passes,
                   bool input_products, int threads) {
  const Kernels<T>& k = kernels<T>();
  Weights<T> w;
  std::vector<bool> used(p.packs.size(), false);
  auto mark = [&](const Product& product) {
    for (const auto& term : product.terms) used[term.pack] = true;
  };
  Index bias_width = 0;
  for (const Pass* pass : passes) {
    for (const auto& product : pass->hoisted) mark(product);
    for (const auto& phase : pass->phases)
      if (const auto* product = std::get_if<Product>(&phase)) mark(*product);
    bias_width = std::max<Index>(bias_width, pass->width);
  }
  if (input_products)
    for (const auto& product : p.input_products) mark(product);
  const Index wide = widest(p);
  auto padded = [&](const Pack& pack) { return (Index(pack.columns) + k.panel - 1) / k.panel * k.panel; };
  for (auto [column, n] : p.biases) bias_width = std::max<Index>(bias_width, column + p.parameters[n].rows);
  constexpr Index gap = 16;  // between any two, guarded
  std::size_t total = 0;
  auto count = [&](Index rows, Index columns) {
    if (__builtin_add_overflow(total, elements(rows, columns) + gap, &total)) throw std::bad_alloc();
  };
  count(1, bias_width);
  for (std::size_t i = 0; i < p.constants.size(); ++i) count(1, wide);
  for (std::size_t i = 0; i < p.packs.size(); ++i)
    if (used[i]) count(p.packs[i].depth, padded(p.packs[i]));
  for (const auto& q : p.parameters)
    if (!q.columns) count(1, q.rows);
  w.memory = Buffer<T>(total);
  T* next = w.memory.data();
  auto cut = [&](Index size) {
    T* here = next;
    next += size + gap;
    guard(here + size, gap * sizeof(T));
    return here;
  };
  w.packs.assign(p.packs.size(), nullptr);
  struct Job {
    int pack, parameter;
    Index at;
  };
  std::vector<Job> jobs;
  double volume = 0;
  for (std::size_t i = 0; i < p.packs.size(); ++i) {
    if (!used[i]) continue;
    const Pack& pack = p.packs[i];
    w.packs[i] = cut(pack.depth * padded(pack));
    Index at = 0;
    for (int n : pack.parameters) {
      jobs.push_back({int(i), n, at});
      at += p.parameters[n].rows;
      volume += double(p.parameters[n].rows) * p.parameters[n].columns;
    }
    if (!pack.transposed && padded(pack) != pack.columns)  // the last panel's unused columns
      std::memset(w.packs[i] + (padded(pack) - k.panel) * pack.depth, 0, std::size_t(k.panel) * pack.depth * sizeof(T));
  }
  const int workers = volume < 2e5 ? 1 : threads;
  parallel(workers, [&](int worker) {
    for (std::size_t i = std::size_t(worker); i < jobs.size(); i += std::size_t(workers)) {
      const Job& job = jobs[i];
      const Parameter& q = p.parameters[job.parameter];
      const auto [array, first] = q.sources[0];
      const T* from = arrays.data[array] + first * arrays.row[array];
      if (p.packs[job.pack].transposed)
        k.pack_transposed(from, arrays.row[array], q.rows, q.columns, w.packs[job.pack], job.at,
                          p.packs[job.pack].depth);
      else
        k.pack(from, arrays.row[array], q.rows, q.columns, w.packs[job.pack], job.at);
    }
  });
  w.vectors.assign(p.parameters.size(), nullptr);
  for (std::size_t i = 0; i < p.parameters.size(); ++i) {
    const Parameter& q = p.parameters[i];
    if (q.columns) continue;
    T* to = w.vectors[i] = cut(q.rows);
    std::fill(to, to + q.rows, T(0));
    for (auto [array, first] : q.sources)
      for (Index j = 0; j < q.rows; ++j) to[j] += arrays.data[array][first + j];
  }
  w.bias = cut(bias_width);
  std::fill(w.bias, w.bias + bias_width, T(0));
  for (auto [column, n] : p.biases)
    for (Index j = 0; j < p.parameters[n].rows; ++j) w.bias[column + j] += w.vectors[n][j];
  for (double c : p.constants) {
    w.constants.push_back(cut(wide));
    std::fill(w.constants.back(), w.constants.back() + wide, T(c));
  }
  return w;
}

#define TT_INSTANTIATE(T) \
  template Weights<T> prepare<T>(const Program&, const Arrays<const T>&, const std::vector<const Pass*>&, bool, int);
TT_INSTANTIATE(float)
TT_INSTANTIATE(double)

}  // namespace throughtime
