// Work memory: 64-byte aligned, recycled, poisoned on request, never more than the machine has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace throughtime {

// A block of `bytes` from the recycler; std::bad_alloc where there is none, or where all blocks in use together would
// exceed the limit. THROUGHTIME_POISON=1 fills it with NaN. Threads and forks may meet here at any time.
void* take(std::size_t bytes);
void give(void* block, std::size_t bytes) noexcept;

// The limit of bytes in use; at first the machine's memory, or what its control group grants. Returns the one before.
std::size_t limit_memory(std::size_t bytes) noexcept;

// Tells AddressSanitizer, where it is compiled in, that nothing may touch these bytes until the block is given back.
void guard(void* from, std::size_t bytes) noexcept;

// Is this a build with sanitizers? Then blocks of work are small, so that small tests cross their borders, and no
// memory is added that nobody asked for.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kGuarded = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kGuarded = true;
#else
constexpr bool kGuarded = false;
#endif
#else
constexpr bool kGuarded = false;
#endif

// rows * width elements; std::bad_alloc where they cannot be counted.
inline std::size_t elements(std::int64_t rows, std::int64_t width) {
  std::int64_t n = 0;
  if (rows < 0 || width < 0 || __builtin_mul_overflow(rows, width, &n)) throw std::bad_alloc();
  return std::size_t(n);
}

// Uninitialised elements, owned. Movable.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : data_(count ? static_cast<T*>(take(bytes(count))) : nullptr), count_(count) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Buffer() {
    if (data_) give(data_, count_ * sizeof(T));
  }
  T* data() const { return data_; }
  std::size_t size() const { return count_; }

 private:
  static std::size_t bytes(std::size_t count) {
    if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
    return count * sizeof(T);
  }
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace throughtime
