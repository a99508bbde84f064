// The catalogue's cells as their equations print them, in plain loops and double: what the engine is compared with.
#pragma once

#include <functional>
#include <map>

#include "run_case.h"

namespace throughtime::test {

using Values = std::vector<double>;
using Parameters = std::vector<const double*>;

struct Sizes {
  Index inputs, hidden;
};

// W v, W (rows, columns)
inline Values times(const double* w, const Values& v, Index rows) {
  Values out(std::size_t(rows), 0.0);
  for (std::size_t r = 0; r < out.size(); ++r)
    for (std::size_t c = 0; c < v.size(); ++c) out[r] += w[r * v.size() + c] * v[c];
  return out;
}

inline Values plus(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

inline Values plus(Values a, const double* b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

inline Values sigmoid(Values a) {
  for (double& v : a) v = 1 / (1 + std::exp(-v));
  return a;
}

inline Values tanh(Values a) {
  for (double& v : a) v = std::tanh(v);
  return a;
}

inline Values mul(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] *= b[i];
  return a;
}

inline Values blend(const Values& z, const Values& zero, const Values& one) {
  Values out(z.size());
  for (std::size_t i = 0; i < z.size(); ++i) out[i] = (1 - z[i]) * zero[i] + z[i] * one[i];
  return out;
}

// One step: the states from x and the states before.
using StepFunction = std::function<void(const Parameters&, Sizes, const Values& x, std::vector<Values>& states)>;

// Parameters come in the order in which the cell's file declares them.
inline const std::map<std::string, StepFunction>& reference_steps() {
  static const auto gate = [](const Parameters& w, Sizes s, const Values& x, const Values& h, int a, int b, int c) {
    return plus(plus(times(w[std::size_t(a)], x, s.hidden), times(w[std::size_t(b)], h, s.hidden)), w[std::size_t(c)]);
  };
  static const std::map<std::string, StepFunction> steps = {
      {"rnn", [](const Parameters& w, Sizes s, const Values& x,
                 std::vector<Values>& states) { states[0] = tanh(gate(w, s, x, states[0], 0, 1, 2)); }},
      {"lstm",
       [](const Parameters& w, Sizes s, const Values& x, std::vector<Values>& states) {
         Values &h = states[0], &c = states[1];
         const Values i = sigmoid(gate(w, s, x, h, 0, 4, 8)), f = sigmoid(gate(w, s, x, h, 1, 5, 11));
         const Values o = sigmoid(gate(w, s, x, h, 2, 6, 9)), g = tanh(gate(w, s, x, h, 3, 7, 10));
         c = plus(mul(f, c), mul(i, g));
         h = mul(o, tanh(c));
       }},
      {"gru",
       [](const Parameters& w, Sizes s, const Values& x, std::vector<Values>& states) {
         Values& h = states[0];
         const Values z = sigmoid(gate(w, s, x, h, 0, 3, 6)), r = sigmoid(gate(w, s, x, h, 1, 4, 7));
         h = blend(z, h, tanh(gate(w, s, x, mul(r, h), 2, 5, 8)));
       }},
      {"gru_reset_after",
       [](const Parameters& w, Sizes s, const Values& x, std::vector<Values>& states) {
         Values& h = states[0];
         const Values r = sigmoid(plus(gate(w, s, x, h, 0, 3, 6), w[9]));
         const Values z = sigmoid(plus(gate(w, s, x, h, 1, 4, 7), w[10]));
         const Values n =
             tanh(plus(plus(times(w[2], x, s.hidden), w[8]), mul(r, plus(times(w[5], h, s.hidden), w[11]))));
         h = blend(z, n, h);
       }},
  };
  return steps;
}

}  // namespace throughtime::test
