// forward, backward and Stepper on compiled cells, against plain loops and against differences.
#include "programs.h"
#include "reference.h"

namespace throughtime::test {
namespace {

std::vector<Options> shapes() {
  std::vector<Options> all;
  const auto add = [&](auto change) {
    Options o;
    o.steps = 4, o.rows = 3, o.seed = std::uint32_t(all.size() + 1);
    change(o);
    all.push_back(o);
  };
  add([](Options&) {});
  add([](Options& o) { o.ragged = true, o.extra = 3; });
  add([](Options& o) { o.ragged = true, o.reverse = true, o.threads = 2; });
  add([](Options& o) { o.packed = true, o.rows = 5, o.threads = 3; });
  add([](Options& o) { o.packed = true, o.reverse = true, o.extra = 1; });
  add([](Options& o) { o.by_row = true, o.reverse = true; });
  add([](Options& o) { o.steps = 1, o.rows = 1; });
  add([](Options& o) { o.steps = 0; });
  add([](Options& o) { o.rows = 0; });
  add([](Options& o) { o.rows = o.steps = 0, o.threads = 2; });
  add([](Options& o) { o.rows = 1, o.steps = 30, o.threads = 4; });
  add([](Options& o) { o.rows = 29, o.steps = 2, o.threads = 2; });
  add([](Options& o) { o.absent = no_initial | no_final | no_d_final; });
  return all;
}

std::string family(const std::string& name) { return name.substr(0, name.rfind('_')); }

// What the run's forward pass should have written, by the plain loops.
void compare_with_reference(const Run<double>& run, const StepFunction& step) {
  const Program& p = run.p;
  Parameters w;
  for (const auto& a : run.arrays) w.push_back(a.data());
  for (Index b = 0; b < run.o.rows; ++b) {
    std::vector<Values> states;
    for (std::size_t j = 0; j < p.state_widths.size(); ++j) {
      const Index width = p.state_widths[j];
      const double* from = run.initial[j].data() + b * (width + run.o.extra);
      const bool zero = run.missing(no_initial) && j % 2 == 0;
      states.emplace_back(zero ? Values(std::size_t(width), 0.0) : Values(from, from + width));
    }
    const Index length = run.length(b);
    for (Index n = 0; n < length; ++n) {
      const Index t = run.o.reverse ? length - 1 - n : n;
      const double* x = run.x.data() + run.at(t, b, p.input_width);
      step(w, {p.input_width, p.state_widths[std::size_t(p.output_state)]}, Values(x, x + p.input_width), states);
      Values h = states[std::size_t(p.output_state)];
      if (p.every) {
        h.clear();
        for (const Values& state : states) h.insert(h.end(), state.begin(), state.end());
      }
      for (Index i = 0; i < run.width(); ++i) {
        const double got = run.output[run.at(t, b, run.width()) + i];
        CHECK_SAY(near(got, h[std::size_t(i)], 1e-13), text(got) + " and " + text(h[std::size_t(i)]));
      }
    }
    for (std::size_t j = 0; j < states.size(); ++j)
      for (std::size_t i = 0; i < states[j].size() && !(run.missing(no_final) && j % 2 == 0); ++i)
        CHECK(near(run.final[j][b * (p.state_widths[j] + run.o.extra) + Index(i)], states[j][i], 1e-13));
  }
}

// Beyond a row's length the output is zero, between rows it is untouched.
template <class T>
void check_borders(const Run<T>& run, const Exact<T>& y, Index width) {
  std::vector<char> inside(std::size_t(y.size), 0);
  for (Index b = 0; b < run.o.rows; ++b)
    for (Index t = 0; t < (run.o.packed ? run.length(b) : run.o.steps); ++t)
      for (Index i = 0; i < width; ++i) {
        const Index at = run.at(t, b, width) + i;
        inside[std::size_t(at)] = 1;
        CHECK(std::isfinite(y[at]) && y[at] != T(99));
        CHECK(t < run.length(b) || y[at] == T(0));
      }
  for (Index i = 0; i < y.size; ++i) CHECK(inside[std::size_t(i)] || y[i] == T(99));
}

void with_padding_that_must_not_be_read(Run<double>& run) {
  if (run.o.packed) return;
  for (Index b = 0; b < run.o.rows; ++b)
    for (Index t = run.length(b); t < run.o.steps; ++t) {
      std::fill_n(run.x.data() + run.at(t, b, run.p.input_width), run.p.input_width, NAN);
      std::fill_n(run.d_output.data() + run.at(t, b, run.width()), run.width(), NAN);
    }
}

TEST(run_forward_equals_plain_loops) {
  for (const auto& name : all_programs()) {
    const auto step = reference_steps().find(family(name));
    if (step == reference_steps().end() || name == "lstm_stacked") continue;
    const Program p = load(name);
    for (const Options& o : shapes())
      for (bool training : {false, true}) {
        Run<double> run(p, o);
        with_padding_that_must_not_be_read(run);
        run.forward(training);
        CHECK(bool(run.tape) == training);
        compare_with_reference(run, step->second);
        check_borders(run, run.output, run.width());
      }
  }
}

TEST(run_stacked_arrays_equal_separate_ones) {
  const Program separate = load("lstm_narrow"), stacked = load("lstm_stacked");
  Run<double> a(separate, {}), b(stacked, {});
  std::fill(b.arrays[3].begin(), b.arrays[3].end(), 0.25);
  for (std::size_t i = 0; i < separate.parameters.size(); ++i) {
    const auto& q = stacked.parameters[i];
    const auto [array, first] = q.sources[0];
    const Index columns = std::max(1, q.columns);
    for (Index n = 0; n < q.rows * columns; ++n)
      a.arrays[i][n] = b.arrays[std::size_t(array)][first * columns + n] + (q.columns ? 0 : 0.25);
  }
  a.x = std::move(b.x), b.x = Exact<double>(a.x.size);
  std::copy(a.x.begin(), a.x.end(), b.x.begin());
  for (std::size_t j = 0; j < 2; ++j) std::copy(a.initial[j].begin(), a.initial[j].end(), b.initial[j].begin());
  a.forward(true), b.forward(true);
  CHECK(std::equal(a.output.begin(), a.output.end(), b.output.begin()));
  std::copy(a.d_output.begin(), a.d_output.end(), b.d_output.begin());
  for (std::size_t j = 0; j < 2; ++j) std::copy(a.d_final[j].begin(), a.d_final[j].end(), b.d_final[j].begin());
  a.backward(), b.backward();
  for (std::size_t i = 0; i < separate.parameters.size(); ++i)
    for (auto [array, first] : stacked.parameters[i].sources) {
      const Index columns = std::max(1, stacked.parameters[i].columns);
      for (Index n = 0; n < stacked.parameters[i].rows * columns; ++n)
        CHECK(near(a.d_arrays[i][n], b.d_arrays[std::size_t(array)][first * columns + n], 1e-14));
    }
}

double loss(Run<double>& run) {
  run.forward(false);
  double sum = 0;
  for (Index b = 0; b < run.o.rows; ++b)
    for (Index t = 0; t < run.length(b) && !run.missing(no_d_output); ++t)
      for (Index i = 0; i < run.width(); ++i) {
        const Index at = run.at(t, b, run.width()) + i;
        sum += run.output[at] * run.d_output[at];
      }
  for (std::size_t j = 0; j < run.final.size(); ++j)
    for (Index b = 0; b < run.o.rows && !(run.missing(no_d_final) && j % 2 == 0); ++b)
      for (Index i = 0; i < run.p.state_widths[j]; ++i) {
        const Index at = b * (run.p.state_widths[j] + run.o.extra) + i;
        sum += run.final[j][at] * run.d_final[j][at];
      }
  return sum;
}

void compare_slope(Run<double>& run, double& value, double gradient, const std::string& what) {
  const double kept = value, step = 2e-6;
  value = kept + step;
  const double up = loss(run);
  value = kept - step;
  const double slope = (up - loss(run)) / (2 * step);
  value = kept;
  CHECK_SAY(near(gradient, slope, 2e-8), what + ": " + text(gradient) + " and " + text(slope));
}

// every: of the parameters, one in so many
void compare_gradients(const Program& p, const Options& o, Index every) {
  Run<double> run(p, o);
  run.forward(true);
  run.backward();
  const std::string where = p.name + " T " + text(o.steps) + " B " + text(o.rows) + " ";
  for (std::size_t a = 0; a < run.arrays.size(); ++a)
    for (Index n = o.seed % every; n < run.arrays[a].size; n += every)
      compare_slope(run, run.arrays[a][n], run.d_arrays[a][n], where + "array " + text(a) + " element " + text(n));
  for (std::size_t j = 0; j < run.initial.size(); ++j)
    for (Index b = 0; b < o.rows && !(run.missing(no_initial) && j % 2 == 0); ++b)
      for (Index i = 0; i < p.state_widths[j]; ++i) {
        const Index at = b * (p.state_widths[j] + o.extra) + i;
        compare_slope(run, run.initial[j][at], run.d_initial[j][at], where + "state " + text(j));
      }
  Exact<double>& inputs = o.lookup ? run.table : run.x;
  const Exact<double>& d_inputs = o.lookup ? run.d_table : run.d_x;
  for (Index b = 0; b < (o.lookup ? run.count : o.rows); ++b)
    for (Index t = 0; t < (o.lookup ? 1 : run.length(b)); ++t)
      for (Index i = 0; i < p.input_width; ++i) {
        const Index at = (o.lookup ? b * p.input_width : run.at(t, b, p.input_width)) + i;
        compare_slope(run, inputs[at], d_inputs[at], where + "input");
      }
  if (!o.lookup) check_borders(run, run.d_x, p.input_width);
}

TEST(run_gradients_equal_differences) {
  for (const auto& name : all_programs()) {
    if (name.find("_narrow") == std::string::npos && name != "lstm_stacked") continue;
    const Program p = load(name);
    for (Options o : shapes())
      if (o.steps * o.rows <= 20) compare_gradients(p, o, 3);  // each shape another third
  }
  for (const auto& name : all_programs())  // wider than a cut of columns
    if (name.find("_wide") != std::string::npos) compare_gradients(load(name), {}, 97);
  for (const char* name : {"gru_lookup", "lstm_lookup"}) {
    Options o;
    o.lookup = true, o.rows = 3, o.threads = 2;
    compare_gradients(load(name), o, 1);
  }
}

// At larger sizes: every variant of the call has the same gradients as the plain one.
TEST(run_wide_programs_agree_with_their_gradients_in_double) {
  for (const char* name : {"lstm_large", "gru_wide", "everything_wide"}) {
    const Program p = load(name);
    for (const Options& o : shapes()) {
      Run<double> exact(p, o);
      Run<float> run(p, o);
      exact.forward(true), exact.backward(), run.forward(true), run.backward();
      for (std::size_t a = 0; a < run.arrays.size(); ++a)
        for (Index n = 0; n < run.arrays[a].size; ++n) CHECK(near(run.d_arrays[a][n], exact.d_arrays[a][n], 2e-4));
      check_borders(run, run.d_x, p.input_width);
    }
  }
}

TEST(run_what_is_not_wanted_is_not_written) {
  for (const auto& name : all_programs()) {
    const Program p = load(name);
    Options o;
    Run<double> full(p, o);
    o.absent = no_d_x | no_d_initial | some_arrays;
    Run<double> part(p, o);
    full.forward(true), full.backward(), part.forward(true), part.backward();
    for (std::size_t a = 0; a < part.d_arrays.size(); ++a)
      for (Index n = 0; n < part.d_arrays[a].size; ++n)
        CHECK(a % 2 ? std::isnan(part.d_arrays[a][n]) : part.d_arrays[a][n] == full.d_arrays[a][n]);
    for (double v : part.d_x) CHECK(v == 99);
    part.o.absent = no_arrays;
    part.backward();
    CHECK(std::equal(part.d_x.begin(), part.d_x.end(), full.d_x.begin()));
  }
}

TEST(run_a_mean_is_of_the_whole_row) {  // a mean of each cut of columns would have consistent gradients, too
  Program p = load("lstm_large");
  const int place = int(p.places.size()), width = p.state_widths[0];
  p.places.push_back({Space::state, 0, width});
  p.inference.phases = {Tile{{{kMean, place, place, -1, -1}}, 0}};
  p.check();
  Options o;
  o.steps = 1;
  Run<double> run(p, o);
  run.forward(false);
  for (Index b = 0; b < o.rows; ++b) {
    double sum = 0;
    for (Index i = 0; i < width; ++i) sum += run.initial[0][b * width + i];
    for (Index i = 0; i < width; ++i) CHECK(near(run.final[0][b * width + i], sum / width, 1e-14));
  }
}

// What no compiler writes and check accepts: a backward pass that does nothing, narrower than the record's biases.
TEST(run_a_backward_pass_without_columns) {
  Program p = load("gru_wide");
  p.backward = Pass();
  p.summed = 0;
  p.weights.clear(), p.vectors.clear(), p.input_products.clear();
  p.check();
  Run<float> run(p, {});
  run.forward(true), run.backward();
  for (float v : run.d_x) CHECK(v == 0);
  for (const auto& d : run.d_arrays)
    for (float v : d) CHECK(v == 0);
}

TEST(run_a_table_that_nothing_depends_on_has_no_gradient) {
  Program p = load("gru_lookup");
  p.input_products.clear();
  p.check();
  Options o;
  o.lookup = true;
  Run<float> run(p, o);
  run.forward(true), run.backward();
  for (float v : run.d_table) CHECK(v == 0);
}

TEST(run_memory_that_is_not_there_is_an_exception) {
  const Program p = load("lstm_large");
  Options o;
  o.steps = 40, o.rows = 20, o.threads = 2;
  for (std::size_t limit : {std::size_t(1) << 12, std::size_t(200) << 10, std::size_t(600) << 10}) {
    Run<float> run(p, o);
    const std::size_t before = limit_memory(limit);
    bool refused = false;
    try {
      run.forward(true);
      run.backward();
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    limit_memory(before);
    CHECK(refused);
    run.forward(true), run.backward();  // and nothing is left broken
  }
}

}  // namespace
}  // namespace throughtime::test
