#include "lanes.h"

#include <numeric>

namespace throughtime {
namespace {

constexpr double kWorthThreads = kGuarded ? 0 : 1e6;  // multiply-adds below which a second thread costs more

}  // namespace

std::vector<Step> steps_of(const std::vector<Index>& lengths, bool reverse) {
  const Index longest = lengths.empty() ? 0 : lengths[0];
  std::vector<Step> steps(static_cast<std::size_t>(longest));
  Index active = Index(lengths.size());
  for (Index t = 0; t < longest; ++t) {
    while (active && lengths[active - 1] <= t) --active;
    steps[reverse ? longest - 1 - t : t] = {t, active, 0};
  }
  Index offset = 0;
  for (Step& s : steps) s.offset = offset, offset += s.rows;
  return steps;
}

std::vector<Lane> split(const Extent& extent, int threads) {
  const Index rows = extent.rows;
  std::vector<Lane> lanes(static_cast<std::size_t>(std::max<Index>(1, std::min<Index>(threads, rows))));
  const Index count = Index(lanes.size());
  if (extent.lengths.empty()) {
    for (Index i = 0, row = 0; i < count; ++i)
      for (Index end = rows * (i + 1) / count; row < end; ++row) {
        lanes[i].rows.push_back(row);
        lanes[i].lengths.push_back(extent.steps);
      }
  } else {  // longest first, each to the lane with the least to do
    std::vector<Index> order(static_cast<std::size_t>(rows)), load(lanes.size(), 0);
    std::iota(order.begin(), order.end(), Index(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](Index a, Index b) { return extent.lengths[a] > extent.lengths[b]; });
    for (Index row : order) {
      const auto lane = std::size_t(std::min_element(load.begin(), load.end()) - load.begin());
      lanes[lane].rows.push_back(row);
      lanes[lane].lengths.push_back(extent.lengths[row]);
      load[lane] += extent.lengths[row];
    }
  }
  for (Lane& lane : lanes) {
    lane.steps = steps_of(lane.lengths, extent.reverse);
    for (const Step& s : lane.steps) lane.total += s.rows;
  }
  return lanes;
}

int useful_threads(const Program& p, const Extent& extent, int threads) {
  double work = 0;
  for (const auto& q : p.parameters) work += double(q.rows) * std::max(1, q.columns);
  return work * double(extent.steps) * double(extent.rows) < kWorthThreads ? 1 : threads;
}

Index block_end(const Lane& lane, Index first, Index rows) {
  Index end = first, sum = 0;
  const Index count = Index(lane.steps.size());
  while (end < count && (end == first || sum + lane.steps[end].rows <= rows)) sum += lane.steps[end++].rows;
  return end;
}

Index block_begin(const Lane& lane, Index end, Index rows) {
  Index begin = end, sum = 0;
  while (begin > 0 && (begin == end || sum + lane.steps[begin - 1].rows <= rows)) sum += lane.steps[--begin].rows;
  return begin;
}

Index active(const Lane& lane, Index first, Index end) {
  if (first == end) return 0;
  const Step& last = lane.steps[end - 1];
  return last.offset + last.rows - lane.steps[first].offset;
}

}  // namespace throughtime
