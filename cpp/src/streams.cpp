#include "throughtime/streams.h"

#include <unordered_map>

#include "tokens.h"

namespace throughtime {
namespace {

constexpr Index kBlock = kGuarded ? 4 : 96;           // rows whose record stays in the cache with the weights
constexpr double kWorthThreads = kGuarded ? 0 : 2e6;  // multiply-adds below which a second thread costs more

}  // namespace

template <class T>
struct Streams<T>::Body {
  // What one thread works with.
  struct Lane {
    Runner<T> runner;
    Frame<T> frame;
    Buffer<T> record, temporaries, input;
    std::vector<Buffer<T>> states;

    Lane(const Program& p, const Weights<T>& weights)
        : runner(p, p.inference, weights, kBlock),
          record(elements(kBlock, record_stride<T>(p.inference))),
          temporaries(temporaries_for<T>(p, p.inference)),
          input(elements(kBlock, p.input_width)) {
      frame.record = record.data();
      frame.record_stride = record_stride<T>(p.inference);
      frame.temporaries = temporaries.data();
      for (int width : p.state_widths) {
        const Index stride = row_stride<T>(width);
        states.emplace_back(elements(kBlock, stride));
        frame.states.push_back(nullptr);
        frame.state_strides.push_back(stride);
      }
    }
  };

  // One step of some streams.
  struct Call {
    const Index* rows;
    const T* x;  // null where tokens stand for it
    Index x_row;
    const Index* tokens;
    T* output;
  };

  std::shared_ptr<const Program> program;
  Weights<T> weights;
  double work = 0;  // multiply-adds of one row
  std::vector<Buffer<T>> states;
  std::vector<Index> strides;
  Index capacity = 0;
  std::vector<Index> ids;                   // by row
  std::unordered_map<Index, Index> row_of;  // by id
  std::vector<Index> seen;                  // by row: the last search that found it
  Index searches = 0, next = 0;
  std::vector<std::unique_ptr<Lane>> lanes;
  TokenTable<T> table;

  Body(std::shared_ptr<const Program> p, const Arrays<const T>& arrays, Form form)
      : program(std::move(p)),
        weights(formed(*program, prepare<T>(*program, arrays, {&program->inference}, false, 1), form)) {
    for (int width : program->state_widths) strides.push_back(row_stride<T>(width));
    for (const auto& q : program->parameters) work += double(q.rows) * std::max(1, q.columns);
  }

  void grow() {
    const Index count = Index(ids.size()), more = std::max<Index>(kGuarded ? 1 : 16, 2 * capacity);
    std::vector<Buffer<T>> larger;
    for (std::size_t j = 0; j < strides.size(); ++j) {
      larger.emplace_back(elements(more, strides[j]));
      if (count) std::memcpy(larger[j].data(), states[j].data(), std::size_t(count * strides[j]) * sizeof(T));
    }
    ids.reserve(std::size_t(more));
    seen.resize(std::size_t(more), 0);
    states = std::move(larger);  // nothing changes before everything has succeeded
    capacity = more;
  }

  T* state(std::size_t j, Index row) const { return states[j].data() + row * strides[j]; }
  std::size_t bytes(std::size_t j) const { return std::size_t(program->state_widths[j]) * sizeof(T); }

  // Steps the call's rows [first, end).
  void run(Lane& lane, const Call& call, Index first, Index end) noexcept {
    for (Index at = first; at < end; at += kBlock) run_block(lane, call, at, std::min(kBlock, end - at));
  }

  // n rows from `at` on, at most kBlock.
  void run_block(Lane& lane, const Call& call, Index at, Index n) noexcept {
    const Program& p = *program;
    Frame<T>& f = lane.frame;
    const Index* rows = call.rows + at;
    bool whole = true;  // rows that lie together are stepped where they are
    for (Index r = 1; r < n && whole; ++r) whole = rows[r] == rows[0] + r;
    for (std::size_t j = 0; j < strides.size(); ++j) {
      f.states[j] = whole ? state(j, rows[0]) : lane.states[j].data();
      for (Index r = 0; r < n && !whole; ++r) std::memcpy(f.states[j] + r * strides[j], state(j, rows[r]), bytes(j));
    }
    if (call.tokens) {
      look_up(p, table, call.tokens + at, n, lane.input.data(), lane.runner, f);
    } else {
      f.input = const_cast<T*>(call.x) + at * call.x_row;  // only read
      f.input_stride = call.x_row;
      for (const Product& product : p.inference.hoisted) lane.runner.product(product, f, n);
    }
    lane.runner.run_phases(f, n);
    const std::size_t out = std::size_t(p.output_state);
    for (Index r = 0; r < n; ++r)
      std::memcpy(call.output + (at + r) * p.state_widths[out], f.states[out] + r * strides[out], bytes(out));
    for (std::size_t j = 0; j < strides.size() && !whole; ++j)
      for (Index r = 0; r < n; ++r) std::memcpy(state(j, rows[r]), f.states[j] + r * strides[j], bytes(j));
  }

