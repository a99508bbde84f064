// Memory that ends at any moment: every allocation of a call fails once, and what the call must not change is as it
// was.
#include <cstdlib>
#include <new>

#include "programs.h"
#include "run_case.h"
#include "throughtime/narrow.h"
#include "throughtime/streams.h"

namespace {

// Allocations of this thread that still succeed; negative: all do.
thread_local long left = -1;

bool refused() {
  if (left < 0) return false;
  left -= 1;
  return left < 0;
}

void* allocate(std::size_t bytes) { return refused() ? nullptr : std::malloc(bytes ? bytes : 1); }

void* allocate_or_throw(std::size_t bytes) {
  if (void* memory = allocate(bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate_or_throw(bytes); }
void* operator new[](std::size_t bytes) { return allocate_or_throw(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace throughtime::test {
namespace {

using Snapshot = std::vector<double>;

// Calls `call` on a new object with its first allocation refused, on another one with its second, ... until none is;
// then with no work memory, then with more, until it is enough. After each refusal the object's snapshot is the one
// before. Returns how often a call was refused.
template <class Make, class Call, class See>
int refuse_each(Make make, Call call, See see) {
  int refusals = 0;
  const auto fails = [&](long allocations, std::size_t limit) {
    auto object = make();
    const Snapshot before = see(*object);
    const std::size_t usual = limit_memory(limit);
    bool failed = false;
    left = allocations;
    try {
      call(*object);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    left = -1;
    limit_memory(usual);
    CHECK_SAY(!failed || see(*object) == before, "allocation " + text(allocations) + ", limit " + text(limit));
    refusals += failed;
    return failed;
  };
  const std::size_t usual = limit_memory(0);
  limit_memory(usual);
  for (long n = 0; fails(n, usual) || n < 20; ++n) CHECK_SAY(n < 2000, "still refused");
  for (std::size_t limit = 0; fails(-1, limit); limit += 4096) CHECK_SAY(limit < 64 << 20, "still refused");
  return refusals;
}

// Ids and states.
template <class T>
Snapshot all_of(const Streams<T>& streams, const Program& p) {
  Snapshot all(streams.ids(), streams.ids() + streams.size());
  for (Index row = 0; row < streams.size(); ++row)
    for (std::size_t j = 0; j < p.state_widths.size(); ++j)
      all.insert(all.end(), streams.state(int(j), row), streams.state(int(j), row) + p.state_widths[j]);
  return all;
}

template <class T>
struct Company {
  std::shared_ptr<Program> p;
  Run<T> run;
  Streams<T> streams;
  Stepper<T> stepper;
  Exact<T> x, y;
  std::vector<Index> rows, tokens;

  Company(const Program& program, Form form, Index count)
      : p(std::make_shared<Program>(program)),
        run(*p, {}),
        streams(p, run.parameters(), form),
        stepper(p, run.parameters(), std::max<Index>(1, count), form),
        x(count * p->input_width),
        y(count * p->state_widths[std::size_t(p->output_state)]) {
    Random random(3);
    for (T& value : x) value = T(random());
    for (Index i = 0; i < count; ++i) {
      streams.join();
      rows.push_back(i);
      tokens.push_back(i % 2);
    }
  }
  void step(int threads) { streams.step(rows.data(), Index(rows.size()), x.data(), p->input_width, y.data(), threads); }
};

// A product with more terms than any real one has.
Program many_terms() {
  Program p = load("gru_wide");
  for (Phase& phase : p.inference.phases)
    if (auto* product = std::get_if<Product>(&phase))
      while (product->terms.size() < 20) product->terms.push_back(product->terms[0]);
  p.check();
  return p;
}

template <class T>
Snapshot all_of_company(const Company<T>& company) {
  return all_of(company.streams, *company.p);
}

TEST(failing_memory_moves_no_stream) {
  for (const char* name : {"gru_narrow", "lstm_wide"})
    for (const Form form : {Form::float32, Form::bfloat16, Form::int8})
      for (const int threads : {1, 3}) {
        const auto make = [&] { return std::make_unique<Company<float>>(load(name), form, 13); };
        const int refusals =
            refuse_each(make, [&](Company<float>& company) { company.step(threads); }, all_of_company<float>);
        CHECK(refusals > 5);
      }
}

TEST(failing_memory_moves_no_stream_of_a_product_with_many_terms) {
  const auto make = [] { return std::make_unique<Company<float>>(many_terms(), Form::float32, 13); };
  CHECK(refuse_each(make, [](Company<float>& company) { company.step(3); }, all_of_company<float>) > 5);
}

TEST(failing_memory_lets_nobody_join) {
  for (const Index count : {0, 1, 3, 4, 8}) {
    const auto make = [&] { return std::make_unique<Company<float>>(load("lstm_narrow"), Form::float32, count); };
    CHECK(refuse_each(make, [](Company<float>& company) { company.streams.join(); }, all_of_company<float>) > 0);
  }
}

TEST(failing_memory_keeps_the_table) {
  for (const char* name : {"gru_lookup", "gru_narrow"}) {
    const auto make = [&] {
      auto company = std::make_unique<Company<float>>(load(name), Form::int8, 5);
      company->stepper.set_table(company->x.data(), 2), company->streams.set_table(company->x.data(), 2);
      return company;
    };
    const auto see = [](const Company<float>& company) {
      return Snapshot{double(company.stepper.table_size()), double(company.streams.table_size())};
    };
    CHECK(refuse_each(make, [](auto& company) { company.stepper.set_table(company.x.data(), 3); }, see) > 0);
    CHECK(refuse_each(make, [](auto& company) { company.streams.set_table(company.x.data(), 3); }, see) > 0);
  }
}

TEST(failing_memory_never_stops_a_step) {
  for (const char* name : {"gru_lookup", "gru_narrow"})
    for (const Form form : {Form::float32, Form::bfloat16, Form::int8}) {
      const auto make = [&] {
        auto company = std::make_unique<Company<float>>(load(name), form, 5);
        company->stepper.set_table(company->x.data(), 2);
        return company;
      };
      const auto see = [](const auto&) { return Snapshot(); };
      CHECK(refuse_each(make, [](auto& company) { company.stepper.step(company.x.data()); }, see) == 0);
      CHECK(refuse_each(make, [](auto& company) { company.stepper.step_tokens(company.tokens.data()); }, see) == 0);
    }
}

TEST(failing_memory_of_sequences_breaks_nothing) {
  for (const char* name : {"lstm_wide", "gru_lookup", "everything_narrow"}) {
    const Program p = load(name);
    Options o;
    o.steps = 5, o.rows = 6, o.threads = 3, o.ragged = std::string(name) != "gru_lookup", o.lookup = !o.ragged;
    Run<float> whole(p, o);
    whole.forward(true), whole.backward();
    const auto see = [](const auto&) { return Snapshot(); };
    const auto make = [&] { return std::make_unique<Run<float>>(p, o); };
    const auto forth = [&](Run<float>& run) {
      run.forward(true);
      CHECK(std::equal(run.output.begin(), run.output.end(), whole.output.begin()));
    };
    CHECK(refuse_each(make, forth, see) > 5);
    const auto ready = [&] {
      auto run = make();
      run->forward(true);
      return run;
    };
    const auto back = [&](Run<float>& run) {
      run.backward();
      for (std::size_t i = 0; i < run.d_arrays.size(); ++i)
        CHECK(std::equal(run.d_arrays[i].begin(), run.d_arrays[i].end(), whole.d_arrays[i].begin()));
    };
    CHECK(refuse_each(ready, back, see) > 5);
  }
}

}  // namespace
}  // namespace throughtime::test
