#include "throughtime/memory.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace throughtime {
namespace {

// Fresh pages cost more than the arithmetic on them: freed blocks wait here for the next call of the same size.
constexpr std::size_t kKept = std::size_t(512) << 20;  // bytes in all
constexpr std::size_t kHuge = std::size_t(2) << 20;

struct Block {
  void* memory;
  std::size_t size;
};

struct Recycler {
  std::mutex mutex;
  std::vector<Block> blocks;
  std::size_t kept = 0;
};

Recycler& recycler() {
  static Recycler* one = new Recycler;  // never destroyed: tapes may be freed during shutdown
  return *one;
}

std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = bytes >= kHuge ? kHuge : 4096;
  return (bytes + unit - 1) / unit * unit;
}

bool poison() {
  static const bool wanted = std::getenv("THROUGHTIME_POISON") != nullptr;
  return wanted;
}

}  // namespace

void* take(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  if (size < bytes) throw std::bad_alloc();
  void* memory = nullptr;
  {
    Recycler& r = recycler();
    std::lock_guard<std::mutex> lock(r.mutex);
    for (std::size_t i = r.blocks.size(); i-- > 0;)
      if (r.blocks[i].size == size) {
        memory = r.blocks[i].memory;
        r.kept -= size;
        r.blocks.erase(r.blocks.begin() + long(i));
        break;
      }
  }
  if (!memory) {
    memory = std::aligned_alloc(size >= kHuge ? kHuge : 64, size);
    if (!memory) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (size >= kHuge) madvise(memory, size, MADV_HUGEPAGE);
#endif
  }
  if (poison()) std::memset(memory, 0xff, size);  // NaN in every float type
  return memory;
}

void give(void* block, std::size_t bytes) noexcept {
  const std::size_t size = rounded(bytes);
  Recycler& r = recycler();
  try {
    std::lock_guard<std::mutex> lock(r.mutex);
    if (size <= kKept / 2) {
      while (r.kept + size > kKept || r.blocks.size() >= 256) {  // the longest unused go first
        std::free(r.blocks.front().memory);
        r.kept -= r.blocks.front().size;
        r.blocks.erase(r.blocks.begin());
      }
      r.blocks.push_back({block, size});
      r.kept += size;
      return;
    }
  } catch (...) {
  }
  std::free(block);
}

}  // namespace throughtime
