#include <cstring>

#include "throughtime/program.h"

namespace throughtime {
namespace {

// FNV-1a, a word at a time (http://www.isthe.com/chongo/tech/comp/fnv/). Lists come after their length.
class Digest {
 public:
  std::uint64_t value = 0xcbf29ce484222325u;

  void add(std::int64_t word) {
    for (int byte = 0; byte < 8; ++byte) {
      value ^= (std::uint64_t(word) >> (8 * byte)) & 0xffu;
      value *= 0x100000001b3u;
    }
  }
  void add(double number) {
    std::int64_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    add(bits);
  }
  void add(int number) { add(std::int64_t(number)); }
  void add(bool flag) { add(std::int64_t(flag)); }
  void add(const std::pair<int, int>& pair) { add(pair.first), add(pair.second); }
  void add(const Place& place) { add(int(place.space)), add(place.index), add(place.width); }
  void add(const Product::Term& term) { add(term.operand), add(term.pack); }
  void add(const Product& product) { add(product.target), add(int(product.start)), add(product.terms); }
  void add(const Instruction& i) {
    for (int field : {i.operation, i.target, i.a, i.b, i.c}) add(field);
  }
  void add(const Tile& tile) { add(tile.instructions), add(tile.temporaries); }
  void add(const Phase& phase) {
    add(std::int64_t(phase.index()));
    std::visit([this](const auto& one) { add(one); }, phase);
  }
  void add(const Pass& pass) { add(pass.width), add(pass.hoisted), add(pass.phases); }
  void add(const Parameter& q) { add(q.rows), add(q.columns), add(q.sources); }
  void add(const Pack& pack) { add(pack.parameters), add(pack.transposed); }
  void add(const Program::Weight& w) { add(w.operand), add(w.parameter), add(w.column); }
  template <class E>
  void add(const std::vector<E>& list) {
    add(std::int64_t(list.size()));
    for (const E& e : list) add(e);
  }
};

}  // namespace

std::uint64_t fingerprint_of(const Program& p) {
  Digest d;
  d.add(p.input_width), d.add(p.state_widths), d.add(p.output_state), d.add(p.every);
  d.add(p.parameters), d.add(p.arrays), d.add(p.constants), d.add(p.places), d.add(p.packs), d.add(p.biases);
  d.add(p.inference), d.add(p.training), d.add(p.backward);
  d.add(p.summed), d.add(p.weights), d.add(p.vectors), d.add(p.input_products), d.add(p.input_elementwise);
  return d.value;
}

}  // namespace throughtime
