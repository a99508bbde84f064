// What Python gives to a call: checked before memory is touched, and held until the call has ended.
//
// A pointer into an array stands in one struct with a reference to that array: a sequence may make its arrays when they
// are asked for (a lazy group of a file does), and then nobody else holds them. What bounds memory, ids, tokens,
// lengths and batch sizes, is copied first; the copy is checked and the copy is read: another thread may write to the
// caller's array meanwhile, and an object may export other numbers each time it is asked.
//
// Everything here needs the GIL. What is wrong is a ValueError of one line that begins with the program's name; an
// object that is no array, or one of another dtype, a RuntimeError of nanobind, which engine/__init__.py explains.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <cstring>
#include <sstream>
#include <type_traits>

#include "throughtime/narrow.h"
#include "throughtime/run.h"

namespace throughtime {

namespace nb = nanobind;

// Any strides; elements are const where only read.
template <class T>
using Array = nb::ndarray<T, nb::device::cpu>;
using Integers = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::device::cpu>;
using Ids = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::device::cpu>;

[[noreturn]] inline void refuse(const Program& p, const std::string& what) {
  throw nb::value_error((p.name + ": " + what).c_str());
}

template <class A>
std::string shape_of(const A& a) {
  std::ostringstream out;
  out << "(";
  for (std::size_t i = 0; i < a.ndim(); ++i) out << (i ? ", " : "") << a.shape(i);
  out << (a.ndim() == 1 ? ",)" : ")");
  return out.str();
}

// What an array is called in an error; which one, in a list. The words are made only there.
struct Name {
  const char* what;
  Index number = -1;

  Name(const char* name) : what(name) {}
  Name(const char* name, std::size_t n) : what(name), number(Index(n)) {}
  std::string text() const { return number < 0 ? std::string(what) : what + (" " + std::to_string(number)); }
};

using Shape = std::initializer_list<std::pair<const char*, Index>>;

// The array begins where a number may: a field of packed records, or bytes from some offset on, need not.
template <class A>
void expect_aligned(const Program& p, Name name, const A& a) {
  using T = std::remove_pointer_t<decltype(a.data())>;
  if (a.size() && reinterpret_cast<std::uintptr_t>(a.data()) % alignof(T))
    refuse(p, name.text() + " must be aligned in memory; give a copy");
}

// The array has this shape, letters for its sizes, and a contiguous last axis.
template <class A>
void expect(const Program& p, Name name, const A& a, Shape shape) {
  bool ok = a.ndim() == shape.size();
  std::size_t i = 0;
  for (const auto& [letter, n] : shape) ok = ok && Index(a.shape(i++)) == n;
  if (!ok) {
    std::ostringstream out;
    out << name.text() << " must be (";
    const char* comma = "";
    for (const auto& [letter, n] : shape) out << comma << letter << "=" << n, comma = ", ";
    out << "), got " << shape_of(a);
    refuse(p, out.str());
  }
  if (a.size() && a.ndim() && a.shape(a.ndim() - 1) > 1 && a.stride(a.ndim() - 1) != 1)
    refuse(p, "the last axis of " + name.text() + " must be contiguous");
  expect_aligned(p, name, a);
}

// As expect for two axes, the rows side by side in memory.
template <class A>
void expect_contiguous(const Program& p, Name name, const A& a, std::pair<const char*, Index> rows,
                       std::pair<const char*, Index> columns) {
  expect(p, name, a, {rows, columns});
  if (rows.second > 1 && a.stride(0) != columns.second) refuse(p, name.text() + " must be contiguous");
}

inline void expect_threads(const Program& p, int threads) {
  if (threads < 1 || threads > 1024) refuse(p, "threads must lie between 1 and 1024");
}

// A table of inputs (count, I), contiguous, with at least one row; its rows.
template <class T>
Index expect_table(const Program& p, const Array<const T>& table) {
  if (table.ndim() != 2 || !table.shape(0)) refuse(p, "a table must be (count, I)");
  expect_contiguous(p, "table", table, {"count", Index(table.shape(0))}, {"I", p.input_width});
  return Index(table.shape(0));
}

// The integer so many places after the first one, which need not be aligned.
inline Index integer_at(const std::int64_t* first, Index place) {
  Index value = 0;
  std::memcpy(&value, reinterpret_cast<const char*>(first) + place * Index(sizeof(value)), sizeof(value));
  return value;
}

inline void copy_into(std::vector<Index>& to, const Integers& a) {
  to.resize(a.shape(0));
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = integer_at(a.data(), Index(i) * a.stride(0));
}

// Tokens in [0, count), checked after they were copied.
inline void expect_tokens(const Program& p, const std::vector<Index>& tokens, Index count) {
  for (Index token : tokens)
    if (token < 0 || token >= count) refuse(p, "token " + std::to_string(token) + " is not in the table");
}

// States (rows, S_j), null where None stands for one or for all of them. T is const where they are read.
template <class T>
struct HeldRows {
  std::vector<Rows<T>> rows;
  std::vector<Array<T>> held;

