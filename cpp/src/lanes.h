// How the rows of a call are shared out: lanes for threads, blocks of steps inside a lane.
#pragma once

#include <cstring>

#include "loop.h"

namespace throughtime {

// The steps of rows with these lengths, longest first, in processing order.
std::vector<Step> steps_of(const std::vector<Index>& lengths, bool reverse);

// Rows to at most so many lanes, in equal sums of lengths; at least one lane.
std::vector<Lane> split(const Extent& extent, int threads);

// One, where there is too little to do for more.
int useful_threads(const Program& program, const Extent& extent, int threads);

// The next block of steps [first, end) in processing order with at most about `rows` active rows.
Index block_end(const Lane& lane, Index first, Index rows);
// The block of steps [begin, end) before it, likewise.
Index block_begin(const Lane& lane, Index end, Index rows);
// Active rows of the steps [first, end), all together.
Index active(const Lane& lane, Index first, Index end);

// States of a lane's rows, in the lane's order.
template <class T>
struct States {
  std::vector<Buffer<T>> memory;
  std::vector<T*> data;
  std::vector<Index> strides;

  States(const Program& p, Index rows) {
    for (int width : p.state_widths) {
      strides.push_back(row_stride<T>(width));
      memory.emplace_back(elements(rows, strides.back()));
      data.push_back(memory.back().data());
    }
  }
  void read(const Program& p, const Lane& lane, const std::vector<Rows<const T>>& from) {
    for (std::size_t j = 0; j < data.size(); ++j)
      for (std::size_t r = 0; r < lane.rows.size(); ++r) {
        T* to = data[j] + Index(r) * strides[j];
        const std::size_t bytes = std::size_t(p.state_widths[j]) * sizeof(T);
        if (from[j].data)
          std::memcpy(to, from[j].data + lane.rows[r] * from[j].row, bytes);
        else
          std::memset(to, 0, bytes);
      }
  }
  void write(const Program& p, const Lane& lane, const std::vector<Rows<T>>& to) const {
    for (std::size_t j = 0; j < data.size(); ++j)
      if (to[j].data)
        for (std::size_t r = 0; r < lane.rows.size(); ++r)
          std::memcpy(to[j].data + lane.rows[r] * to[j].row, data[j] + Index(r) * strides[j],
                      std::size_t(p.state_widths[j]) * sizeof(T));
  }
};

template <class T>
void clear_padding(const Lane& lane, Index steps, Index width, const Sequence<T>& y) {
  for (std::size_t r = 0; r < lane.rows.size(); ++r)
    for (Index t = lane.lengths[r]; t < steps; ++t)
      std::memset(y.data + (y.offsets ? y.offsets[t] : t * y.time) + lane.rows[r] * y.row, 0,
                  std::size_t(width) * sizeof(T));
}

}  // namespace throughtime
