// Programs as 32-bit words, written by programs.py: a word per number (two for a constant), every list preceded by its
// length, in the order below. One description serves reading, writing and whatever else visits all fields.
//
// What is read is untrusted: a list never claims more elements than there are words left.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "throughtime/program.h"

namespace throughtime::test {

constexpr int kMagic = 0x31505454;  // "TTP1"

template <class A>
void visit(A& a, std::pair<int, int>& pair) {
  a.word(pair.first);
  a.word(pair.second);
}

template <class A>
void visit(A& a, Place& place) {
  int space = int(place.space);
  a.word(space);
  place.space = Space(space);
  a.word(place.index);
  a.word(place.width);
}

template <class A>
void visit(A& a, Product& product) {
  visit(a, product.target);
  int start = int(product.start);
  a.word(start);
  product.start = Start(start);
  a.list(product.terms, [&](Product::Term& term) {
    visit(a, term.operand);
    a.word(term.pack);
  });
}

template <class A>
void visit(A& a, Tile& tile) {
  a.list(tile.instructions, [&](Instruction& i) {
    for (int* field : {&i.operation, &i.target, &i.a, &i.b, &i.c}) a.word(*field);
  });
  a.word(tile.temporaries);
}

template <class A>
void visit(A& a, Pass& pass) {
  a.word(pass.width);
  a.list(pass.hoisted, [&](Product& product) { visit(a, product); });
  a.list(pass.phases, [&](Phase& phase) {
    int kind = int(phase.index());
    a.word(kind);
    if (kind != int(phase.index())) kind ? phase = Tile() : phase = Product();
    if (auto* product = std::get_if<Product>(&phase))
      visit(a, *product);
    else
      visit(a, std::get<Tile>(phase));
  });
}

template <class A>
void visit(A& a, Program& p) {
  int magic = kMagic;
  a.word(magic);
  if (magic != kMagic) throw std::invalid_argument("not a program");
  const auto number = [&](int& n) { a.word(n); };
  const auto pair = [&](std::pair<int, int>& entry) { visit(a, entry); };
  a.word(p.input_width);
  a.list(p.state_widths, number);
  a.word(p.output_state);
  int every = p.every;
  a.word(every);
  p.every = every != 0;
  a.list(p.parameters, [&](Parameter& q) {
    a.word(q.rows);
    a.word(q.columns);
    a.list(q.sources, pair);
  });
  a.list(p.arrays, pair);
  a.list(p.constants, [&](double& c) {
    int halves[2];
    std::memcpy(halves, &c, sizeof c);
    a.word(halves[0]);
    a.word(halves[1]);
    std::memcpy(&c, halves, sizeof c);
  });
  a.list(p.places, [&](Place& place) { visit(a, place); });
  a.list(p.packs, [&](Pack& pack) {
    a.list(pack.parameters, number);
    int transposed = pack.transposed;
    a.word(transposed);
    pack.transposed = transposed != 0;
  });
  a.list(p.biases, pair);
  for (Pass* pass : {&p.inference, &p.training, &p.backward}) visit(a, *pass);
  a.word(p.summed);
  a.list(p.weights, [&](Program::Weight& w) {
    for (int* field : {&w.operand, &w.parameter, &w.column}) a.word(*field);
  });
  a.list(p.vectors, pair);
  a.list(p.input_products, [&](Product& product) { visit(a, product); });
  a.word(p.input_elementwise);
}

class Reader {
 public:
  Reader(const std::uint8_t* data, std::size_t size) : data_(data), left_(size / 4) {}
  void word(int& w) {
    if (!left_) throw std::invalid_argument("a program ends early");
    std::memcpy(&w, data_, 4);
    data_ += 4, --left_;
  }
  template <class E, class F>
  void list(std::vector<E>& elements, F&& each) {
    int count = 0;
    word(count);
    if (count < 0 || std::size_t(count) > left_) throw std::invalid_argument("a list is longer than the program");
    elements.assign(std::size_t(count), E());
    for (E& e : elements) each(e);
  }
  // What follows the program: a number in [0, limit), 0 where nothing is left.
  int option(int limit) {
    int w = 0;
    if (left_) word(w);
    return int(std::uint32_t(w) % std::uint32_t(limit));
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

class Writer {
 public:
  std::vector<std::int32_t> words;
  void word(int& w) { words.push_back(w); }
  template <class E, class F>
  void list(std::vector<E>& elements, F&& each) {
    words.push_back(std::int32_t(elements.size()));
    for (E& e : elements) each(e);
  }
};

}  // namespace throughtime::test
