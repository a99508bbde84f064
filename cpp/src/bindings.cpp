// Python's view of the engine: the module and what belongs to no object. The rest is in bind_*.cpp, by object.
#include "arguments.h"
#include "throughtime/threads.h"

namespace throughtime {
namespace {

// Memory for a result, from the recycler: what is dropped serves the next call, instead of fresh pages every time.
nb::ndarray<nb::numpy, std::uint8_t> block(std::size_t bytes) {
  auto memory = std::make_unique<Buffer<std::uint8_t>>(bytes);
  std::uint8_t* data = memory->data();
  const nb::capsule owner(memory.get(), [](void* p) noexcept { delete static_cast<Buffer<std::uint8_t>*>(p); });
  (void)memory.release();  // the capsule's from here on
  return nb::ndarray<nb::numpy, std::uint8_t>(data, {bytes}, owner);
}

double multiply_adds(Index rounds, int threads) {
  if (rounds < 0 || rounds > Index(1) << 40 || threads < 1 || threads > 1024)
    throw nb::value_error("multiply_adds: rounds or threads out of range");
  const nb::gil_scoped_release release;
  parallel(threads, [&](int) {
    volatile float sink = kernels<float>().multiply_adds(rounds);
    (void)sink;
  });
  return double(rounds) * double(kernels<float>().round) * threads;
}

}  // namespace
}  // namespace throughtime

NB_MODULE(_engine, m) {
  using namespace throughtime;
  using namespace nb::literals;
  m.doc() = "The compiled engine; use throughtime.engine.";
  nb::set_leak_warnings(false);  // engine.compile's cache lives as long as the interpreter
  m.def("block", &block, "bytes"_a, "Uninitialised memory as an array of bytes.");
  m.def("multiply_adds", &multiply_adds, "rounds"_a, "threads"_a,
        "Float32 multiply-adds on registers alone, on every thread; how many they were.");
  m.def("instruction_set", [] { return std::string(kernels<float>().name); }, "The kernels this processor uses.");
  bind_programs(m);
  bind_sequences(m);
  bind_steppers(m);
  bind_streams(m);
}
