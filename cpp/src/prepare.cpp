#include "loop.h"
#include "throughtime/threads.h"

namespace throughtime {
namespace {

constexpr Index kGap = 16;             // elements between any two of the pieces, guarded
constexpr double kWorthThreads = 2e5;  // elements of matrices below which a second thread costs more

// What the passes need of the weights, and where it is put.
template <class T>
class Preparation {
 public:
  Preparation(const Program& p, const std::vector<const Pass*>& passes, bool input_products)
      : p_(p), used_(p.packs.size(), false), constant_width_(widest(p)) {
    for (const Pass* pass : passes) {
      for (const auto& product : pass->hoisted) mark(product);
      for (const auto& phase : pass->phases)
        if (const auto* product = std::get_if<Product>(&phase)) mark(*product);
      bias_width_ = std::max<Index>(bias_width_, pass->width);
    }
    if (input_products)
      for (const auto& product : p.input_products) mark(product);
    for (auto [column, n] : p.biases) bias_width_ = std::max<Index>(bias_width_, column + p.parameters[n].rows);
    std::size_t total = 0;
    const auto count = [&](Index rows, Index columns) {
      if (__builtin_add_overflow(total, elements(rows, columns) + kGap, &total)) throw std::bad_alloc();
    };
    count(1, bias_width_);
    for (std::size_t i = 0; i < p.constants.size(); ++i) count(1, constant_width_);
    for (std::size_t i = 0; i < p.packs.size(); ++i)
      if (used_[i]) count(p.packs[i].depth, padded(p.packs[i]));
    for (const auto& q : p.parameters)
      if (!q.columns) count(1, q.rows);
    weights_.memory = Buffer<T>(total);
    next_ = weights_.memory.data();
  }

  Weights<T> from(const Arrays<const T>& arrays, int threads) {
    pack(arrays, threads);
    sum_vectors(arrays);
    weights_.bias = cut(bias_width_);
    std::fill(weights_.bias, weights_.bias + bias_width_, T(0));
    for (auto [column, n] : p_.biases)
      for (Index j = 0; j < p_.parameters[n].rows; ++j) weights_.bias[column + j] += weights_.vectors[n][j];
    for (double c : p_.constants) {
      weights_.constants.push_back(cut(constant_width_));
      std::fill(weights_.constants.back(), weights_.constants.back() + constant_width_, T(c));
    }
    return std::move(weights_);
  }

 private:
  // A parameter's place in a pack.
  struct Job {
    int pack, parameter;
    Index at;
  };

  void mark(const Product& product) {
    for (const auto& term : product.terms) used_[term.pack] = true;
  }
  Index padded(const Pack& pack) const { return (Index(pack.columns) + k_.panel - 1) / k_.panel * k_.panel; }
  T* cut(Index size) {
    T* here = next_;
    next_ += size + kGap;
    guard(here + size, kGap * sizeof(T));
    return here;
  }

  void pack(const Arrays<const T>& arrays, int threads) {
    weights_.packs.assign(p_.packs.size(), nullptr);
    std::vector<Job> jobs;
    double volume = 0;
    for (std::size_t i = 0; i < p_.packs.size(); ++i) {
      if (!used_[i]) continue;
      const Pack& pack = p_.packs[i];
      weights_.packs[i] = cut(pack.depth * padded(pack));
      Index at = 0;
      for (int n : pack.parameters) {
        jobs.push_back({int(i), n, at});
        at += p_.parameters[n].rows;
        volume += double(p_.parameters[n].rows) * p_.parameters[n].columns;
      }
      if (!pack.transposed && padded(pack) != pack.columns)  // the last panel's unused columns
        std::memset(weights_.packs[i] + (padded(pack) - k_.panel) * pack.depth, 0,
                    std::size_t(k_.panel) * pack.depth * sizeof(T));
    }
    const int workers = volume < kWorthThreads ? 1 : threads;
    parallel(workers, [&](int worker) {
      for (std::size_t i = std::size_t(worker); i < jobs.size(); i += std::size_t(workers)) run(jobs[i], arrays);
    });
  }

  void run(const Job& job, const Arrays<const T>& arrays) const {
    const Parameter& q = p_.parameters[job.parameter];
    const Pack& pack = p_.packs[job.pack];
    const auto [array, first] = q.sources[0];
    const T* from = arrays.data[array] + first * arrays.row[array];
    T* to = weights_.packs[job.pack];
    if (pack.transposed)
      k_.pack_transposed(from, arrays.row[array], q.rows, q.columns, to, job.at, pack.depth);
    else
      k_.pack(from, arrays.row[array], q.rows, q.columns, to, job.at);
  }

  void sum_vectors(const Arrays<const T>& arrays) {
    weights_.vectors.assign(p_.parameters.size(), nullptr);
    for (std::size_t i = 0; i < p_.parameters.size(); ++i) {
      const Parameter& q = p_.parameters[i];
      if (q.columns) continue;
      T* to = weights_.vectors[i] = cut(q.rows);
      std::fill(to, to + q.rows, T(0));
      for (auto [array, first] : q.sources)
        for (Index j = 0; j < q.rows; ++j) to[j] += arrays.data[array][first + j];
    }
  }

  const Kernels<T>& k_ = kernels<T>();
  const Program& p_;
  std::vector<bool> used_;  // by pack
  Index constant_width_, bias_width_ = 0;
  Weights<T> weights_;
  T* next_ = nullptr;
};

}  // namespace

template <class T>
Weights<T> prepare(const Program& p, const Arrays<const T>& arrays, const std::vector<const Pass*>& passes,
                   bool input_products, int threads) {
  return Preparation<T>(p, passes, input_products).from(arrays, threads);
}

#define TT_INSTANTIATE(T) \
  template Weights<T> prepare<T>(const Program&, const Arrays<const T>&, const std::vector<const Pass*>&, bool, int);
TT_INSTANTIATE(float)
TT_INSTANTIATE(double)

}  // namespace throughtime
