#include "gradients.h"
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

// What all lanes of a call share. Only read while they run.
template <class T>
struct Call {
  const Program& p;
  const Tape<T>& tape;
  const Inputs<T>& inputs;
  const Adjoints<T>& adjoints;
  const Gradients<T>& gradients;
  const GradientPlan& plan;
  const Weights<T>& weights;

  const Kernels<T>& k = kernels<T>();
  Index input_stride = row_stride<T>(p.input_width), adjoint_stride = record_stride<T>(p.backward);
  Index output_width = p.output_width(), output_stride = row_stride<T>(output_width);
};

// One lane's way back through time, with memory of its own. Each block of steps goes twice: step by step through the
// phases, then as a whole through the products that need no order.
template <class T>
class BackwardLane {
 public:
  LaneGradients<T> gradients;
  Buffer<T> sums;  // adjoints by id

  BackwardLane(const Call<T>& call, std::size_t number)
      : gradients(call.p, call.plan, number == 0, call.gradients.arrays),
        sums(elements(call.plan.sums_ids ? call.inputs.lookup.count : 0, call.adjoint_stride)),
        call_(call),
        lane_(call.tape.lanes[number]),
        record_(call.tape.records[number].data()),
        states_(call.p, Index(lane_.rows.size())),
        temporaries_(temporaries_for<T>(call.p, call.p.backward)) {
    Index most = 0;
    for (Index begin = 0, end = Index(lane_.steps.size()); end > 0; end = begin) {
      begin = block_begin(lane_, end, kGradientRows);
      block_ = std::max(block_, active(lane_, begin, end));
    }
    for (const Step& s : lane_.steps) most = std::max(most, s.rows);
    adjoint_ = Buffer<T>(elements(block_, call.adjoint_stride));
    doutput_ = Buffer<T>(elements(most, call.output_stride));
    input_ = Buffer<T>(elements(call.plan.reads_x ? block_ : 0, call.input_stride));
    dinput_ = Buffer<T>(elements(call.gradients.x.data ? block_ : 0, call.input_stride));
    packed_ = Buffer<T>(elements(std::min(block_, kGradientRows), call.plan.operand_columns));
  }

  void run() {
    const Program& p = call_.p;
    const Gradients<T>& wanted = call_.gradients;
    states_.read(p, lane_, call_.adjoints.final);
    if (wanted.x.data && wanted.pad) clear_padding(lane_, call_.tape.extent.steps, p.input_width, wanted.x);
    if (!call_.adjoints.output.data) std::fill(doutput_.data(), doutput_.data() + doutput_.size(), T(0));
    std::fill(sums.data(), sums.data() + sums.size(), T(0));
    Runner<T> runner(p, p.backward, call_.weights, block_);
    Frame<T> frame;
    frame.states = states_.data;
    frame.state_strides = states_.strides;
    frame.record_stride = call_.tape.stride;
    frame.input_stride = call_.input_stride;
    frame.adjoint_stride = call_.adjoint_stride;
    frame.temporaries = temporaries_.data();
    frame.doutput = doutput_.data();
    frame.doutput_stride = call_.output_stride;
    for (Index begin = 0, end = Index(lane_.steps.size()); end > 0; end = begin) {
      begin = block_begin(lane_, end, kGradientRows);
      const Index rows = active(lane_, begin, end);
      if (!rows) break;
      run_steps(begin, end, runner, frame);
      frame.record = record_ + lane_.steps[begin].offset * call_.tape.stride;
      frame.adjoint = adjoint_.data();
      frame.input = input_.data();
      add_weights(rows, runner, frame);
      if (wanted.x.data) write_input(begin, end, rows);
    }
    states_.write(p, lane_, wanted.initial);
  }

 private:
  // The phases of steps [begin, end), last one first; leaves their adjoints, and their inputs where read.
  void run_steps(Index begin, Index end, Runner<T>& runner, Frame<T>& frame) {
    const Index start = lane_.steps[begin].offset;
    T* record = record_ + start * call_.tape.stride;
    if (call_.plan.reads_x)
      for (Index s = begin; s < end; ++s)
        gather(call_.inputs.x, lane_, lane_.steps[s], call_.p.input_width,
               input_.data() + (lane_.steps[s].offset - start) * call_.input_stride, call_.input_stride);
    for (Index s = end; s-- > begin;) {
      const Step& step = lane_.steps[s];
      const Index at = step.offset - start;
      if (call_.adjoints.output.data)
        gather(call_.adjoints.output, lane_, step, call_.output_width, doutput_.data(), call_.output_stride);
      frame.record = record + at * call_.tape.stride;
      frame.adjoint = adjoint_.data() + at * call_.adjoint_stride;
      frame.input = call_.plan.reads_x ? input_.data() + at * call_.input_stride : nullptr;
      runner.run_phases(frame, step.rows);
      if (call_.plan.sums_ids) sum_ids(step, frame.adjoint);
    }
  }

  void sum_ids(const Step& step, const T* adjoint) {
    const Lookup<T>& lookup = call_.inputs.lookup;
    for (Index r = 0; r < step.rows; ++r) {
      const Index id = lookup.ids[step.t * lookup.time + lane_.rows[r] * lookup.row];
      add(call_.k, sums.data() + id * call_.adjoint_stride, adjoint + r * call_.adjoint_stride, call_.p.summed);
    }
  }