  // All memory is there before the first stream moves; what follows cannot fail.
  void step(const Call& call, Index n, int threads) {
    const int count = work * double(n) < kWorthThreads ? 1 : int(std::max<Index>(1, std::min<Index>(threads, n)));
    while (int(lanes.size()) < count) lanes.push_back(std::make_unique<Lane>(*program, weights));
    parallel(count, [&](int i) { run(*lanes[std::size_t(i)], call, n * i / count, n * (i + 1) / count); });
  }
};

template <class T>
Streams<T>::Streams(std::shared_ptr<const Program> program, const Arrays<const T>& arrays, Form form)
    : body_(std::make_unique<Body>(std::move(program), arrays, form)) {}

template <class T>
Streams<T>::~Streams() = default;

template <class T>
Index Streams<T>::join() {
  Body& b = *body_;
  const Index row = Index(b.ids.size());
  if (row == b.capacity) b.grow();
  b.row_of.emplace(b.next, row);  // may throw; nothing after it does
  b.ids.push_back(b.next);
  b.seen[std::size_t(row)] = 0;
  for (std::size_t j = 0; j < b.strides.size(); ++j) std::fill(b.state(j, row), b.state(j, row) + b.strides[j], T(0));
  return b.next++;
}

template <class T>
void Streams<T>::leave(Index id) noexcept {
  Body& b = *body_;
  const auto found = b.row_of.find(id);
  const Index row = found->second, last = Index(b.ids.size()) - 1;
  b.row_of.erase(found);
  if (row != last) {
    for (std::size_t j = 0; j < b.strides.size(); ++j)
      std::memcpy(b.state(j, row), b.state(j, last), std::size_t(b.program->state_widths[j]) * sizeof(T));
    b.ids[std::size_t(row)] = b.ids[std::size_t(last)];
    b.row_of[b.ids[std::size_t(row)]] = row;
  }
  b.ids.pop_back();
}

template <class T>
Index Streams<T>::size() const {
  return Index(body_->ids.size());
}

template <class T>
const Index* Streams<T>::ids() const {
  return body_->ids.data();
}

template <class T>
Index Streams<T>::find(const Index* ids, Index n, Index* rows) noexcept {
  Body& b = *body_;
  ++b.searches;
  const Index count = Index(b.ids.size());
  for (Index i = 0; i < n; ++i) {
    Index row = i;  // mostly the streams come in the order of their rows
    if (i >= count || b.ids[std::size_t(i)] != ids[i]) {
      const auto found = b.row_of.find(ids[i]);
      if (found == b.row_of.end()) return i;
      row = found->second;
    }
    if (b.seen[std::size_t(row)] == b.searches) return i;
    b.seen[std::size_t(row)] = b.searches;
    rows[i] = row;
  }
  return n;
}

template <class T>
void Streams<T>::step(const Index* rows, Index n, const T* x, Index x_row, T* output, int threads) {
  body_->step({rows, x, x_row, nullptr, output}, n, threads);
}

template <class T>
void Streams<T>::step_tokens(const Index* rows, Index n, const Index* tokens, T* output, int threads) {
  body_->step({rows, nullptr, 0, tokens, output}, n, threads);
}

template <class T>
void Streams<T>::set_table(const T* inputs, Index count) {
  body_->table = token_table(*body_->program, body_->weights, inputs, count);
}

template <class T>
Index Streams<T>::table_size() const {
  return body_->table.count;
}

template <class T>
T* Streams<T>::state(int j, Index row) const {
  return body_->state(std::size_t(j), row);
}

template class Streams<float>;
template class Streams<double>;

}  // namespace throughtime
