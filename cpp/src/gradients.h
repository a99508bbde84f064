// The parameters' gradients: which are wanted, where each lane sums its own, and the sum over the lanes.
#pragma once

#include "lanes.h"

namespace throughtime {

// What a call of backward has to compute.
struct GradientPlan {
  std::vector<char> wanted;                  // by parameter
  std::vector<Program::Weight> matrices;     // those of one operand side by side: it is packed once for all of them
  std::vector<Program::Weight> folded;       // on a looked-up input: computed once, from sums by id
  std::vector<std::pair<int, int>> vectors;  // parameter, adjoint column
  bool reads_x = false;                      // are the inputs themselves needed?
  bool sums_ids = false;                     // are adjoints summed by id?
  Index operand_columns = 0;                 // of the widest packed operand, filled up
};

template <class T>
GradientPlan plan_gradients(const Program& p, const Inputs<T>& inputs, const Gradients<T>& gradients);

// What one lane sums: parameters' gradients in the order of Program::parameters. The first lane's matrices lie in the
// caller's result, everything else in memory of its own.
template <class T>
struct LaneGradients {
  std::vector<T*> data;  // null where not wanted
  std::vector<Index> row;
  std::vector<char> written;  // matrices: does it hold anything yet?

  LaneGradients(const Program& p, const GradientPlan& plan, bool first, const Arrays<T>& results);

 private:
  Buffer<T> memory_;
};

// d_x (rows, I), row stride to_stride, = start + the adjoints' products with the transposed weights.
template <class T>
void input_gradient(const Program& p, const Weights<T>& weights, const T* adjoint, Index stride, Index rows,
                    Start start, T* to, Index to_stride);

// Results' rows that no wanted parameter covers, or to which nothing was added, become zero.
template <class T>
void clear_uncovered(const Program& p, const GradientPlan& plan, const LaneGradients<T>& first,
                     const Arrays<T>& results);

// Results = sums over the lanes, in their order, whatever the threads.
template <class T>
void sum_lanes(const Program& p, const GradientPlan& plan, const std::vector<LaneGradients<T>*>& lanes,
               const Arrays<T>& results, int threads);

}  // namespace throughtime
