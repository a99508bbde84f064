// Changes a program's bytes a little, knowing that they are words.
#pragma once

#include <algorithm>
#include <vector>

#include "format.h"
#include "test.h"

namespace throughtime::test {

using Bytes = std::vector<std::uint8_t>;
using Words = std::vector<std::int32_t>;

inline Words words_of(const Bytes& bytes) {
  Words words(bytes.size() / 4);
  if (!words.empty()) std::memcpy(words.data(), bytes.data(), words.size() * 4);
  return words;
}

inline Bytes bytes_of(const Words& words) {
  Bytes bytes(words.size() * 4);
  if (!words.empty()) std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

inline std::int32_t interesting(Random& random) {
  static const std::int32_t values[] = {
      0,     1,        -1,       2,         3,         4,          5,         7,         8,    9,
      15,    16,       17,       23,        24,        31,         32,        33,        63,   64,
      65,    100,      255,      256,       511,       512,        1023,      1024,      4096, 65535,
      65536, 0x100000, 0xffffff, 0x1000000, 0x1000001, 0x40000000, INT32_MAX, INT32_MIN, -2,   -100};
  return values[random.below(std::int64_t(std::size(values)))];
}

// Changes to the lists of a program that was read: elements vanish, double and trade places.
struct Shuffle {
  Random& random;
  std::int64_t target;  // which of the lists met on the way
  std::int64_t met = 0;
  void word(int&) {}
  template <class E, class F>
  void list(std::vector<E>& elements, F&& each) {
    if (met++ == target && !elements.empty()) {
      const auto i = random.below(std::int64_t(elements.size())), j = random.below(std::int64_t(elements.size()));
      const int what = int(random.below(5));
      if (what == 0) elements.erase(elements.begin() + i);
      if (what == 1) elements.insert(elements.begin() + j, E(elements[std::size_t(i)]));
      if (what == 2) std::swap(elements[std::size_t(i)], elements[std::size_t(j)]);
      if (what == 3) elements[std::size_t(i)] = E(elements[std::size_t(j)]);
      if (what == 4) elements.clear();
    }
    for (E& e : elements) each(e);
  }
};

inline bool shuffle_lists(Words& words, Random& random) {
  const Bytes bytes = bytes_of(words);
  try {
    Program p;
    Reader reader(bytes.data(), bytes.size());
    visit(reader, p);
    Shuffle counting{random, -1};
    visit(counting, p);
    Writer before;
    visit(before, p);
    Shuffle change{random, random.below(counting.met)};
    visit(change, p);
    Writer after;
    visit(after, p);
    after.words.insert(after.words.end(), words.begin() + long(before.words.size()), words.end());
    words = std::move(after.words);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

inline Bytes mutated(const Bytes& from, const Bytes& other, Random& random) {
  Words words = words_of(from);
  const Words donor = words_of(other);
  const auto any = [&] { return std::size_t(random.below(std::int64_t(words.size()))); };
  constexpr std::size_t kOptions = 7;
  for (int rounds = 1 + int(random.below(4)); rounds > 0; --rounds) {
    if (words.empty()) words.push_back(kMagic);
    switch (random.below(13)) {
      case 0: words[any()] ^= std::int32_t(std::uint32_t(1) << random.below(32)); break;
      case 1: words[any()] = interesting(random); break;
      case 2: {
        std::int32_t& word = words[any()];
        word = std::int32_t(std::uint32_t(word) + std::uint32_t(random.below(5)) - 2u);
        break;
      }
      case 3: {
        const std::int32_t other_word = words[any()];
        words[any()] = other_word;
        break;
      }
      case 4: {  // one number everywhere: sizes stay consistent
        const std::int32_t old = words[any()];
        const auto now = random.below(2) ? interesting(random) : std::int32_t(std::uint32_t(old) + 1u);
        if (old != kMagic) std::replace(words.begin(), words.end(), old, now);
        break;
      }
      case 5: words.erase(words.begin() + long(any())); break;
      case 6: words.insert(words.begin() + long(any()), interesting(random)); break;
      case 7: {  // splice
        if (donor.empty()) break;
        const std::size_t i = any(), n = std::min<std::size_t>(std::size_t(random.below(20)), donor.size());
        const std::size_t j = std::size_t(random.below(std::int64_t(donor.size() - n + 1)));
        for (std::size_t k = 0; k < n && i + k < words.size(); ++k) words[i + k] = donor[j + k];
        break;
      }
      case 8:
      case 9:
      case 10: shuffle_lists(words, random); break;
      case 11: {  // the words after the program
        for (std::size_t k = 0; k < kOptions; ++k) words.push_back(std::int32_t(random.bits() >> 8));
        break;
      }
      default:  // where the options are
        if (words.size() > kOptions)
          words[words.size() - 1 - std::size_t(random.below(kOptions))] = std::int32_t(random.below(300));
    }
  }
  if (words.size() > 20000) words.resize(20000);
  return bytes_of(words);
}

}  // namespace throughtime::test