  HeldRows(const Program& p, const char* what, nb::handle given, Index count) : rows(p.state_widths.size()) {
    if (given.is_none()) return;
    const auto list = nb::cast<nb::sequence>(given);
    if (nb::len(list) != rows.size())
      refuse(p, std::string(what) + " must hold " + std::to_string(rows.size()) + " states");
    held.reserve(rows.size());
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const nb::object item = list[j];
      if (item.is_none()) continue;
      held.push_back(nb::cast<Array<T>>(item, false));
      const Array<T>& a = held.back();
      expect(p, {what, j}, a, {{"B", count}, {"H", p.state_widths[j]}});
      rows[j] = {a.data(), a.stride(0)};
    }
  }
};

// Parameter arrays, or their gradients, of which None is not wanted.
template <class T>
struct HeldArrays {
  Arrays<T> arrays;
  std::vector<Array<T>> held;

  HeldArrays(const Program& p, const char* what, nb::handle given) {
    const auto list = nb::cast<nb::sequence>(given);
    if (nb::len(list) != p.arrays.size())
      refuse(p, "expected " + std::to_string(p.arrays.size()) + " " + what + ", got " + std::to_string(nb::len(list)));
    held.reserve(p.arrays.size()), arrays.data.reserve(p.arrays.size()), arrays.row.reserve(p.arrays.size());
    for (std::size_t i = 0; i < p.arrays.size(); ++i) {
      const Name name(what, i);
      const nb::object item = list[i];
      if (item.is_none()) {
        if (std::is_const_v<T>) refuse(p, name.text() + " is missing");
        arrays.data.push_back(nullptr);
        arrays.row.push_back(0);
        continue;
      }
      held.push_back(nb::cast<Array<T>>(item, false));
      const Array<T>& a = held.back();
      const auto [rows, columns] = p.arrays[i];
      if (columns)
        expect(p, name, a, {{"rows", rows}, {"columns", columns}});
      else
        expect(p, name, a, {{"rows", rows}});
      arrays.data.push_back(a.data());
      arrays.row.push_back(columns ? a.stride(0) : 1);
    }
  }
};

// The form that weights are kept in, by its name.
template <class T>
Form form_of(const Program& p, const std::string& name) {
  if (name == "float32" || (sizeof(T) == 8 && name == "float64")) return Form::float32;
  if (sizeof(T) == 8) refuse(p, "no weights " + name + " in a float64 program, but float64");
  if (name != "bfloat16" && name != "int8") refuse(p, "no weights " + name + ", but float32, bfloat16, int8");
  return name == "int8" ? Form::int8 : Form::bfloat16;
}

// The parts of the module.
void bind_programs(nb::module_& m);
void bind_sequences(nb::module_& m);
void bind_steppers(nb::module_& m);
void bind_streams(nb::module_& m);

}  // namespace throughtime
