#include "throughtime/memory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if !defined(_WIN32)
#include <pthread.h>
#include <unistd.h>
#endif
#if defined(__SANITIZE_ADDRESS__) || (defined(__clang__) && defined(__has_include))
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>  // its macros do nothing where the sanitizer is off
#endif
#endif
#if !defined(ASAN_POISON_MEMORY_REGION)
#define ASAN_POISON_MEMORY_REGION(from, bytes) ((void)(from), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(from, bytes) ((void)(from), (void)(bytes))
#endif

namespace throughtime {
namespace {

// Fresh pages cost more than the arithmetic on them: freed blocks wait here for the next call of the same size.
constexpr std::size_t kKept = std::size_t(512) << 20;  // bytes in all
constexpr std::size_t kMostBlocks = 256;
constexpr std::size_t kHuge = std::size_t(2) << 20;

// A refusal says more than "std::bad_alloc".
struct Refused : std::bad_alloc {
  const char* what() const noexcept override { return "throughtime: more work memory was asked for than there is"; }
};

// Memory that can be had without the kernel ending the process; everything where nobody knows.
std::size_t machine_memory() {
  std::size_t bytes = SIZE_MAX;
#if !defined(_WIN32) && defined(_SC_PHYS_PAGES)
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  if (pages > 0 && size > 0) bytes = std::size_t(pages) * std::size_t(size);
#endif
#if defined(__linux__)
  for (const char* name : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (std::FILE* file = std::fopen(name, "r")) {
      char line[32] = "";  // a number, or a word for none
      const char* read = std::fgets(line, sizeof line, file);
      const unsigned long long granted = read ? std::strtoull(line, nullptr, 10) : 0;
      if (granted > 0 && granted < bytes) bytes = std::size_t(granted);
      std::fclose(file);
    }
#endif
  return bytes;
}

bool wanted(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value && std::strcmp(value, "0") != 0;
}

struct Block {
  void* memory;
  std::size_t size;
};

struct Recycler {
  std::mutex mutex;
  std::vector<Block> blocks;
  std::size_t kept = 0, used = 0, limit = machine_memory();
  const bool poison = wanted("THROUGHTIME_POISON");

  Recycler() { blocks.reserve(kMostBlocks); }  // so that keeping one cannot fail

  void forget(std::size_t i) {  // a kept block's memory goes back to the system
    kept -= blocks[i].size;
    std::free(blocks[i].memory);
    blocks.erase(blocks.begin() + long(i));
  }
};

Recycler& recycler() {
  static Recycler* one = new Recycler;  // never destroyed: tapes may be freed during shutdown
  return *one;
}

#if !defined(_WIN32)
// A child forked while another thread is in here would inherit the lock without the thread that opens it.
const bool watching = [] {
  recycler();
  pthread_atfork([] { recycler().mutex.lock(); }, [] { recycler().mutex.unlock(); }, [] { recycler().mutex.unlock(); });
  return true;
}();
#endif

std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = bytes >= kHuge ? kHuge : 4096;
  return bytes > SIZE_MAX - unit ? SIZE_MAX : (bytes + unit - 1) / unit * unit;
}

}  // namespace

void* take(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  Recycler& r = recycler();
  void* memory = nullptr;
  {
    std::lock_guard<std::mutex> lock(r.mutex);
    if (size > r.limit || r.used > r.limit - size) throw Refused();
    for (std::size_t i = r.blocks.size(); i-- > 0;)
      if (r.blocks[i].size == size) {
        memory = r.blocks[i].memory;
        r.kept -= size;
        r.blocks.erase(r.blocks.begin() + long(i));
        break;
      }
    r.used += size;
  }
  if (memory) {
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
  } else {
    const std::size_t alignment = size >= kHuge ? kHuge : 64;
    memory = std::aligned_alloc(alignment, size);
    if (!memory) {  // what waits for other sizes may be in the way
      std::lock_guard<std::mutex> lock(r.mutex);
      while (!r.blocks.empty()) r.forget(r.blocks.size() - 1);
      memory = std::aligned_alloc(alignment, size);
      if (!memory) {
        r.used -= size;
        throw Refused();
      }
    }
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (size >= kHuge) madvise(memory, size, MADV_HUGEPAGE);
#endif
  }
  if (r.poison) std::memset(memory, 0xff, size);  // NaN in every float type
  guard(static_cast<char*>(memory) + bytes, size - bytes);
  return memory;
}

void give(void* block, std::size_t bytes) noexcept {
  const std::size_t size = rounded(bytes);
  Recycler& r = recycler();
  {
    std::lock_guard<std::mutex> lock(r.mutex);
    r.used -= size;
    if (size <= kKept / 2) {
      while (r.kept + size > kKept || r.blocks.size() >= kMostBlocks) r.forget(0);  // the longest unused go first
      r.blocks.push_back({block, size});
      r.kept += size;
      guard(block, size);
      return;
    }
  }
  std::free(block);
}

std::size_t limit_memory(std::size_t bytes) noexcept {
  Recycler& r = recycler();
  std::lock_guard<std::mutex> lock(r.mutex);
  return std::exchange(r.limit, bytes);
}

void guard(void* from, std::size_t bytes) noexcept { ASAN_POISON_MEMORY_REGION(from, bytes); }

}  // namespace throughtime
