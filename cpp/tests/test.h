// The smallest test framework that does: cases register themselves, a failed check throws and ends its case.
#pragma once

#include <cmath>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace throughtime::test {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Register {
  Register(const char* name, void (*body)()) { cases().push_back({name, body}); }
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
  throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

inline bool near(double a, double b, double tolerance) {
  return (std::isnan(a) && std::isnan(b)) || a == b || std::fabs(a - b) <= tolerance * (1 + std::fabs(b));
}

template <class A>
std::string text(const A& a) {
  std::ostringstream out;
  out.precision(17);
  out << a;
  return out.str();
}

// Uniform in [-1, 1), the same on every machine.
class Random {
 public:
  explicit Random(std::uint32_t seed) : bits_(seed) {}
  double operator()() { return double(std::int32_t(bits_())) / 2147483648.0; }
  std::int64_t below(std::int64_t n) { return n < 1 ? 0 : std::int64_t(bits_() % std::uint64_t(n)); }
  std::uint32_t bits() { return std::uint32_t(bits_()); }

 private:
  std::mt19937 bits_;
};

}  // namespace throughtime::test

#define TT_JOIN_(a, b) a##b
#define TT_JOIN(a, b) TT_JOIN_(a, b)
#define TEST(name)                                                                   \
  static void name();                                                                \
  static const ::throughtime::test::Register TT_JOIN(register_, name)(#name, &name); \
  static void name()
#define CHECK(condition)                                                                      \
  do {                                                                                        \
    if (!(condition)) ::throughtime::test::fail(__FILE__, __LINE__, "not true: " #condition); \
  } while (0)
#define CHECK_SAY(condition, words)                                                                       \
  do {                                                                                                    \
    if (!(condition))                                                                                     \
      ::throughtime::test::fail(__FILE__, __LINE__, std::string("not true: " #condition ", ") + (words)); \
  } while (0)
