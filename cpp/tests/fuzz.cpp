// Fuzz target: bytes -> program -> check; what check accepts runs forward, backward and step by step, on buffers that
// end where the contracts say. Words after the program choose the call. Nothing but the exceptions named here may come
// out, and no address, no undefined behaviour, no absurd memory, no hang.
//
// With Clang: link with -fsanitize=fuzzer. With GCC: fuzz_driver.cpp.
#include <new>
#include <stdexcept>

#include "format.h"
#include "run_case.h"

namespace throughtime::test {
namespace {

constexpr std::size_t kMemory = std::size_t(64) << 20;  // granted to the engine
constexpr double kWork = 3e6;                           // multiply-adds of a call that is worth the time

// Elements that the passes of a step and the packing touch.
double work_of(const Program& p, double rows) {
  double packing = 0, step = 0;
  const auto product = [&](const Product& q) {
    for (const auto& term : q.terms) step += double(p.packs[std::size_t(term.pack)].depth) * q.target.width;
  };
  for (const auto& pack : p.packs) packing += double(pack.depth) * pack.columns;
  for (const auto& q : p.parameters) packing += double(q.rows) * double(std::max<std::size_t>(1, q.sources.size()));
  for (const auto& a : p.arrays) packing += double(a.first);
  for (const Pass* pass : {&p.inference, &p.training, &p.backward}) {
    step += pass->width;
    for (const auto& q : pass->hoisted) product(q);
    for (const auto& phase : pass->phases)
      if (const auto* q = std::get_if<Product>(&phase))
        product(*q);
      else
        for (const auto& i : std::get<Tile>(phase).instructions) step += p.places[std::size_t(i.target)].width;
  }
  for (const auto& w : p.weights)
    step += double(p.parameters[std::size_t(w.parameter)].rows) * p.places[std::size_t(w.operand)].width;
  for (const auto& q : p.input_products) product(q);
  for (int width : p.state_widths) step += width;
  return packing + rows * (step + p.input_width);
}

template <class T>
void sequences(const Program& p, const Options& o) {
  Run<T> run(p, o);
  run.forward(false);
  run.forward(true);
  run.backward();
}

template <class T>
void steps(const Program& p, const Options& o) {
  const auto shared = std::make_shared<const Program>(p);
  const Index rows = std::max<Index>(1, o.rows);
  const Run<T> run(p, {});
  Random random(o.seed);
  Exact<T> x(rows * p.input_width), table((1 + o.extra) * p.input_width);
  for (Exact<T>* e : {&x, &table})
    for (T& v : *e) v = T(random());
  Stepper<T> stepper(shared, run.parameters(), rows);
  stepper.step(x.data());
  stepper.set_table(table.data(), 1 + o.extra);
  for (Index t = 0; t < o.steps; ++t) {
    std::vector<Index> tokens(std::size_t(rows), 0);
    for (Index& token : tokens) token = random.below(1 + o.extra);
    const T* y = stepper.step_tokens(tokens.data());
    T sum = 0;  // the view is as large as it says
    for (Index r = 0; r < rows; ++r)
      for (Index i = 0; i < p.state_widths[std::size_t(p.output_state)]; ++i) sum += y[r * stepper.output_stride() + i];
    for (std::size_t j = 0; j < p.state_widths.size(); ++j) stepper.state(int(j))[0] = sum;
  }
}

template <class T>
void run_all(const Program& p, const Options& o) {
  sequences<T>(p, o);
  steps<T>(p, o);
}

void one(const std::uint8_t* data, std::size_t size) {
  Reader reader(data, size);
  Program p;
  visit(reader, p);
  p.name = "fuzz";
  p.check();
  Options o;
  o.steps = reader.option(6), o.rows = reader.option(6), o.threads = 1 + reader.option(4);
  const int flags = reader.option(64);
  o.reverse = flags & 1, o.ragged = flags & 2, o.packed = flags & 4, o.by_row = flags & 8;
  o.lookup = p.foldable && (flags & 16) && !o.ragged && !o.packed;
  if (o.packed && (!o.steps || !o.rows)) o.packed = false;
  o.extra = reader.option(4);
  o.absent = unsigned(reader.option(256));
  o.seed = std::uint32_t(reader.option(1 << 20));
  o.budget = 1 << 18;
  if (work_of(p, double(o.steps * o.rows + 4)) > kWork) {
    // Far too much to compute: nothing but its memory may be asked for, and is refused.
    if (work_of(p, 1) > 1e8) run_all<double>(p, o);
    return;
  }
  if (flags & 32)
    run_all<double>(p, o);
  else
    run_all<float>(p, o);
}

}  // namespace
}  // namespace throughtime::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::size_t before = throughtime::limit_memory(throughtime::test::kMemory);
  (void)before;
  try {
    throughtime::test::one(data, size);
  } catch (const std::invalid_argument&) {
    return 0;
  } catch (const std::bad_alloc&) {
    return 0;
  } catch (const std::length_error&) {
    return 0;
  }
  return 0;
}
