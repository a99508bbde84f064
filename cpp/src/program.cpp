#include "throughtime/program.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace throughtime {
namespace {

constexpr int kMaximum = 1 << 24;  // widths and counts beyond this are nonsense and could overflow an int
constexpr int kMostStates = 64, kMostTemporaries = 1024;
// Memory a program may ask for beyond its caller's arrays: elements of its constants or of a tile's temporaries, and
// packed copies of the parameters (real programs need three or four).
constexpr Index kMostElements = Index(1) << 26;
constexpr Index kMostCopies = 16;

[[noreturn]] void fail(const std::string& what) { throw std::invalid_argument("program: " + what); }

void require(bool ok, const char* what) {
  if (!ok) fail(what);
}

const Parameter& parameter(const Program& p, int n) {
  require(n >= 0 && n < int(p.parameters.size()), "no such parameter");
  return p.parameters[n];
}

bool positive(int n) { return n > 0 && n <= kMaximum; }

// Do `count` columns or rows from `first` on lie in [0, limit)?
bool within(int first, int count, int limit) { return first >= 0 && Index(first) + count <= limit; }

// Which spaces a pass may read and write.
enum class Kind { forward, backward };

struct Checker {
  const Program& p;
  const Pass& pass;
  Kind kind;

  static void sane(const Place& q) {
    require(positive(q.width) && q.index >= 0 && q.index <= kMaximum, "a place has a bad width or index");
  }

  void place(const Place& q, bool written) const {
    sane(q);
    const auto states = int(p.state_widths.size());
    switch (q.space) {
      case Space::record:
        if (kind == Kind::backward) {
          require(!written && q.index + q.width <= p.training.width, "a record place lies outside the record");
          return;
        }
        return require(q.index + q.width <= pass.width, "a record place lies outside the record");
      case Space::state:
        return require(kind == Kind::forward && q.index < states && q.width == p.state_widths[q.index],
                       "a state place is wrong");
      case Space::dstate:
        return require(kind == Kind::backward && q.index < states && q.width == p.state_widths[q.index],
                       "a state's adjoint is wrong");
      case Space::input: return require(!written && within(q.index, q.width, p.input_width), "an input place is wrong");
      case Space::vector:
        return require(!written && q.index < int(p.parameters.size()) && p.parameters[q.index].columns == 0 &&
                           p.parameters[q.index].rows == q.width,
                       "a vector place is wrong");
      case Space::constant: return require(!written && q.index < int(p.constants.size()), "a constant place is wrong");
      case Space::temporary: return require(q.index < kMostTemporaries, "too many temporaries");
      case Space::adjoint:
        return require(kind == Kind::backward && q.index + q.width <= p.backward.width,
                       "an adjoint place lies outside the adjoint");
      case Space::doutput:
        return require(kind == Kind::backward && !written && within(q.index, q.width, p.output_width()),
                       "an output adjoint place is wrong");
      case Space::output: break;
    }
    fail("a place is in a space it cannot be in");
  }

  void product(const Product& product, bool hoisted) const {
    place(product.target, true);
    require(product.target.space == Space::record || product.target.space == Space::adjoint ||
                product.target.space == Space::dstate,
            "a product has a target it cannot have");
    require(!product.terms.empty(), "a product has no terms");
    require(product.start == Start::bias || product.start == Start::accumulate || product.start == Start::zero,
            "an unknown start");
    require(product.start != Start::bias || product.target.space == Space::record, "only the record has biases");
    for (const auto& term : product.terms) {
      place(term.operand, false);
      require(term.operand.space == Space::record || term.operand.space == Space::state ||
                  term.operand.space == Space::input || term.operand.space == Space::adjoint,
              "a product has an operand it cannot have");
      require(!hoisted || term.operand.space == Space::input, "a hoisted product may only read the input");
      require(term.pack >= 0 && term.pack < int(p.packs.size()), "a product names no packed matrix");
      const Pack& pack = p.packs[term.pack];
      require(pack.depth == term.operand.width && pack.columns == product.target.width,
              "a product's shapes do not fit");
      const bool overlap =
          term.operand.space == product.target.space &&
          (product.target.space == Space::dstate ? term.operand.index == product.target.index
                                                 : term.operand.index < product.target.index + product.target.width &&
                                                       product.target.index < term.operand.index + term.operand.width);
      require(!overlap, "a product overwrites its operand");
    }
  }

