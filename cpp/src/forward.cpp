#include "lanes.h"
#include "throughtime/threads.h"

namespace throughtime {
namespace {

// Guarded builds test with small sizes and want several blocks and threads there, too.
constexpr Index kGateBytes = kGuarded ? 1 << 10 : 512 << 10;  // gates of a block of steps: they stay in the L2 cache

// The output of a step to its place in the sequence.
template <class T>
void show(const Program& p, const Frame<T>& frame, const Lane& lane, const Step& step, Sequence<T> output) {
  const std::size_t first = p.every ? 0 : std::size_t(p.output_state), count = p.every ? p.state_widths.size() : 1;
  for (std::size_t j = first; j < first + count; ++j) {
    scatter(frame.states[j], frame.state_strides[j], lane, step, p.state_widths[j], output);
    output.data += p.state_widths[j];
  }
}

// The hoisted products of every table row, one record row each.
template <class T>
Buffer<T> gate_table(const Program& p, const Pass& pass, const Weights<T>& weights, const Lookup<T>& lookup,
                     Index stride, int threads) {
  Buffer<T> table(elements(lookup.count, stride));
  if (!lookup.count) return table;
  parallel(threads, [&](int worker) {
    const Index first = lookup.count * worker / threads, end = lookup.count * (worker + 1) / threads;
    Runner<T> runner(p, pass, weights);
    Frame<T> frame;
    frame.record = table.data() + first * stride;
    frame.record_stride = stride;
    frame.input = const_cast<T*>(lookup.table) + first * p.input_width;  // only read
    frame.input_stride = p.input_width;
    for (const Product& product : pass.hoisted) runner.product(product, frame, end - first);
  });
  return table;
}

}  // namespace

template <class T>
std::unique_ptr<Tape<T>> forward(const Program& p, const Extent& extent, const Sequence<const T>& x,
                                 const Lookup<T>& lookup, const std::vector<Rows<const T>>& initial,
                                 const Arrays<const T>& arrays, const Sequence<T>& output, bool pad,
                                 const std::vector<Rows<T>>& final, bool training, int threads) {
  const Pass& pass = training ? p.training : p.inference;
  threads = useful_threads(p, extent, threads);
  const Weights<T> weights = prepare<T>(p, arrays, {&pass}, false, threads);
  auto tape = std::make_unique<Tape<T>>();
  tape->extent = extent;
  tape->lanes = split(extent, threads);
  tape->stride = row_stride<T>(std::max(1, pass.width));
  const Index stride = tape->stride;
  const Index budget = std::max<Index>(1, kGateBytes / (stride * Index(sizeof(T))));
  const Index input_stride = row_stride<T>(p.input_width);
  const bool wants_input = !lookup.count && reads_input(pass, p);
  const Buffer<T> table = gate_table(p, pass, weights, lookup, stride, threads);
  struct Work {
    States<T> states;
    Buffer<T> input, record, temporaries;
  };
  std::vector<Work> work;
  for (const Lane& lane : tape->lanes) {
    Index block = 0;
    for (Index first = 0; first < Index(lane.steps.size());) {
      const Index end = block_end(lane, first, budget);
      block = std::max(block, active(lane, first, end));
      first = end;
    }
    work.push_back({States<T>(p, Index(lane.rows.size())), Buffer<T>(elements(wants_input ? block : 0, input_stride)),
                    Buffer<T>(elements(training ? lane.total : block, stride)), temporaries_for<T>(p, pass)});
  }
  parallel(int(tape->lanes.size()), [&](int index) {
    const Lane& lane = tape->lanes[index];
    Work& mine = work[index];
    mine.states.read(p, lane, initial);
    if (pad) clear_padding(lane, extent.steps, p.output_width(), output);
    Runner<T> runner(p, pass, weights);
    Frame<T> frame;
    frame.states = mine.states.data;
    frame.state_strides = mine.states.strides;
    frame.record_stride = stride;
    frame.input_stride = input_stride;
    frame.temporaries = mine.temporaries.data();
    for (Index first = 0; first < Index(lane.steps.size());) {
      const Index end = block_end(lane, first, budget);
      const Index start = lane.steps[first].offset;
      T* record = mine.record.data() + (training ? start * stride : 0);
      frame.record = record;
      frame.input = mine.input.data();
      if (wants_input)
        for (Index s = first; s < end; ++s)
          gather(x, lane, lane.steps[s], p.input_width,
                 mine.input.data() + (lane.steps[s].offset - start) * input_stride, input_stride);
      if (!lookup.count)
        for (const Product& product : pass.hoisted) runner.product(product, frame, active(lane, first, end));
      for (Index s = first; s < end; ++s) {
        const Step& step = lane.steps[s];
        if (lookup.count)
          for (const Product& product : pass.hoisted)
            for (Index r = 0; r < step.rows; ++r)
              std::memcpy(record + (step.offset - start + r) * stride + product.target.index,
                          table.data() + lookup.ids[step.t * lookup.time + lane.rows[r] * lookup.row] * stride +
                              product.target.index,
                          std::size_t(product.target.width) * sizeof(T));
        frame.record = record + (step.offset - start) * stride;
        if (wants_input) frame.input = mine.input.data() + (step.offset - start) * input_stride;
        runner.run_phases(frame, step.rows);
        show(p, frame, lane, step, output);
      }
      first = end;
    }
    mine.states.write(p, lane, final);
  });
  if (!training) return nullptr;
  for (Work& w : work) tape->records.push_back(std::move(w.record));
  return tape;
}

#define TT_INSTANTIATE(T)                                                                                           \
  template std::unique_ptr<Tape<T>> forward<T>(                                                                     \
      const Program&, const Extent&, const Sequence<const T>&, const Lookup<T>&, const std::vector<Rows<const T>>&, \
      const Arrays<const T>&, const Sequence<T>&, bool, const std::vector<Rows<T>>&, bool, int);
TT_INSTANTIATE(float)
TT_INSTANTIATE(double)

}  // namespace throughtime
