#include "lanes.h"
#include "throughtime/threads.h"

namespace throughtime {
namespace {

// Guarded builds test with small sizes and want several blocks and threads there, too.
constexpr Index kGradientRows = kGuarded ? 8 : 128;  // of a block in backward: depth of a weight gradient's products

// to (n) += from
template <class T>
void add(const Kernels<T>& k, T* to, const T* from, Index n) {
  k.elementwise[kAdd](to, 0, to, 0, from, 0, nullptr, 0, 1, n);
}

// d_x (rows, inputs) = start + the adjoints' products with the transposed weights.
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
      columns.resize(std::size_t(depth * width));
      for (int c = 0; c < width; ++c)
        for (Index i = 0; i < depth; ++i)
          columns[std::size_t(c * depth + i)] = weights.packs[term.pack][i * k.panel + c];
      k.dots(rows, width, depth, adjoint + term.operand.index, stride, columns.data(), d, to_stride, accumulate);
      accumulate = true;
    }
  }
}

}  // namespace

template <class T>
void backward(const Program& p, const Tape<T>& tape, const Sequence<const T>& x, const Lookup<T>& lookup, T* d_table,
              const Arrays<const T>& arrays, const Sequence<const T>& d_output,
              const std::vector<Rows<const T>>& d_final, const Sequence<T>& d_x, bool pad,
              const std::vector<Rows<T>>& d_initial, const Arrays<T>& d_arrays, int threads) {
  const Kernels<T>& k = kernels<T>();
  const Pass& pass = p.backward;
  const bool input_wanted = d_x.data != nullptr;
  const Weights<T> weights = prepare<T>(p, arrays, {&pass}, input_wanted || d_table, threads);
  const Index lanes = Index(tape.lanes.size());
  const Index input_stride = row_stride<T>(p.input_width);
  const Index adjoint_stride = row_stride<T>(std::max(1, pass.width));
  const Index output_width = p.output_width();
  const Index output_stride = row_stride<T>(output_width);
  auto wanted = [&](int parameter) {
    for (auto [array, first] : p.parameters[parameter].sources)
      if (d_arrays.data[array]) return true;
    return false;
  };
  std::vector<Program::Weight> matrices, folded;  // folded: on the looked-up input, computed once from sums by id
  for (const auto& w : p.weights)
    if (wanted(w.parameter))
      (lookup.count && p.places[w.operand].space == Space::input ? folded : matrices).push_back(w);
  const bool sums_ids = lookup.count && (d_table || !folded.empty());
  std::stable_sort(matrices.begin(), matrices.end(),
                   [](const Program::Weight& a, const Program::Weight& b) { return a.operand < b.operand; });
  std::vector<std::pair<int, int>> vectors;
  for (auto v : p.vectors)
    if (wanted(v.first)) vectors.push_back(v);
  bool reads_x = !lookup.count && reads_input(pass, p);
  Index operand_width = 0;
  for (const auto& w : matrices) {
    reads_x = reads_x || p.places[w.operand].space == Space::input;
    operand_width = std::max<Index>(operand_width, p.places[w.operand].width);
  }
  const Index operand_columns = (operand_width + k.panel - 1) / k.panel * k.panel;

  struct Work {
    States<T> states;
    Buffer<T> adjoint, doutput, input, dinput, temporaries, packed, gradients, sums;
    std::vector<T*> gradient;  // per parameter; null where not wanted
    std::vector<Index> gradient_row;
    std::vector<char> written;
  };
  std::vector<Work> work;
  for (Index i = 0; i < lanes; ++i) {
    const Lane& lane = tape.lanes[i];
    Index block = 0, most = 0;
    for (Index end = Index(lane.steps.size()); end > 0;) {
      const Index begin = block_begin(lane, end, kGradientRows);
      block = std::max(block, active(lane, begin, end));
      end = begin;
    }
    for (const Step& s : lane.steps) most = std::max(most, s.rows);
    const Index depth = std::min(block, kGradientRows);
    // matrices of the first lane go straight into the result; every other gradient is summed over lanes at the end
    Index own = 0;
    for (std::size_t n = 0; n < p.parameters.size(); ++n)
      if (wanted(int(n)) && (i > 0 || !p.parameters[n].columns))
        own += Index(p.parameters[n].rows) * std::max(1, p.parameters[n].columns) + 16;
    Work w{States<T>(p, Index(lane.rows.size())),
           Buffer<T>(elements(block, adjoint_stride)),
           Buffer<T>(elements(most, output_stride)),
           Buffer<T>(elements(reads_x ? block : 0, input_stride)),
           Buffer<T>(elements(input_wanted ? block : 0, input_stride)),
           temporaries_for<T>(p, pass),
           Buffer<T>(elements(depth, operand_columns)),
           Buffer<T>(std::size_t(own)),
           Buffer<T>(elements(sums_ids ? lookup.count : 0, adjoint_stride)),
           std::vector<T*>(p.parameters.size(), nullptr),
           std::vector<Index>(p.parameters.size(), 0),
           std::vector<char>(p.parameters.size(), 0)};
    T* next = w.gradients.data();
    for (std::size_t n = 0; n < p.parameters.size(); ++n) {
      const Parameter& q = p.parameters[n];
      if (!wanted(int(n))) continue;
      if (i == 0 && q.columns) {
        const auto [array, first] = q.sources[0];
        w.gradient[n] = d_arrays.data[array] + first * d_arrays.row[array];
        w.gradient_row[n] = d_arrays.row[array];
      } else {
        w.gradient[n] = next;
        w.gradient_row[n] = std::max(1, q.columns);
        next += Index(q.rows) * std::max(1, q.columns);
        guard(next, 16 * sizeof(T));
        next += 16;
        if (!q.columns) std::fill(w.gradient[n], w.gradient[n] + q.rows, T(0));
      }
    }
    work.push_back(std::move(w));
  }

  parallel(int(lanes), [&](int index) {
    const Lane& lane = tape.lanes[index];
    Work& mine = work[index];
    mine.states.read(p, lane, d_final);
    if (input_wanted && pad) clear_padding(lane, tape.extent.steps, p.input_width, d_x);
    Runner<T> runner(p, pass, weights);
    Frame<T> frame;
    frame.states = mine.states.data;
    frame.state_strides = mine.states.strides;
    frame.record_stride = tape.stride;
    frame.input_stride = input_stride;
    frame.adjoint_stride = adjoint_stride;
    frame.temporaries = mine.temporaries.data();
    frame.doutput = mine.doutput.data();
    frame.doutput_stride = output_stride;
    if (!d_output.data && mine.doutput.size())
      std::fill(mine.doutput.data(), mine.doutput.data() + mine.doutput.size(), T(0));
    std::fill(mine.sums.data(), mine.sums.data() + mine.sums.size(), T(0));
    for (Index end = Index(lane.steps.size()); end > 0;) {
      const Index begin = block_begin(lane, end, kGradientRows);
      const Index start = lane.steps[begin].offset, rows = active(lane, begin, end);
      if (!rows) break;
      T* record = tape.records[index].data() + start * tape.stride;
      if (reads_x)
        for (Index s = begin; s < end; ++s)
          gather(x, lane, lane.steps[s], p.input_width,
                 mine.input.data() + (lane.steps[s].offset - start) * input_stride, input_stride);
      for (Index s = end; s-- > begin;) {
        const Step& step = lane.steps[s];
        const Index at = step.offset - start;
        if (d_output.data) gather(d_output, lane, step, output_width, mine.doutput.data(), output_stride);
        frame.record = record + at * tape.stride;
        frame.adjoint = mine.adjoint.data() + at * adjoint_stride;
        frame.input = reads_x ? mine.input.data() + at * input_stride : nullptr;
        runner.run_phases(frame, step.rows);
        if (sums_ids)
          for (Index r = 0; r < step.rows; ++r)
            add(k, mine.sums.data() + lookup.ids[step.t * lookup.time + lane.rows[r] * lookup.row] * adjoint_stride,
                frame.adjoint + r * adjoint_stride, p.summed);
      }
      frame.record = record;
      frame.adjoint = mine.adjoint.data();
      frame.input = mine.input.data();
      for (Index from = 0; from < rows; from += kGradientRows) {
        const Index depth = std::min(kGradientRows, rows - from);
        int packed = -1;
        for (const auto& w : matrices) {
          const Place& q = p.places[w.operand];
          const Operand<T> b = runner.locate(q, frame);
          if (q.width <= kNarrow) {
            k.outer_narrow(p.parameters[w.parameter].rows, q.width, depth,
                           mine.adjoint.data() + from * adjoint_stride + w.column, adjoint_stride,
                           b.data + from * b.stride, b.stride, mine.gradient[w.parameter],
                           mine.gradient_row[w.parameter], mine.written[w.parameter] != 0);
            mine.written[w.parameter] = 1;
            continue;
          }
          if (w.operand != packed) {
            k.pack_transposed(b.data + from * b.stride, b.stride, depth, q.width, mine.packed.data(), 0, depth);
            packed = w.operand;
          }
          k.outer(p.parameters[w.parameter].rows, q.width, depth,
                  mine.adjoint.data() + from * adjoint_stride + w.column, adjoint_stride, mine.packed.data(),
                  mine.gradient[w.parameter], mine.gradient_row[w.parameter], mine.written[w.parameter] != 0);
          mine.written[w.parameter] = 1;
        }
      }
      for (auto [n, column] : vectors)
        k.column_sum(rows, p.parameters[n].rows, mine.adjoint.data() + column, adjoint_stride, mine.gradient[n]);
      if (input_wanted) {
        T* to = mine.dinput.data();
        Start start_at = Start::zero;
        if (p.input_elementwise >= 0) {
          for (Index r = 0; r < rows; ++r)
            std::memcpy(to + r * input_stride, mine.adjoint.data() + r * adjoint_stride + p.input_elementwise,
                        std::size_t(p.input_width) * sizeof(T));
          start_at = Start::accumulate;
        }
        input_gradient(p, weights, mine.adjoint.data(), adjoint_stride, rows, start_at, to, input_stride);
        for (Index s = begin; s < end; ++s)
          scatter(to + (lane.steps[s].offset - start) * input_stride, input_stride, lane, lane.steps[s], p.input_width,
                  d_x);
      }
      end = begin;
    }
    mine.states.write(p, lane, d_initial);
  });

  if (sums_ids) {
    T* sums = work[0].sums.data();
    for (Index lane = 1; lane < lanes; ++lane) add(k, sums, work[lane].sums.data(), lookup.count * adjoint_stride);
    const Index depth = lookup.count;
    const Index columns = (p.input_width + k.panel - 1) / k.panel * k.panel;
    const Buffer<T> packed(elements(depth, columns));
    parallel(1, [&](int) {
      if (!folded.empty())
        k.pack_transposed(lookup.table, p.input_width, depth, p.input_width, packed.data(), 0, depth);
      for (const auto& w : folded) {
        k.outer(p.parameters[w.parameter].rows, p.input_width, depth, sums + w.column, adjoint_stride, packed.data(),
                work[0].gradient[w.parameter], work[0].gradient_row[w.parameter], work[0].written[w.parameter] != 0);
        work[0].written[w.parameter] = 1;
      }
      if (d_table) input_gradient(p, weights, sums, adjoint_stride, depth, Start::zero, d_table, Index(p.input_width));
    });
  }

  // Sum over lanes, in their order.
  std::vector<int> summed;
  for (std::size_t n = 0; n < p.parameters.size(); ++n)
    if (wanted(int(n))) summed.push_back(int(n));
  for (std::size_t a = 0; a < p.arrays.size(); ++a) {  // rows that no parameter covers, or that nothing was added to
    if (!d_arrays.data[a]) continue;
    Index covered = 0;
    for (int n : summed)
      for (auto [array, first] : p.parameters[n].sources)
        if (array == int(a) && (!p.parameters[n].columns || work[0].written[n])) covered += p.parameters[n].rows;
    if (covered < p.arrays[a].first) {
      for (int r = 0; r < p.arrays[a].first; ++r) {
        bool inside = false;
        for (int n : summed)
          for (auto [array, first] : p.parameters[n].sources)
            inside =
                inside || (array == int(a) && work[0].written[n] && r >= first && r < first + p.parameters[n].rows);
        if (!inside)
          std::fill(d_arrays.data[a] + r * d_arrays.row[a],
                    d_arrays.data[a] + r * d_arrays.row[a] + std::max(1, p.arrays[a].second), T(0));
      }
    }
  }
  const int workers = lanes > 1 ? threads : 1;
  parallel(workers, [&](int worker) {
    for (std::size_t i = std::size_t(worker); i < summed.size(); i += std::size_t(workers)) {
      const int n = summed[i];
      const Parameter& q = p.parameters[n];
      if (q.columns) {
        T* to = work[0].gradient[n];
        const Index row = work[0].gradient_row[n];
        for (Index lane = 1; lane < lanes; ++lane) {
          if (!work[lane].written[n]) continue;
          const T* from = work[lane].gradient[n];
          for (Index r = 0; r < q.rows; ++r)
            for (Index c = 0; c < q.columns; ++c) to[r * row + c] += from[r * q.columns + c];
        }
      } else {
        T* total = work[0].gradient[n];
        for (Index lane = 1; lane < lanes; ++lane)
          for (Index r = 0; r < q.rows; ++r) total[r] += work[lane].gradient[n][r];
      }
    }
  });
  for (int n : summed)
    if (!p.parameters[n].columns)
      for (auto [array, first] : p.parameters[n].sources)
        if (d_arrays.data[array])
          std::memcpy(d_arrays.data[array] + first, work[0].gradient[n], std::size_t(p.parameters[n].rows) * sizeof(T));
}

#define TT_INSTANTIATE(T)                                                                                        \
  template void backward<T>(const Program&, const Tape<T>&, const Sequence<const T>&, const Lookup<T>&, T*,      \
                            const Arrays<const T>&, const Sequence<const T>&, const std::vector<Rows<const T>>&, \
                            const Sequence<T>&, bool, const std::vector<Rows<T>>&, const Arrays<T>&, int);
TT_INSTANTIATE(float)
TT_INSTANTIATE(double)

}  // namespace throughtime