  void tile(Tile& tile) const {
    require(tile.temporaries >= 0 && tile.temporaries <= kMostTemporaries, "a tile has too many temporaries");
    tile.width = 0;
    tile.uniform = true;
    static const int sources[kOperations] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2,
                                             2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 1, 1, 2};
    for (const auto& i : tile.instructions) {
      require(i.operation >= 0 && i.operation < kOperations, "an unknown operation");
      const int given[] = {i.target, i.a, i.b, i.c};
      const int wanted = 1 + sources[i.operation];
      for (int n = 0; n < 4; ++n) {
        require(n < wanted ? given[n] >= 0 && given[n] < int(p.places.size()) : given[n] == -1,
                "an instruction has the wrong number of operands");
        if (n >= wanted) continue;
        const Place& q = p.places[given[n]];
        place(q, n == 0);
        require(q.space != Space::temporary || q.index < tile.temporaries, "a temporary does not exist");
        require(q.width == p.places[i.target].width, "an instruction mixes widths");
      }
      const int width = p.places[i.target].width;
      if ((tile.width && width != tile.width) || i.operation >= kMean) tile.uniform = false;
      tile.width = std::max(tile.width, width);
    }
  }
};

void check_pass(Program& p, Pass& pass, Kind kind) {
  require(kind == Kind::forward || pass.hoisted.empty(), "only forward passes hoist products");
  const Checker checker{p, pass, kind};
  for (auto& product : pass.hoisted) checker.product(product, true);
  for (auto& phase : pass.phases) {
    if (auto* product = std::get_if<Product>(&phase))
      checker.product(*product, false);
    else
      checker.tile(std::get<Tile>(phase));
  }
}

// Gradients are written where a parameter lies: two parameters in one place would overwrite each other's.
void check_sources(const Program& p) {
  struct Span {
    int array, first, rows;
  };
  std::vector<Span> spans;
  for (const auto& q : p.parameters)
    for (auto [array, first] : q.sources) spans.push_back({array, first, q.rows});
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.array != b.array ? a.array < b.array : a.first < b.first; });
  for (std::size_t i = 1; i < spans.size(); ++i)
    require(spans[i - 1].array != spans[i].array || spans[i - 1].first + spans[i - 1].rows <= spans[i].first,
            "two parameters share rows of an array");
}

void check_memory(const Program& p) {
  Index given = 0, packed = 0, widest = 1, states = 0;
  const auto add = [](Index& sum, Index rows, Index columns) {  // each at most 2^24 here
    require(sum <= std::numeric_limits<Index>::max() - rows * columns, "the sizes are beyond all machines");
    sum += rows * columns;
  };
  for (auto [rows, columns] : p.arrays) add(given, rows, std::max(1, columns));
  for (const auto& pack : p.packs) add(packed, pack.depth, pack.columns);
  require(packed / kMostCopies <= given, "the packed matrices are far larger than the arrays");
  for (const auto& q : p.places) widest = std::max<Index>(widest, q.width);
  require(Index(p.constants.size()) <= kMostElements / widest, "too many constants for their width");
  for (const Pass* pass : {&p.inference, &p.training, &p.backward})
    for (const auto& phase : pass->phases)
      if (const auto* tile = std::get_if<Tile>(&phase))
        require(tile->temporaries <= kMostElements / widest, "too many temporaries for their width");
  for (int width : p.state_widths) states += width;
  require(states <= kMaximum, "the states are too wide");
}

}  // namespace

void Program::check() {
  check_shapes();
  check_sources(*this);
  check_packs();
  for (auto [column, n] : biases)
    require(parameter(*this, n).columns == 0 &&
                within(column, parameter(*this, n).rows, std::min(inference.width, training.width)),
            "a bias lies outside the record");
  check_pass(*this, inference, Kind::forward);
  check_pass(*this, training, Kind::forward);
  check_pass(*this, backward, Kind::backward);
  check_backward();
  check_memory(*this);
  bool whole = true;  // a table is multiplied as it is, not a part of its columns
  for (const auto& w : weights)
    whole = whole && (places[w.operand].space != Space::input || places[w.operand].width == input_width);
  foldable = whole && !training.hoisted.empty() && !inference.hoisted.empty() && input_elementwise < 0 &&
             !reads_input(training) && !reads_input(inference) && !reads_input(backward);
  fingerprint = fingerprint_of(*this);
}

