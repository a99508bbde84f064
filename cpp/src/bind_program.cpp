// Programs from the plain lists that engine/__init__.py writes. What is wrong in them is refused here or by check.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>

#include "arguments.h"

namespace throughtime {
namespace {

using Items = std::vector<nb::object>;  // held: reading a number may run code that changes the list
using Pairs = std::vector<std::pair<int, int>>;

Place read_place(nb::handle h) {
  const auto [space, index, width] = nb::cast<std::tuple<int, int, int>>(h);
  if (space < 0 || space >= kSpaces) throw std::invalid_argument("program: an unknown space");
  return {Space(space), index, width};
}

Product read_product(nb::handle h) {
  const auto [tag, target, start, terms] = nb::cast<std::tuple<std::string, nb::object, int, Items>>(h);
  if (tag != "product") throw std::invalid_argument("program: expected a product");
  if (start < 0 || start > 2) throw std::invalid_argument("program: an unknown start");
  Product product;
  product.target = read_place(target);
  product.start = Start(start);
  for (const nb::object& term : terms) {
    const auto [operand, pack] = nb::cast<std::pair<nb::object, int>>(term);
    product.terms.push_back({read_place(operand), pack});
  }
  return product;
}

Tile read_tile(nb::handle h) {
  const auto [tag, instructions, temporaries] = nb::cast<std::tuple<std::string, Items, int>>(h);
  if (tag != "tile") throw std::invalid_argument("program: expected a product or a tile");
  Tile tile;
  for (const nb::object& i : instructions) {
    const auto [operation, target, a, b, c] = nb::cast<std::tuple<int, int, int, int, int>>(i);
    tile.instructions.push_back({operation, target, a, b, c});
  }
  tile.temporaries = temporaries;
  return tile;
}

Pass read_pass(nb::handle h) {
  const auto [width, hoisted, phases] = nb::cast<std::tuple<int, Items, Items>>(h);
  Pass pass;
  pass.width = width;
  for (const nb::object& product : hoisted) pass.hoisted.push_back(read_product(product));
  for (const nb::object& phase : phases) {
    if (nb::len(phase) == 4)
      pass.phases.emplace_back(read_product(phase));
    else
      pass.phases.emplace_back(read_tile(phase));
  }
  return pass;
}

std::shared_ptr<Program> read_program(const nb::dict& spec) {
  auto p = std::make_shared<Program>();
  p->name = nb::cast<std::string>(spec["name"]);
  p->input_width = nb::cast<int>(spec["input_width"]);
  p->state_widths = nb::cast<std::vector<int>>(spec["state_widths"]);
  p->output_state = nb::cast<int>(spec["output_state"]);
  p->every = nb::cast<bool>(spec["every"]);
  for (const auto& [rows, columns, sources] : nb::cast<std::vector<std::tuple<int, int, Pairs>>>(spec["parameters"]))
    p->parameters.push_back({rows, columns, sources});
  p->arrays = nb::cast<Pairs>(spec["arrays"]);
  p->constants = nb::cast<std::vector<double>>(spec["constants"]);
  for (const nb::object& place : nb::cast<Items>(spec["places"])) p->places.push_back(read_place(place));
  for (const auto& [parameters, transposed] : nb::cast<std::vector<std::pair<std::vector<int>, bool>>>(spec["packs"]))
    p->packs.push_back({parameters, transposed});
  p->biases = nb::cast<Pairs>(spec["biases"]);
  p->inference = read_pass(spec["inference"]);
  p->training = read_pass(spec["training"]);
  p->backward = read_pass(spec["backward"]);
  p->summed = nb::cast<int>(spec["summed"]);
  for (const auto& [operand, parameter, column] : nb::cast<std::vector<std::tuple<int, int, int>>>(spec["weights"]))
    p->weights.push_back({operand, parameter, column});
  p->vectors = nb::cast<Pairs>(spec["vectors"]);
  for (const nb::object& product : nb::cast<Items>(spec["input_products"]))
    p->input_products.push_back(read_product(product));
  p->input_elementwise = nb::cast<int>(spec["input_elementwise"]);
  p->check();
  return p;
}

}  // namespace

void bind_programs(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<Program>(m, "Program", "A checked program.").def_ro("foldable", &Program::foldable);
  m.def("program", &read_program, "spec"_a, "Read and check a program; ValueError says what is wrong.");
}

}  // namespace throughtime
