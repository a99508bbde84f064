#include "throughtime/narrow.h"

#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "loop.h"

namespace throughtime {

#define TT_DECLARE(isa)                      \
  namespace isa {                            \
  extern const NarrowKernels narrow_kernels; \
  }
TT_DECLARE(base)
#ifdef TT_X86
TT_DECLARE(avx2)
TT_DECLARE(vnni)
#endif

namespace {

constexpr Index kDeepest = 65536;  // beyond, a sum could leave 32 bits

// Asked at every product: no lock around a first use that another thread could hold while the process forks.
const NarrowKernels& chosen() {
#ifdef TT_X86
  const char* name = kernels<float>().name;
  if (!std::strcmp(name, "avx512") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
    return vnni::narrow_kernels;
  return std::strcmp(name, "base") ? avx2::narrow_kernels : base::narrow_kernels;
#else
  return base::narrow_kernels;
#endif
}

Index panels_of(Index columns) { return (columns + kNarrowPanel - 1) / kNarrowPanel; }

Index groups_of(const NarrowPack& pack) { return (pack.depth + 3) / 4; }

// Words of 8 bytes of a quantized row.
Index eights_of(const NarrowPack& pack) { return (groups_of(pack) * chosen().group_bytes() + 7) / 8; }

std::uint32_t half(float x) {  // to nearest, ties to even; a NaN stays one
  std::uint32_t bits;
  std::memcpy(&bits, &x, 4);
  if (x != x) return bits >> 16 | 0x40u;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

NarrowPack pack_narrow(const float* from, Index depth, Index columns, Form form) {
  const Index panels = panels_of(columns), groups = (depth + 3) / 4, panel = kernels<float>().panel;
  auto at = [&](Index i, Index c) { return from[c / panel * depth * panel + i * panel + c % panel]; };
  NarrowPack p;
  p.depth = depth;
  p.columns = columns;
  const Index words = form == Form::bfloat16 ? depth * (kNarrowPanel / 2) : groups * kNarrowPanel;  // of a panel
  p.words = Buffer<std::uint32_t>(elements(panels, words));
  std::memset(p.words.data(), 0, std::size_t(panels * words) * 4);
  if (form == Form::bfloat16) {
    for (Index c = 0; c < columns; ++c)
      for (Index i = 0; i < depth; ++i) {
        const Index j = c % kNarrowPanel;
        p.words.data()[c / kNarrowPanel * words + i * 16 + j % 16] |= half(at(i, c)) << (j < 16 ? 0 : 16);
      }
    return p;
  }
  if (depth > kDeepest) throw std::invalid_argument("int8 weights: a product must not be deeper than 65,536");
  p.scales.assign(std::size_t(panels * kNarrowPanel), 0.0f);
  p.sums.assign(p.scales.size(), 0);
  for (Index c = 0; c < columns; ++c) {
    float most = 0;
    bool finite = true;
    for (Index i = 0; i < depth; ++i) {
      most = std::max(most, std::abs(at(i, c)));
      finite = finite && std::isfinite(at(i, c));
    }
    p.scales[std::size_t(c)] = finite ? most / 127.0f : std::numeric_limits<float>::quiet_NaN();
    if (!finite || !(most > 1e-30f)) continue;
    for (Index i = 0; i < depth; ++i) {
      const auto q = std::int32_t(std::nearbyint(at(i, c) * (127.0f / most)));
      p.sums[std::size_t(c)] += q;
      p.words.data()[c / kNarrowPanel * words + i / 4 * kNarrowPanel + c % kNarrowPanel] |= (std::uint32_t(q) & 0xffu)
                                                                                            << (i % 4 * 8);
    }
  }
  return p;
}

}  // namespace

NarrowScratch scratch_for(const Narrow& narrow, Index rows) {
  NarrowScratch scratch;
  if (narrow.form != Form::int8) return scratch;
  Index most = 0;
  for (const NarrowPack& pack : narrow.packs) most = std::max(most, eights_of(pack));
  scratch.values.resize(elements(rows, most));
  scratch.scales.resize(elements(rows, 1));
  return scratch;
}

void narrow_product(Form form, const NarrowPack& pack, Index rows, const float* a, Index lda, float* c, Index ldc,
                    NarrowScratch& scratch) {
  const NarrowKernels& k = chosen();
  const Index groups = groups_of(pack), eights = eights_of(pack);
  if (form == Form::int8) {
    assert(Index(scratch.values.size()) >= rows * eights && Index(scratch.scales.size()) >= rows);
    for (Index r = 0; r < rows; ++r)
      scratch.scales[std::size_t(r)] = k.quantize(a + r * lda, pack.depth, scratch.values.data() + r * eights);
  }
  const Index words = form == Form::bfloat16 ? pack.depth * (kNarrowPanel / 2) : groups * kNarrowPanel;
  auto run = [&](Index panel, Index panels, Index first, Index n, float* to, Index stride) {
    const std::uint32_t* w = pack.words.data() + panel * words;
    if (form == Form::bfloat16)
      k.bfloat16(n, panels, a + first * lda, lda, pack.depth, w, to, stride);
    else
      k.int8({n, groups, scratch.values.data() + first * eights, eights * 8, scratch.scales.data() + first}, panels, w,
             pack.scales.data() + panel * kNarrowPanel, pack.sums.data() + panel * kNarrowPanel, to, stride);
  };
  for (Index panel = 0; panel * kNarrowPanel < pack.columns;) {
    const Index left = pack.columns - panel * kNarrowPanel;
    float* to = c + panel * kNarrowPanel;
    const Index panels = rows == 1 && left >= k.most * kNarrowPanel ? k.most : 1;
    if (left >= kNarrowPanel) {
      run(panel, panels, 0, rows, to, ldc);
    } else {  // the last columns, in a panel of their own
      float whole[8 * kNarrowPanel] = {};
      for (Index r = 0; r < rows; r += 8) {
        const Index n = std::min<Index>(8, rows - r);
        for (Index i = 0; i < n; ++i) std::memcpy(whole + i * kNarrowPanel, to + (r + i) * ldc, std::size_t(left) * 4);
        run(panel, 1, r, n, whole, kNarrowPanel);
        for (Index i = 0; i < n; ++i) std::memcpy(to + (r + i) * ldc, whole + i * kNarrowPanel, std::size_t(left) * 4);
      }
    }
    panel += panels;
  }
}

Weights<float> narrowed(const Program& program, Weights<float> full, Form form) {
  const Program& p = program;
  if (form == Form::float32) return full;
  auto narrow = std::make_shared<Narrow>();
  narrow->form = form;
  narrow->packs.resize(p.packs.size());
  for (std::size_t i = 0; i < p.packs.size(); ++i)
    if (full.packs[i]) narrow->packs[i] = pack_narrow(full.packs[i], p.packs[i].depth, p.packs[i].columns, form);
  Index bias_width = p.inference.width;
  for (auto [column, n] : p.biases) bias_width = std::max<Index>(bias_width, column + p.parameters[n].rows);
  const Index wide = widest(p);
  Index total = bias_width + Index(full.constants.size()) * wide;
  for (const auto& q : p.parameters) total += q.columns ? 0 : q.rows;
  Weights<float> slim;
  slim.memory = Buffer<float>(std::size_t(total));
  float* next = slim.memory.data();
  auto copy = [&](const float* from, Index size) {
    std::memcpy(next, from, std::size_t(size) * sizeof(float));
    next += size;
    return next - size;
  };
  slim.bias = copy(full.bias, bias_width);
  for (const float* values : full.constants) slim.constants.push_back(copy(values, wide));
  for (std::size_t i = 0; i < p.parameters.size(); ++i)
    slim.vectors.push_back(full.vectors[i] ? copy(full.vectors[i], p.parameters[i].rows) : nullptr);
  slim.narrow = std::move(narrow);
  return slim;
}

}  // namespace throughtime
