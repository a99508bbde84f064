// Work memory: 64-byte aligned, recycled, poisoned on request.
#pragma once

#include <cstddef>
#include <utility>

namespace throughtime {

// A block of `bytes` from the recycler; std::bad_alloc where there is none. THROUGHTIME_POISON=1 fills it with NaN.
void* take(std::size_t bytes);
void give(void* block, std::size_t bytes) noexcept;

// Uninitialised elements, owned. Movable.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count)
      : data_(count ? static_cast<T*>(take(count * sizeof(T))) : nullptr), count_(count) {}
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
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
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace throughtime
