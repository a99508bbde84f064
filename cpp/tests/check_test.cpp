// Program::check refuses every kind of wrong program, and says which.
#include <map>

#include "programs.h"

namespace throughtime::test {
namespace {

constexpr int kHuge = 2147483647;

struct Wrong {
  const char* program;
  const char* says;
  void (*change)(Program&);
};

std::string refusal(Program p) {
  try {
    p.check();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

Product& first_product(Pass& pass) {
  for (auto& phase : pass.phases)
    if (auto* product = std::get_if<Product>(&phase)) return *product;
  throw std::logic_error("no product");
}

Tile& first_tile(Pass& pass) {
  for (auto& phase : pass.phases)
    if (auto* tile = std::get_if<Tile>(&phase); tile && !tile->instructions.empty()) return *tile;
  throw std::logic_error("no tile");
}

Instruction& first_line(Program& p) { return first_tile(p.inference).instructions[0]; }

// A tile of one instruction: copy to `target`, from `source`.
void copy(Program& p, Pass& pass, Place target, Place source) {
  const int n = int(p.places.size());
  p.places.insert(p.places.end(), {target, source});
  pass.phases.emplace_back(Tile{{{0, n, n + 1, -1, -1}}, 0});
}

Place record(int column) { return {Space::record, column, 5}; }
Place state(int j) { return {Space::state, j, 5}; }

const Wrong kWrong[] = {
    {"gru_narrow", "input's width", [](Program& p) { p.input_width = 0; }},
    {"gru_narrow", "input's width", [](Program& p) { p.input_width = kHuge; }},
    {"gru_narrow", "1 to 64 states", [](Program& p) { p.state_widths.clear(); }},
    {"gru_narrow", "1 to 64 states", [](Program& p) { p.state_widths.assign(65, 5); }},
    {"gru_narrow", "state's width", [](Program& p) { p.state_widths[0] = -5; }},
    {"gru_narrow", "states are too wide", [](Program& p) { p.state_widths.insert(p.state_widths.end(), 3, 1 << 23); }},
    {"gru_narrow", "output is no state", [](Program& p) { p.output_state = 1; }},
    {"gru_narrow", "output is no state", [](Program& p) { p.output_state = -1; }},
    {"gru_narrow", "bad array", [](Program& p) { p.arrays[0].first = 0; }},
    {"gru_narrow", "bad array", [](Program& p) { p.arrays[0].second = -1; }},
    {"gru_narrow", "parameter has a bad shape", [](Program& p) { p.parameters[0].rows = kHuge; }},
    {"gru_narrow", "matrix comes from one array", [](Program& p) { p.parameters[0].sources.clear(); }},
    {"gru_narrow", "names no array", [](Program& p) { p.parameters[0].sources[0].first = 9; }},
    {"gru_narrow", "names no array", [](Program& p) { p.parameters[0].sources[0].first = -1; }},
    {"gru_narrow", "outside its array", [](Program& p) { p.parameters[0].sources[0].second = 1; }},
    {"gru_narrow", "outside its array", [](Program& p) { p.parameters[0].sources[0].second = kHuge; }},
    {"gru_narrow", "outside its array", [](Program& p) { p.parameters[0].sources[0].second = -1; }},
    {"gru_narrow", "outside its array", [](Program& p) { ++p.arrays[0].second; }},
    {"gru_narrow", "share rows", [](Program& p) { p.parameters[1].sources = p.parameters[0].sources; }},
    {"lstm_stacked", "share rows", [](Program& p) { p.parameters.back().sources[0] = p.parameters.back().sources[1]; }},
    {"gru_narrow", "empty pack", [](Program& p) { p.packs[0].parameters.clear(); }},
    {"gru_narrow", "no such parameter", [](Program& p) { p.packs[0].parameters[0] = -1; }},
    {"gru_narrow", "no such parameter", [](Program& p) { p.packs[0].parameters[0] = 99; }},
    {"gru_narrow", "pack of vectors", [](Program& p) { p.packs[0].parameters = {6}; }},
    {"gru_narrow", "pack mixes widths", [](Program& p) { p.packs[0].parameters = {0, 3}; }},
    {"gru_narrow", "pack is too large",
     [](Program& p) { p.packs[0].parameters.assign(1 << 22, p.packs[0].parameters[0]); }},
    {"gru_narrow", "far larger than the arrays", [](Program& p) { p.packs.insert(p.packs.end(), 100, p.packs[0]); }},
    {"gru_narrow", "bias lies outside", [](Program& p) { p.biases[0].first = p.inference.width; }},
    {"gru_narrow", "bias lies outside", [](Program& p) { p.biases[0].first = kHuge; }},
    {"gru_narrow", "bias lies outside", [](Program& p) { p.biases[0].first = -1; }},
    {"gru_narrow", "bias lies outside", [](Program& p) { p.biases[0].second = 0; }},
    {"gru_narrow", "no such parameter", [](Program& p) { p.biases[0].second = kHuge; }},
    {"gru_narrow", "pass has a bad width", [](Program& p) { p.training.width = kHuge; }},
    {"gru_narrow", "pass has a bad width", [](Program& p) { p.backward.width = -1; }},
    {"gru_narrow", "bad width or index", [](Program& p) { p.places[0].width = 0; }},
    {"gru_narrow", "bad width or index", [](Program& p) { p.places.push_back({Space::record, 0, kHuge}); }},
    {"gru_narrow", "bad width or index", [](Program& p) { p.places[0].index = -1; }},
    {"gru_narrow", "cannot be in", [](Program& p) { p.places[std::size_t(first_line(p).a)].space = Space(77); }},
    {"gru_narrow", "outside the record",
     [](Program& p) { copy(p, p.inference, record(p.inference.width - 4), state(0)); }},
    {"gru_narrow", "outside the record",
     [](Program& p) { copy(p, p.backward, {Space::dstate, 0, 5}, record(p.training.width)); }},
    {"gru_narrow", "outside the record", [](Program& p) { copy(p, p.backward, record(0), {Space::dstate, 0, 5}); }},
    {"gru_narrow", "state place", [](Program& p) { copy(p, p.inference, state(1), state(0)); }},
    {"gru_narrow", "state place", [](Program& p) { copy(p, p.inference, {Space::state, 0, 4}, {Space::state, 0, 4}); }},
    {"gru_narrow", "state place", [](Program& p) { copy(p, p.backward, {Space::dstate, 0, 5}, state(0)); }},
    {"gru_narrow", "state's adjoint", [](Program& p) { copy(p, p.training, record(0), {Space::dstate, 0, 5}); }},
    {"gru_narrow", "state's adjoint",
     [](Program& p) { copy(p, p.backward, {Space::dstate, 3, 5}, {Space::dstate, 0, 5}); }},
    {"gru_narrow", "input place", [](Program& p) { copy(p, p.training, {Space::input, 0, 3}, {Space::input, 0, 3}); }},
    {"gru_narrow", "input place", [](Program& p) { copy(p, p.training, record(0), {Space::input, 1, 3}); }},
    {"gru_d_narrow", "input place", [](Program& p) { copy(p, p.training, record(0), {Space::input, 7, 3}); }},
    {"lstm_every", "output adjoint",
     [](Program& p) { copy(p, p.backward, {Space::dstate, 0, 5}, {Space::doutput, 6, 5}); }},
    {"gru_narrow", "vector place", [](Program& p) { copy(p, p.training, record(0), {Space::vector, 0, 5}); }},
    {"gru_narrow", "vector place", [](Program& p) { copy(p, p.training, record(0), {Space::vector, 6, 4}); }},
    {"gru_narrow", "vector place", [](Program& p) { copy(p, p.training, {Space::vector, 6, 5}, record(0)); }},
    {"gru_narrow", "constant place", [](Program& p) { copy(p, p.training, record(0), {Space::constant, 99, 5}); }},
    {"gru_narrow", "constant place", [](Program& p) { copy(p, p.training, {Space::constant, 0, 5}, record(0)); }},
    {"gru_narrow", "too many temporaries",
     [](Program& p) { copy(p, p.training, {Space::temporary, 1024, 5}, record(0)); }},
    {"gru_narrow", "temporary does not exist",
     [](Program& p) { copy(p, p.training, {Space::temporary, 0, 5}, record(0)); }},
    {"gru_narrow", "too many temporaries", [](Program& p) { first_tile(p.training).temporaries = 1025; }},
    {"gru_narrow", "too many temporaries", [](Program& p) { first_tile(p.training).temporaries = -1; }},
    {"gru_narrow", "temporaries for their width",
     [](Program& p) { p.places.push_back({Space::input, 0, 1 << 22}), first_tile(p.training).temporaries = 100; }},
    {"gru_narrow", "constants for their width",
     [](Program& p) { p.places.push_back({Space::input, 0, 1 << 22}), p.constants.resize(100); }},
    {"gru_narrow", "adjoint place", [](Program& p) { copy(p, p.training, {Space::adjoint, 0, 5}, record(0)); }},
    {"gru_narrow", "adjoint place",
     [](Program& p) { copy(p, p.backward, {Space::adjoint, p.backward.width - 4, 5}, record(0)); }},
    {"gru_narrow", "output adjoint", [](Program& p) { copy(p, p.backward, {Space::doutput, 0, 5}, record(0)); }},
    {"gru_narrow", "output adjoint", [](Program& p) { copy(p, p.training, record(0), {Space::doutput, 0, 5}); }},
    {"gru_narrow", "cannot be in", [](Program& p) { copy(p, p.training, record(0), {Space::output, 0, 5}); }},
    {"gru_narrow", "unknown operation", [](Program& p) { first_line(p).operation = kOperations; }},
    {"gru_narrow", "unknown operation", [](Program& p) { first_line(p).operation = -1; }},
    {"gru_narrow", "number of operands", [](Program& p) { first_line(p).target = -1; }},
    {"gru_narrow", "number of operands", [](Program& p) { first_line(p).a = int(p.places.size()); }},
    {"gru_narrow", "number of operands", [](Program& p) { first_line(p).c = 0; }},
    {"gru_narrow", "mixes widths", [](Program& p) { copy(p, p.training, {Space::record, 0, 4}, record(0)); }},
    {"gru_narrow", "target it cannot have", [](Program& p) { first_product(p.training).target = state(0); }},
    {"gru_narrow", "no terms", [](Program& p) { first_product(p.training).terms.clear(); }},
    {"gru_narrow", "unknown start", [](Program& p) { first_product(p.training).start = Start(3); }},
    {"gru_narrow", "only the record has biases", [](Program& p) { first_product(p.backward).start = Start::bias; }},
    {"gru_narrow", "operand it cannot have",
     [](Program& p) { first_product(p.training).terms[0].operand = {Space::vector, 6, 5}; }},
    {"gru_wide", "may only read the input",
     [](Program& p) { p.training.hoisted[0].terms[0].operand = {Space::state, 0, 37}; }},
    {"gru_wide", "only forward passes hoist", [](Program& p) { p.backward.hoisted = p.training.hoisted; }},
    {"gru_narrow", "no packed matrix", [](Program& p) { first_product(p.training).terms[0].pack = 99; }},
    {"gru_narrow", "no packed matrix", [](Program& p) { first_product(p.training).terms[0].pack = -1; }},
    {"gru_narrow", "shapes do not fit", [](Program& p) { ++first_product(p.training).target.width; }},
    {"gru_narrow", "overwrites its operand",
     [](Program& p) {
       for (auto& phase : p.training.phases)
         if (auto* product = std::get_if<Product>(&phase); product && product->terms[0].operand.space == Space::record)
           product->terms[0].operand.index = product->target.index + product->target.width - 1, p.training.width += 9;
     }},
    {"gru_narrow", "summed columns", [](Program& p) { p.summed = p.backward.width + 1; }},
    {"gru_narrow", "summed columns", [](Program& p) { p.summed = -1; }},
    {"gru_narrow", "operand is no place", [](Program& p) { p.weights[0].operand = int(p.places.size()); }},
    {"gru_narrow", "operand is no place", [](Program& p) { p.weights[0].operand = -1; }},
    {"gru_narrow", "in the wrong space",
     [](Program& p) { p.weights[0].operand = int(p.places.size()), p.places.push_back({Space::adjoint, 0, 3}); }},
    {"gru_narrow", "wrong width", [](Program& p) { p.weights[0].parameter = 6; }},
    {"gru_narrow", "no such parameter", [](Program& p) { p.weights[0].parameter = -1; }},
    {"gru_narrow", "weight lies outside", [](Program& p) { p.weights[0].column = p.summed - 4; }},
    {"gru_narrow", "weight lies outside", [](Program& p) { p.weights[0].column = kHuge; }},
    {"gru_narrow", "weight lies outside", [](Program& p) { p.weights[0].column = -1; }},
    {"gru_narrow", "vector lies outside", [](Program& p) { p.vectors[0].second = kHuge; }},
    {"gru_narrow", "vector lies outside", [](Program& p) { p.vectors[0].first = 0; }},
    {"gru_narrow", "no such parameter", [](Program& p) { p.vectors[0].first = kHuge; }},
    {"gru_narrow", "bad input product", [](Program& p) { p.input_products[0].target.width = 2; }},
    {"gru_narrow", "bad input product", [](Program& p) { p.input_products[0].target.space = Space::record; }},
    {"gru_narrow", "bad input product", [](Program& p) { p.input_products[0].terms[0].pack = 99; }},
    {"gru_narrow", "bad input product",
     [](Program& p) { p.input_products[0].terms[0].operand.index = p.summed, p.backward.width += 99; }},
    {"gru_narrow", "input's adjoint", [](Program& p) { p.input_elementwise = p.backward.width - 2; }},
    {"gru_narrow", "input's adjoint", [](Program& p) { p.input_elementwise = -2; }},
    {"gru_narrow", "input's adjoint", [](Program& p) { p.input_elementwise = kHuge; }},
};

TEST(check_accepts_what_the_compiler_writes) {
  for (const auto& name : all_programs()) CHECK_SAY(refusal(load(name)).empty(), name);
}

TEST(check_refuses_each_kind_of_wrong_program) {
  int row = 0;
  for (const Wrong& wrong : kWrong) {
    Program p = load(wrong.program);
    wrong.change(p);
    const std::string said = refusal(p);
    CHECK_SAY(said.find(wrong.says) != std::string::npos,
              "row " + text(row) + ": wanted '" + wrong.says + "', got '" + said + "'");
    ++row;
  }
}

TEST(check_finds_which_programs_fold) {
  CHECK(load("gru_lookup").foldable && load("lstm_wide").foldable);
  CHECK(!load("gru_narrow").foldable && !load("everything_wide").foldable);
}

TEST(check_tells_programs_apart) {
  std::map<std::uint64_t, std::string> seen;
  for (const auto& name : all_programs()) {
    Program p = load(name);
    CHECK_SAY(seen.emplace(p.fingerprint, name).second, name + " and " + seen[p.fingerprint]);
    p.name += " under another name";
    p.check();
    CHECK(p.fingerprint == load(name).fingerprint);
  }
}

// Whatever number of a program changes, its fingerprint does; where a list would become longer, it cannot be read.
TEST(check_reads_every_number_for_the_fingerprint) {
  Program p = load("lstm_narrow");
  Writer writer;
  visit(writer, p);
  std::size_t read = 0;
  for (std::size_t i = 1; i < writer.words.size(); ++i) {
    std::vector<std::int32_t> words = writer.words;
    words[i] ^= 1;
    Program q;
    try {
      Reader reader(reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 4);
      visit(reader, q);
    } catch (const std::invalid_argument&) {
      continue;
    }
    ++read;
    CHECK_SAY(fingerprint_of(q) != p.fingerprint, "word " + text(i));
  }
  CHECK(read > writer.words.size() / 2);
}

TEST(format_takes_no_list_longer_than_what_is_left) {
  Program p = load("gru_narrow");
  Writer writer;
  visit(writer, p);
  writer.words[2] = 1 << 30;  // states
  std::vector<std::uint8_t> bytes(writer.words.size() * 4);
  std::memcpy(bytes.data(), writer.words.data(), bytes.size());
  std::string said;
  try {
    Reader reader(bytes.data(), bytes.size());
    visit(reader, p);
  } catch (const std::invalid_argument& error) {
    said = error.what();
  }
  CHECK_SAY(said.find("longer than") != std::string::npos, said);
}

TEST(format_writes_what_it_reads_and_refuses_every_cut) {
  for (const auto& name : all_programs()) {
    const auto bytes = bytes_of(program_folder() + "/" + name + ".program");
    Program p = load(name);
    Writer writer;
    visit(writer, p);
    CHECK(writer.words.size() * 4 == bytes.size() && !std::memcmp(writer.words.data(), bytes.data(), bytes.size()));
    for (std::size_t size = 0; size < bytes.size(); size += 4) {
      const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + long(size));
      bool refused = false;
      try {
        Reader reader(cut.data(), cut.size());
        Program q;
        visit(reader, q);
      } catch (const std::invalid_argument&) {
        refused = true;
      }
      CHECK(refused);
    }
  }
}

}  // namespace
}  // namespace throughtime::test