void Program::check_shapes() const {
  require(positive(input_width), "the input's width must be positive");
  require(!state_widths.empty() && state_widths.size() <= kMostStates, "a program needs 1 to 64 states");
  for (int width : state_widths) require(positive(width), "a state's width must be positive");
  require(output_state >= 0 && output_state < int(state_widths.size()), "the output is no state");
  for (const Pass* pass : {&inference, &training, &backward})
    require(pass->width >= 0 && pass->width <= kMaximum, "a pass has a bad width");
  for (const auto& q : places) Checker::sane(q);
  for (auto [rows, columns] : arrays) require(positive(rows) && columns >= 0 && columns <= kMaximum, "a bad array");
  for (const auto& q : parameters) {
    require(positive(q.rows) && q.columns >= 0 && q.columns <= kMaximum, "a parameter has a bad shape");
    require(q.columns == 0 || q.sources.size() == 1, "a matrix comes from one array");
    for (auto [array, first] : q.sources) {
      require(array >= 0 && array < int(arrays.size()), "a parameter names no array");
      require(within(first, q.rows, arrays[array].first) && arrays[array].second == q.columns,
              "a parameter lies outside its array");
    }
  }
}

void Program::check_packs() {
  for (auto& pack : packs) {
    require(!pack.parameters.empty(), "an empty pack");
    Index rows = 0;
    const int columns = parameter(*this, pack.parameters[0]).columns;
    require(columns > 0, "a pack of vectors");
    for (int n : pack.parameters) {
      require(parameter(*this, n).columns == columns, "a pack mixes widths");
      rows += parameter(*this, n).rows;
      require(rows <= kMaximum, "a pack is too large");
    }
    pack.depth = pack.transposed ? int(rows) : columns;
    pack.columns = pack.transposed ? columns : int(rows);
  }
}

void Program::check_backward() const {
  require(summed >= 0 && summed <= backward.width, "the summed columns lie outside the adjoint");
  const Checker checker{*this, backward, Kind::backward};
  for (const auto& w : weights) {
    require(w.operand >= 0 && w.operand < int(places.size()), "a weight's operand is no place");
    const Place& q = places[w.operand];
    checker.place(q, false);
    require(q.space == Space::record || q.space == Space::input, "a weight's operand is in the wrong space");
    require(parameter(*this, w.parameter).columns == q.width, "a weight's operand has the wrong width");
    require(within(w.column, parameter(*this, w.parameter).rows, summed), "a weight lies outside the adjoint");
  }
  for (auto [n, column] : vectors)
    require(parameter(*this, n).columns == 0 && within(column, parameter(*this, n).rows, summed),
            "a vector lies outside the adjoint");
  for (const auto& product : input_products) {
    require(product.target.space == Space::output && within(product.target.index, product.target.width, input_width),
            "a bad input product");
    for (const auto& term : product.terms) {
      checker.place(term.operand, false);
      require(term.operand.space == Space::adjoint && within(term.operand.index, term.operand.width, summed) &&
                  term.pack >= 0 && term.pack < int(packs.size()) && packs[term.pack].depth == term.operand.width &&
                  packs[term.pack].columns == product.target.width,
              "a bad input product");
    }
  }
  require(input_elementwise == -1 || within(input_elementwise, input_width, backward.width),
          "the input's adjoint lies outside the adjoint");
}

int Program::output_width() const {
  return every ? std::accumulate(state_widths.begin(), state_widths.end(), 0) : state_widths[std::size_t(output_state)];
}

bool Program::reads_input(const Pass& pass) const {
  for (const Phase& phase : pass.phases) {
    if (const auto* product = std::get_if<Product>(&phase)) {
      for (const auto& term : product->terms)
        if (term.operand.space == Space::input) return true;
    } else {
      for (const auto& i : std::get<Tile>(phase).instructions)
        for (int n : {i.a, i.b, i.c})
          if (n >= 0 && places[n].space == Space::input) return true;
    }
  }
  return false;
}

}  // namespace throughtime
