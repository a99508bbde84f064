// Bit for bit: a row's result alone, in company, in chunks, packed, reversed, by table, step by step, in any threads.
#include <numeric>

#include "programs.h"
#include "run_case.h"

namespace throughtime::test {
namespace {

template <class T>
void copy_row(const Run<T>& from, Index b, Run<T>& to, Index first, Index steps) {
  const Program& p = from.p;
  for (std::size_t a = 0; a < from.arrays.size(); ++a)
    std::copy(from.arrays[a].begin(), from.arrays[a].end(), to.arrays[a].begin());
  for (Index t = 0; t < steps; ++t)
    std::copy_n(from.x.data() + from.at(first + t, b, p.input_width), p.input_width,
                to.x.data() + to.at(t, 0, p.input_width));
}

template <class T>
bool same_row(const Run<T>& all, Index t, Index b, const Run<T>& alone, Index u) {
  return std::equal(alone.output.data() + alone.at(u, 0, alone.width()),
                    alone.output.data() + alone.at(u, 0, alone.width()) + alone.width(),
                    all.output.data() + all.at(t, b, all.width()));
}

template <class T>
void rows_alone(const std::string& name, Options o) {
  const Program p = load(name);
  Run<T> all(p, o);
  all.forward(o.seed % 2);
  for (Index b = 0; b < o.rows; ++b) {
    const Index length = all.length(b);
    const Index cut = o.reverse ? 0 : length / 2;  // in two chunks
    Options one;
    one.rows = 1, one.steps = cut;
    Run<T> head(p, one);
    one.steps = length - cut, one.reverse = o.reverse;
    Run<T> tail(p, one);
    copy_row(all, b, head, 0, cut);
    copy_row(all, b, tail, cut, length - cut);
    for (std::size_t j = 0; j < p.state_widths.size(); ++j)
      std::copy_n(all.initial[j].data() + b * (p.state_widths[j] + o.extra), p.state_widths[j], head.initial[j].data());
    head.forward(false);
    for (std::size_t j = 0; j < p.state_widths.size(); ++j)
      std::copy(head.final[j].begin(), head.final[j].end(), tail.initial[j].begin());
    tail.forward(true);
    for (Index t = 0; t < length; ++t)
      CHECK_SAY(t < cut ? same_row(all, t, b, head, t) : same_row(all, t, b, tail, t - cut), name + " row " + text(b));
    for (std::size_t j = 0; j < p.state_widths.size(); ++j)
      CHECK(std::equal(tail.final[j].begin(), tail.final[j].end(),
                       all.final[j].data() + b * (p.state_widths[j] + o.extra)));
  }
}

TEST(exact_rows_alone_in_chunks_and_in_company) {
  for (const auto& name : all_programs())
    for (int variant = 0; variant < 6; ++variant) {
      Options o;
      o.steps = 7, o.rows = variant == 3 ? 17 : 6, o.threads = 1 + variant % 3, o.seed = std::uint32_t(variant + 5);
      o.ragged = variant == 1 || variant == 2, o.packed = variant == 3 || variant == 4;
      o.reverse = variant == 2 || variant == 4, o.extra = variant % 2 * 3, o.by_row = variant == 5;
      rows_alone<float>(name, o);
      rows_alone<double>(name, o);
    }
}

TEST(exact_gradients_repeat) {
  for (const auto& name : all_programs()) {
    const Program p = load(name);
    Options o;
    o.steps = 9, o.rows = 11, o.threads = 3, o.ragged = true;
    Run<float> a(p, o), b(p, o);
    for (auto* run : {&a, &b}) run->forward(true), run->backward();
    for (std::size_t i = 0; i < a.d_arrays.size(); ++i)
      CHECK_SAY(std::equal(a.d_arrays[i].begin(), a.d_arrays[i].end(), b.d_arrays[i].begin()), name);
    CHECK(std::equal(a.d_x.begin(), a.d_x.end(), b.d_x.begin()));
    b.backward();  // a tape serves twice
    CHECK(std::equal(a.d_x.begin(), a.d_x.end(), b.d_x.begin()));
  }
}

template <class T>
void stepper_equals_forward(const std::string& name, Index rows, Index count) {
  auto p = std::make_shared<Program>(load(name));
  Options o;
  o.steps = 5, o.rows = rows, o.absent = 0;
  Run<T> run(*p, o);
  for (auto& s : run.initial) std::fill(s.begin(), s.end(), T(0));
  Random random(8);
  Exact<T> table(count * p->input_width);
  for (T& v : table) v = T(random());
  std::vector<Index> ids;
  for (Index n = 0; n < o.steps * rows; ++n) {
    ids.push_back(random.below(count));
    std::copy_n(table.data() + ids.back() * p->input_width, p->input_width, run.x.data() + n * p->input_width);
  }
  run.forward(false);
  Stepper<T> by_value(p, run.parameters(), rows), by_id(p, run.parameters(), rows);
  by_id.set_table(table.data(), count);
  CHECK(by_id.table_size() == count);
  for (Index t = 0; t < o.steps; ++t) {
    const T* a = by_value.step(run.x.data() + t * rows * p->input_width);
    const T* b = by_id.step_tokens(ids.data() + t * rows);
    for (Index r = 0; r < rows; ++r) {
      const int shown = p->output_state, width = p->state_widths[std::size_t(shown)];
      const T* y = run.output.data() + run.at(t, r, run.width());
      if (p->every) y = std::accumulate(p->state_widths.begin(), p->state_widths.begin() + shown, y);
      CHECK_SAY(std::equal(y, y + width, a + r * by_value.output_stride()), name);
      CHECK_SAY(std::equal(y, y + width, b + r * by_id.output_stride()), name);
    }
  }
  for (std::size_t j = 0; j < p->state_widths.size(); ++j)
    for (Index r = 0; r < rows; ++r) {
      const T* s = by_value.state(int(j)) + r * by_value.state_stride(int(j));
      CHECK(std::equal(s, s + p->state_widths[j], run.final[j].data() + r * p->state_widths[j]));
    }
}

TEST(exact_stepper_equals_forward) {
  for (const auto& name : all_programs())
    for (Index rows : {1, 3, 8}) {
      stepper_equals_forward<float>(name, rows, 6);
      stepper_equals_forward<double>(name, rows, 1);
    }
}

TEST(exact_a_table_too_large_leaves_the_stepper_as_it_was) {
  auto p = std::make_shared<Program>(load("gru_lookup"));
  Run<float> run(*p, {});
  Stepper<float> stepper(p, run.parameters(), 1);
  Exact<float> small(2 * p->input_width), large(100000 * p->input_width);
  std::fill(small.begin(), small.end(), 0.5f), std::fill(large.begin(), large.end(), 0.5f);
  stepper.set_table(small.data(), 2);
  const std::size_t before = limit_memory(std::size_t(1) << 20);
  bool refused = false;
  try {
    stepper.set_table(large.data(), 100000);
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  limit_memory(before);
  CHECK(refused && stepper.table_size() == 2);
  const Index last = 1;
  const float* y = stepper.step_tokens(&last);
  CHECK(std::isfinite(y[0]));
}

TEST(exact_looked_up_input_equals_the_rows) {
  for (const char* name : {"gru_lookup", "lstm_lookup", "lstm_wide"}) {
    const Program p = load(name);
    for (int threads : {1, 3}) {
      Options o;
      o.steps = 6, o.rows = 5, o.threads = threads;
      Run<float> plain(p, o);
      o.lookup = true;
      Run<float> folded(p, o);
      for (Index n = 0; n < o.steps * o.rows; ++n)
        std::copy_n(folded.table.data() + folded.ids[n] * p.input_width, p.input_width,
                    plain.x.data() + n * p.input_width);
      plain.forward(true), folded.forward(true);
      CHECK_SAY(std::equal(plain.output.begin(), plain.output.end(), folded.output.begin()), name);
    }
  }
}

}  // namespace
}  // namespace throughtime::test
