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
                     int threads) {
  const Index stride = record_stride<T>(pass);
  Buffer<T> table(elements(lookup.count, stride));
  if (!lookup.count) return table;
  parallel(threads, [&](int worker) {
    const Index first = lookup.count * worker / threads, end = lookup.count * (worker + 1) / threads;
    Runner<T> runner(p, pass, weights, end - first);
    Frame<T> frame;
    frame.record = table.data() + first * stride;
    frame.record_stride = stride;
    frame.input = const_cast<T*>(lookup.table) + first * p.input_width;  // only read
    frame.input_stride = p.input_width;
    for (const Product& product : pass.hoisted) runner.product(product, frame, end - first);
  });
  return table;
}

// What all lanes of a call share. Only read while they run.
template <class T>
struct Call {
  const Program& p;
  const Pass& pass;
  const Weights<T>& weights;
  const Extent& extent;
  const Inputs<T>& inputs;
  const std::vector<Rows<const T>>& initial;
  const Outputs<T>& outputs;
  const Buffer<T>& table;  // of the lookup's products
  bool training;

  Index stride = record_stride<T>(pass), input_stride = row_stride<T>(p.input_width);
  Index budget = std::max<Index>(1, kGateBytes / (stride * Index(sizeof(T))));  // rows of a block of steps
  bool wants_input = !inputs.lookup.count && reads_input(pass, p);
};

// One lane's way through time, with memory of its own.
template <class T>
class ForwardLane {
 public:
  ForwardLane(const Call<T>& call, const Lane& lane)
      : call_(call),
        lane_(lane),
        states_(call.p, Index(lane.rows.size())),
        temporaries_(temporaries_for<T>(call.p, call.pass)) {
    for (Index first = 0, end = 0; first < Index(lane.steps.size()); first = end) {
      end = block_end(lane, first, call.budget);
      block_ = std::max(block_, active(lane, first, end));
    }
    input_ = Buffer<T>(elements(call.wants_input ? block_ : 0, call.input_stride));
    record_ = Buffer<T>(elements(call.training ? lane.total : block_, call.stride));
  }

  void run() {
    const Program& p = call_.p;
    states_.read(p, lane_, call_.initial);
    if (call_.outputs.pad) clear_padding(lane_, call_.extent.steps, p.output_width(), call_.outputs.output);
    Runner<T> runner(p, call_.pass, call_.weights, block_);
    Frame<T> frame;
    frame.states = states_.data;
    frame.state_strides = states_.strides;
    frame.record_stride = call_.stride;
    frame.input_stride = call_.input_stride;
    frame.temporaries = temporaries_.data();
    for (Index first = 0, end = 0; first < Index(lane_.steps.size()); first = end) {
      end = block_end(lane_, first, call_.budget);
      run_block(first, end, runner, frame);
    }
    states_.write(p, lane_, call_.outputs.final);
  }

  // What backward needs; after run, where training.
  Buffer<T> take_record() { return std::move(record_); }

 private:
  // Steps [first, end), in processing order.
  void run_block(Index first, Index end, Runner<T>& runner, Frame<T>& frame) {
    const Program& p = call_.p;
    const Index start = lane_.steps[first].offset;
    const bool looks_up = call_.inputs.lookup.count > 0;
    T* record = record_.data() + (call_.training ? start * call_.stride : 0);
    frame.record = record;
    frame.input = input_.data();
    if (call_.wants_input)
      for (Index s = first; s < end; ++s)
        gather(call_.inputs.x, lane_, lane_.steps[s], p.input_width,
               input_.data() + (lane_.steps[s].offset - start) * call_.input_stride, call_.input_stride);
    if (!looks_up)
      for (const Product& product : call_.pass.hoisted) runner.product(product, frame, active(lane_, first, end));
    for (Index s = first; s < end; ++s) {
      const Step& step = lane_.steps[s];
      frame.record = record + (step.offset - start) * call_.stride;
      if (looks_up) look_up(step, frame.record);
      if (call_.wants_input) frame.input = input_.data() + (step.offset - start) * call_.input_stride;
      runner.run_phases(frame, step.rows);
      show(p, frame, lane_, step, call_.outputs.output);
    }
  }

  // The hoisted products of a step's rows, from the table.
  void look_up(const Step& step, T* record) const {
    const Lookup<T>& lookup = call_.inputs.lookup;
    for (const Product& product : call_.pass.hoisted)
      for (Index r = 0; r < step.rows; ++r)
        std::memcpy(record + r * call_.stride + product.target.index,
                    call_.table.data() + lookup.ids[step.t * lookup.time + lane_.rows[r] * lookup.row] * call_.stride +
                        product.target.index,
                    std::size_t(product.target.width) * sizeof(T));
  }

  const Call<T>& call_;
  const Lane& lane_;
  States<T> states_;
  Buffer<T> temporaries_, input_, record_;
  Index block_ = 0;  // most rows of a block
};

}  // namespace

template <class T>
std::unique_ptr<Tape<T>> forward(const Program& p, const Extent& extent, const Inputs<T>& inputs,
                                 const std::vector<Rows<const T>>& initial, const Outputs<T>& outputs, bool training,
                                 int threads) {
  const Pass& pass = training ? p.training : p.inference;
  threads = useful_threads(p, extent, threads);
  const Weights<T> weights = prepare<T>(p, inputs.arrays, {&pass}, false, threads);
  auto tape = std::make_unique<Tape<T>>();
  tape->program = p.fingerprint;
  tape->extent = extent;
  tape->lanes = split(extent, threads);
  tape->stride = record_stride<T>(pass);
  const Buffer<T> table = gate_table(p, pass, weights, inputs.lookup, threads);
  const Call<T> call{p, pass, weights, extent, inputs, initial, outputs, table, training};
  std::vector<ForwardLane<T>> lanes;
  lanes.reserve(tape->lanes.size());
  for (const Lane& lane : tape->lanes) lanes.emplace_back(call, lane);
  parallel(int(lanes.size()), [&](int i) { lanes[std::size_t(i)].run(); });
  if (!training) return nullptr;
  for (ForwardLane<T>& lane : lanes) tape->records.push_back(lane.take_record());
  return tape;
}

#define TT_INSTANTIATE(T)                                                                       \
  template std::unique_ptr<Tape<T>> forward<T>(const Program&, const Extent&, const Inputs<T>&, \
                                               const std::vector<Rows<const T>>&, const Outputs<T>&, bool, int);
TT_INSTANTIATE(float)
TT_INSTANTIATE(double)

}  // namespace throughtime
