// A recurrence as the engine runs it. The lists are those of recurrence/program.py, which writes them; `check` makes
// sure that nothing in a program, wherever it came from, can reach outside a buffer.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "throughtime/kernels.h"

namespace throughtime {

enum class Space : int { record, state, input, vector, constant, temporary, output, adjoint, dstate, doutput };
constexpr int kSpaces = 10;

struct Place {
  Space space;
  int index;  // buffer, or first column
  int width;
};

struct Product {
  Place target;
  Start start;
  struct Term {
    Place operand;
    int pack;
  };
  std::vector<Term> terms;
};

struct Instruction {
  int operation;
  int target, a, b, c;  // places; -1: unused
};

struct Tile {
  std::vector<Instruction> instructions;
  int temporaries = 0;
  // filled by check
  int width = 0;         // of every instruction, or of the widest
  bool uniform = false;  // all of the same width, none over whole rows: columns may be cut
};

using Phase = std::variant<Product, Tile>;

struct Pass {
  int width = 0;  // of a record or adjoint row
  std::vector<Product> hoisted;
  std::vector<Phase> phases;
};

struct Parameter {
  int rows, columns;  // columns 0: a vector
  // where its values come from: (array, first row); a vector is the sum of its sources, 0 without any
  std::vector<std::pair<int, int>> sources;
};

struct Pack {
  std::vector<int> parameters;  // stacked by rows
  bool transposed;
  int depth = 0, columns = 0;  // filled by check: the packed matrix is depth x columns
};

struct Program {
  std::string name;
  int input_width = 0;
  std::vector<int> state_widths;
  int output_state = 0;
  bool every = false;  // the output of a step is every state, side by side, not the output state alone
  std::vector<Parameter> parameters;
  std::vector<std::pair<int, int>> arrays;  // rows, columns (0: a vector)
  std::vector<double> constants;
  std::vector<Place> places;
  std::vector<Pack> packs;
  std::vector<std::pair<int, int>> biases;  // record column, parameter
  Pass inference, training, backward;
  int summed = 0;
  struct Weight {
    int operand, parameter, column;  // operand: place in the record or the input; column of the adjoint
  };
  std::vector<Weight> weights;
  std::vector<std::pair<int, int>> vectors;  // parameter, adjoint column
  std::vector<Product> input_products;
  int input_elementwise = -1;
  bool foldable = false;  // filled by check: the input is read by hoisted products only, so a table may stand for it
  std::uint64_t fingerprint = 0;  // filled by check: of everything but the name; what else is equal computes the same

  // Validates every index and width and fills the derived fields; std::invalid_argument says what is wrong. What
  // passes runs inside its buffers, and they stay in proportion to the parameter arrays and the widths. Afterwards a
  // program is not changed any more, and any number of threads may read it.
  void check();
  // Of the output of a sequence; a stepper's and a stream's is the output state's.
  int output_width() const;
  // Do a pass's phases read the input (rather than only its hoisted products)?
  bool reads_input(const Pass& pass) const;

 private:
  void check_shapes() const;
  void check_packs();
  void check_backward() const;
};

// A hash of everything that a program's maker writes, but for its name.
std::uint64_t fingerprint_of(const Program& program);

}  // namespace throughtime
