// Streams that join, step in any company and leave: bit for bit steppers of their own, in every form of the weights.
#include "throughtime/streams.h"

#include <map>

#include "programs.h"
#include "run_case.h"
#include "throughtime/narrow.h"

namespace throughtime::test {
namespace {

template <class T>
void streams_equal_steppers(const std::string& name, Form form) {
  auto p = std::make_shared<Program>(load(name));
  Options o;
  o.absent = 0;
  Run<T> run(*p, o);
  Random random(11);
  const Index width = p->input_width, out = p->state_widths[p->output_state], count = 5;
  Exact<T> table(count * width);
  for (T& v : table) v = T(random());
  Streams<T> streams(p, run.parameters(), form);
  streams.set_table(table.data(), count);
  std::map<Index, std::unique_ptr<Stepper<T>>> alone;
  for (int turn = 0; turn < 8; ++turn) {
    for (Index i = random.below(7); i >= 0; --i)
      alone[streams.join()] = std::make_unique<Stepper<T>>(p, run.parameters(), 1, form);
    if (turn % 2) {
      const Index gone = streams.ids()[random.below(streams.size())];
      streams.leave(gone);
      alone.erase(gone);
    }
    std::vector<Index> ids(streams.ids(), streams.ids() + streams.size());
    if (turn % 3) {
      std::reverse(ids.begin(), ids.end());
      ids.resize(ids.size() - ids.size() / 3);
    }
    const Index n = Index(ids.size());
    std::vector<Index> rows(ids.size()), tokens;
    CHECK(streams.find(ids.data(), n, rows.data()) == n);
    Exact<T> x(n * width), y(n * out);
    for (Index i = 0; i < n; ++i) {
      tokens.push_back(random.below(count));
      std::copy_n(table.data() + tokens.back() * width, width, x.data() + i * width);
    }
    if (turn % 4 < 2)
      streams.step(rows.data(), n, x.data(), width, y.data(), 1 + turn % 3);
    else
      streams.step_tokens(rows.data(), n, tokens.data(), y.data(), 1 + turn % 3);
    for (Index i = 0; i < n; ++i) {
      const T* expected = alone[ids[std::size_t(i)]]->step(x.data() + i * width);
      CHECK_SAY(std::equal(expected, expected + out, y.data() + i * out), name);
    }
  }
  const Index twice[2] = {streams.ids()[0], streams.ids()[0]}, absent = 1 << 20;
  Index rows[2];
  CHECK(streams.find(twice, 2, rows) == 1);
  CHECK(streams.find(&absent, 1, rows) == 0);
}

TEST(streams_equal_steppers) {
  for (const auto& name : all_programs()) {
    for (Form form : {Form::float32, Form::bfloat16, Form::int8}) streams_equal_steppers<float>(name, form);
    streams_equal_steppers<double>(name, Form::float32);
  }
}

}  // namespace
}  // namespace throughtime::test
