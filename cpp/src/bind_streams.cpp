// Streams with the checks that Python needs. Every call holds the GIL from its first check to its last write: calls of
// several threads come one after the other, each as a whole.
#include <algorithm>

#include "arguments.h"
#include "throughtime/streams.h"

namespace throughtime {
namespace {

template <class T>
class PyStreams {
 public:
  PyStreams(std::shared_ptr<Program> p, nb::handle arrays, const std::string& weights)
      : program_(std::move(p)),
        streams_(program_, HeldArrays<const T>(*program_, "parameter arrays", arrays).arrays,
                 form_of<T>(*program_, weights)) {}

  Index size() const { return streams_.size(); }
  std::vector<Index> ids() const { return {streams_.ids(), streams_.ids() + streams_.size()}; }

  // states: S_j values each, or None for zeros.
  Index join(nb::handle states) {
    std::vector<Array<const T>> values;
    if (!states.is_none()) {
      values = nb::cast<std::vector<Array<const T>>>(states, false);
      expect_states(values);
    }
    const Index id = streams_.join();
    if (!values.empty()) write(id, values);
    return id;
  }

  void leave(Index id) {
    row(id);
    streams_.leave(id);
  }

  void step(const Integers& ids, const Array<const T>& x, const Array<T>& output, int threads) {
    const Index n = find(ids);
    expect(*program_, "x", x, {{"streams", n}, {"I", program_->input_width}});
    expect_call(output, n, threads);
    streams_.step(rows_.data(), n, x.data(), x.stride(0), output.data(), threads);
  }

  void step_tokens(const Integers& ids, const Integers& tokens, const Array<T>& output, int threads) {
    const Index n = find(ids);
    expect(*program_, "tokens", tokens, {{"streams", n}});
    copy_into(tokens_, tokens);
    expect_tokens(*program_, tokens_, streams_.table_size());
    expect_call(output, n, threads);
    streams_.step_tokens(rows_.data(), n, tokens_.data(), output.data(), threads);
  }

  void set_table(const Array<const T>& inputs) {
    streams_.set_table(inputs.data(), expect_table<T>(*program_, inputs));
  }

  void read_state(Index id, const std::vector<Array<T>>& to) {
    const Index r = row(id);
    expect_states(to);
    for (std::size_t j = 0; j < to.size(); ++j)
      std::copy_n(streams_.state(int(j), r), program_->state_widths[j], to[j].data());
  }

 private:
  void write(Index id, const std::vector<Array<const T>>& from) {
    const Index r = row(id);
    for (std::size_t j = 0; j < from.size(); ++j)
      std::copy_n(from[j].data(), program_->state_widths[j], streams_.state(int(j), r));
  }
  Index row(Index id) {
    Index found = 0;
    if (streams_.find(&id, 1, &found) < 1) refuse(*program_, "no live stream " + std::to_string(id));
    return found;
  }
  // Fills rows_.
  Index find(const Integers& ids) {
    copy_into(ids_, ids);
    rows_.resize(ids_.size());
    const Index n = Index(ids_.size()), found = streams_.find(ids_.data(), n, rows_.data());
    if (found < n)
      refuse(*program_, "ids must be live streams, each once, got " + std::to_string(ids_[std::size_t(found)]) +
                            " at " + std::to_string(found));
    return n;
  }
  void expect_call(const Array<T>& output, Index n, int threads) const {
    const Index width = program_->state_widths[std::size_t(program_->output_state)];
    expect_contiguous(*program_, "output", output, {"streams", n}, {"H", width});
    expect_threads(*program_, threads);
  }
  template <class A>
  void expect_states(const std::vector<A>& list) const {
    const std::size_t count = program_->state_widths.size();
    if (list.size() != count) refuse(*program_, "expected " + std::to_string(count) + " states");
    for (std::size_t j = 0; j < count; ++j) expect(*program_, "state", list[j], {{"H", program_->state_widths[j]}});
  }

  std::shared_ptr<Program> program_;
  Streams<T> streams_;
  std::vector<Index> ids_, rows_, tokens_;  // of the call
};

template <class T>
void bind(nb::module_& m, const std::string& dtype) {
  using namespace nb::literals;
  using S = PyStreams<T>;
  nb::class_<S>(m, ("Streams_" + dtype).c_str(), "Many streams of single steps.")
      .def(nb::init<std::shared_ptr<Program>, nb::handle, const std::string&>(), "program"_a, "arrays"_a, "weights"_a)
      .def("__len__", &S::size)
      .def("ids", &S::ids)
      .def("join", &S::join, "states"_a.none())
      .def("leave", &S::leave, "id"_a)
      .def("step", &S::step, "ids"_a, nb::arg("x").noconvert(), nb::arg("output").noconvert(), "threads"_a)
      .def("step_tokens", &S::step_tokens, "ids"_a, "tokens"_a, nb::arg("output").noconvert(), "threads"_a)
      .def("set_table", &S::set_table, nb::arg("inputs").noconvert())
      .def("read_state", &S::read_state, "id"_a, "to"_a);
}

}  // namespace

void bind_streams(nb::module_& m) {
  bind<float>(m, "float32");
  bind<double>(m, "float64");
}

}  // namespace throughtime