  // The parameters' gradients += those of a block of `rows` adjoints; the frame stands at the block's first row.
  void add_weights(Index rows, const Runner<T>& runner, const Frame<T>& frame) {
    const Kernels<T>& k = call_.k;
    for (Index from = 0; from < rows; from += kGradientRows) {
      const Index depth = std::min(kGradientRows, rows - from);
      int packed = -1;  // the operand that lies in packed_
      for (const auto& w : call_.plan.matrices) {
        const Place& q = call_.p.places[w.operand];
        const Operand<T> b = runner.locate(q, frame);
        const Index height = call_.p.parameters[w.parameter].rows;
        const T* a = adjoint_.data() + from * call_.adjoint_stride + w.column;
        T* to = gradients.data[w.parameter];
        const Index row = gradients.row[w.parameter];
        const bool accumulate = gradients.written[w.parameter] != 0;
        gradients.written[w.parameter] = 1;
        if (q.width <= kNarrow) {
          k.outer_narrow(height, q.width, depth, a, call_.adjoint_stride, b.data + from * b.stride, b.stride, to, row,
                         accumulate);
          continue;
        }
        if (w.operand != packed) {
          k.pack_transposed(b.data + from * b.stride, b.stride, depth, q.width, packed_.data(), 0, depth);
          packed = w.operand;
        }
        k.outer(height, q.width, depth, a, call_.adjoint_stride, packed_.data(), to, row, accumulate);
      }
    }
    for (auto [n, column] : call_.plan.vectors)
      k.column_sum(rows, call_.p.parameters[n].rows, adjoint_.data() + column, call_.adjoint_stride, gradients.data[n]);
  }

  // d_x of steps [begin, end), which have so many rows, from their adjoints.
  void write_input(Index begin, Index end, Index rows) {
    const Program& p = call_.p;
    const Index stride = call_.input_stride, start = lane_.steps[begin].offset;
    T* to = dinput_.data();
    Start from = Start::zero;
    if (p.input_elementwise >= 0) {
      for (Index r = 0; r < rows; ++r)
        std::memcpy(to + r * stride, adjoint_.data() + r * call_.adjoint_stride + p.input_elementwise,
                    std::size_t(p.input_width) * sizeof(T));
      from = Start::accumulate;
    }
    input_gradient(p, call_.weights, adjoint_.data(), call_.adjoint_stride, rows, from, to, stride);
    for (Index s = begin; s < end; ++s)
      scatter(to + (lane_.steps[s].offset - start) * stride, stride, lane_, lane_.steps[s], p.input_width,
              call_.gradients.x);
  }

  const Call<T>& call_;
  const Lane& lane_;
  T* const record_;  // only read
  States<T> states_;
  Buffer<T> temporaries_, adjoint_, doutput_, input_, dinput_, packed_;
  Index block_ = 0;  // most rows of a block
};

// The gradients that a looked-up input shares among all its occurrences: of the table and of the matrices it met.
template <class T>
void finish_lookup(const Call<T>& call, std::vector<BackwardLane<T>>& lanes) {
  const Program& p = call.p;
  const Lookup<T>& lookup = call.inputs.lookup;
  LaneGradients<T>& first = lanes[0].gradients;
  T* sums = lanes[0].sums.data();
  for (std::size_t lane = 1; lane < lanes.size(); ++lane)
    add(call.k, sums, lanes[lane].sums.data(), lookup.count * call.adjoint_stride);
  const Index columns = (p.input_width + call.k.panel - 1) / call.k.panel * call.k.panel;
  const Buffer<T> packed(elements(lookup.count, columns));
  parallel(1, [&](int) {
    if (!call.plan.folded.empty())
      call.k.pack_transposed(lookup.table, p.input_width, lookup.count, p.input_width, packed.data(), 0, lookup.count);
    for (const auto& w : call.plan.folded) {
      call.k.outer(p.parameters[w.parameter].rows, p.input_width, lookup.count, sums + w.column, call.adjoint_stride,
                   packed.data(), first.data[w.parameter], first.row[w.parameter], first.written[w.parameter] != 0);
      first.written[w.parameter] = 1;
    }
    if (call.gradients.table)
      input_gradient(p, call.weights, sums, call.adjoint_stride, lookup.count, Start::zero, call.gradients.table,
                     Index(p.input_width));
  });
}

}  // namespace

template <class T>
void backward(const Program& p, const Tape<T>& tape, const Inputs<T>& inputs, const Adjoints<T>& adjoints,
              const Gradients<T>& gradients, int threads) {
  const GradientPlan plan = plan_gradients(p, inputs, gradients);
  const Weights<T> weights = prepare<T>(p, inputs.arrays, {&p.backward}, gradients.x.data || gradients.table, threads);
  const Call<T> call{p, tape, inputs, adjoints, gradients, plan, weights};
  std::vector<BackwardLane<T>> lanes;
  lanes.reserve(tape.lanes.size());
  for (std::size_t i = 0; i < tape.lanes.size(); ++i) lanes.emplace_back(call, i);
  parallel(int(lanes.size()), [&](int i) { lanes[std::size_t(i)].run(); });
  if (plan.sums_ids) finish_lookup(call, lanes);
  clear_uncovered(p, plan, lanes[0].gradients, gradients.arrays);
  std::vector<LaneGradients<T>*> parts;
  parts.reserve(lanes.size());
  for (BackwardLane<T>& lane : lanes) parts.push_back(&lane.gradients);
  sum_lanes(p, plan, parts, gradients.arrays, threads);
}

#define TT_INSTANTIATE(T)                                                                                              \
  template void backward<T>(const Program&, const Tape<T>&, const Inputs<T>&, const Adjoints<T>&, const Gradients<T>&, \
                            int);
TT_INSTANTIATE(float)
TT_INSTANTIATE(double)

}  // namespace throughtime
