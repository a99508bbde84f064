// The recycler of work memory.
#include "throughtime/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace throughtime::test {
namespace {

constexpr std::size_t kSizes[] = {1, 7, 64, 4095, 4096, 4097, 100000, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 5 << 20};

template <class F>
bool refuses(F f) {
  try {
    f();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

TEST(memory_is_aligned_and_its_own) {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t bytes : kSizes) {
      auto* block = static_cast<unsigned char*>(take(bytes));
      CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
      std::memset(block, int(blocks.size() + 1), bytes);
      blocks.emplace_back(block, bytes);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i)
      CHECK(blocks[i].first[0] == i + 1 && blocks[i].first[blocks[i].second - 1] == i + 1);
    for (auto [block, bytes] : blocks) give(block, bytes);
    blocks.clear();
  }
}

TEST(memory_is_used_again) {
  void* block = take(10000);
  give(block, 10000);
  CHECK(take(10001) == block);  // of the same rounded size
  give(block, 10001);
}

TEST(memory_is_poisoned_on_request) {
  const char* wish = std::getenv("THROUGHTIME_POISON");
  if (!wish || !std::strcmp(wish, "0")) return;
  for (int round = 0; round < 2; ++round) {  // fresh, and used again
    Buffer<float> buffer(1001);
    for (float f : std::vector<float>(buffer.data(), buffer.data() + buffer.size())) CHECK(std::isnan(f));
    std::fill(buffer.data(), buffer.data() + buffer.size(), 1.0f);
  }
}

TEST(memory_ends_where_it_was_asked_to_end) {
#if defined(__SANITIZE_ADDRESS__)
  for (std::size_t bytes : kSizes) {
    char* block = static_cast<char*>(take(bytes));
    CHECK(!__asan_region_is_poisoned(block, bytes));
    CHECK(__asan_address_is_poisoned(block + bytes));
    give(block, bytes);
    CHECK(__asan_address_is_poisoned(block));
  }
#endif
}

TEST(memory_absurd_sizes_are_refused) {
  CHECK(refuses([] { take(SIZE_MAX); }));
  CHECK(refuses([] { take(SIZE_MAX - 4096); }));
  CHECK(refuses([] { take(std::size_t(1) << 60); }));
  CHECK(refuses([] { Buffer<double> b(SIZE_MAX / 8 + 2); }));  // 8 bytes after overflow
  CHECK(refuses([] { elements(std::int64_t(1) << 40, std::int64_t(1) << 40); }));
  CHECK(elements(0, std::int64_t(1) << 62) == 0 && elements(3, 5) == 15);
}

TEST(memory_has_a_limit_for_everything_together) {
  const std::size_t before = limit_memory(std::size_t(8) << 20);
  {
    const Buffer<char> first(3 << 20);
    CHECK(refuses([] { Buffer<char> b(7 << 20); }));
    CHECK(refuses([] { Buffer<char> b(100 << 20); }));
    const Buffer<char> second(2 << 20);
  }
  Buffer<char> all(8 << 20);  // what was given back counts no more
  CHECK(limit_memory(before) == std::size_t(8) << 20);
  CHECK(before > std::size_t(64) << 20);
}

TEST(memory_moves) {
  Buffer<int> a(10);
  int* data = a.data();
  Buffer<int> b(std::move(a));
  CHECK(b.data() == data && b.size() == 10 && !a.data() && !a.size());  // NOLINT(bugprone-use-after-move): empty then
  a = std::move(b);
  CHECK(a.data() == data && !b.data());  // NOLINT(bugprone-use-after-move)
  const Buffer<int> none(0);
  CHECK(!none.data());
}

}  // namespace
}  // namespace throughtime::test
