// A small fuzzer for compilers without libFuzzer: mutates the seeds, keeps what reaches new edges, saves what breaks.
//
//   fuzz SEEDS [SECONDS [RANDOM_SEED]]   fuzz from every file of a folder
//   fuzz FILE                            run one input again
//
// Edges come from -fsanitize-coverage=trace-pc (GCC: "Program Instrumentation Options"), which calls
// __sanitizer_cov_trace_pc at every basic block of the core and the target.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "mutate.h"
#include "programs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kEdges = std::size_t(1) << 16;
constexpr unsigned kSeconds = 20;  // of one input; beyond, it hangs
unsigned char hit[kEdges], known[kEdges];
thread_local std::uintptr_t previous = 0;

const throughtime::test::Bytes* current = nullptr;

// The input that runs now goes to a file; nothing here allocates.
void save(const char* name) {
  if (!current) return;
  if (std::FILE* file = std::fopen(name, "wb")) {
    std::fwrite(current->data(), 1, current->size(), file);
    std::fclose(file);
    std::fprintf(stderr, "\nthe input is in %s; run it again with: fuzz %s\n", name, name);
  }
}

void on_alarm(int) {
  std::fprintf(stderr, "\nan input takes more than %u seconds\n", kSeconds);
  save("fuzz_hang.program");
  _exit(1);
}

void on_abort(int) {
  save("fuzz_crash.program");
  _exit(1);
}

bool new_edges() {
  bool any = false;
  for (std::size_t i = 0; i < kEdges; ++i)
    if (hit[i] && !known[i]) known[i] = 1, any = true;
  return any;
}

std::size_t count_edges() {
  std::size_t n = 0;
  for (unsigned char k : known) n += k;
  return n;
}

void run(const throughtime::test::Bytes& input) {
  current = &input;
  std::fill(hit, hit + kEdges, 0);
  alarm(kSeconds);
  try {
    // a copy of its own size, so that the sanitizer sees reads beyond the end
    const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[input.size()]);
    std::copy(input.begin(), input.end(), bytes.get());
    LLVMFuzzerTestOneInput(bytes.get(), input.size());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\nan exception that nobody expects: %s\n", error.what());
    save("fuzz_crash.program");
    _exit(1);
  }
  alarm(0);
  current = nullptr;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the sanitizers'

// Blocks are numbered by where they are called from, as pairs of the one before and this one.
extern "C" __attribute__((no_sanitize("all"), no_sanitize_coverage)) void __sanitizer_cov_trace_pc() {
  const auto pc = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  hit[((pc >> 2) ^ previous) % kEdges] = 1;
  previous = (pc >> 3) * 5;
}

// Either sanitizer ends the process by a signal, which on_abort sees.
extern "C" const char* __asan_default_options() { return "abort_on_error=1:allocator_may_return_null=1"; }
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

// NOLINTEND(bugprone-reserved-identifier)

int main(int count, char** words) {  // NOLINT(bugprone-exception-escape): an exception here ends it, rightly
  using namespace throughtime::test;
  namespace fs = std::filesystem;
  if (count < 2) return std::fprintf(stderr, "usage: %s SEEDS [SECONDS [RANDOM_SEED]] | FILE\n", words[0]), 2;
  signal(SIGALRM, on_alarm);
  signal(SIGABRT, on_abort);
  if (!fs::is_directory(words[1])) {
    run(throughtime::test::bytes_of(std::string(words[1])));
    return std::puts("no fault"), 0;
  }
  const double seconds = count > 2 ? std::strtod(words[2], nullptr) : 5;
  Random random(count > 3 ? std::uint32_t(std::strtoul(words[3], nullptr, 10)) : 1);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(words[1])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Bytes> corpus;
  for (const auto& file : files) {
    const Bytes plain = throughtime::test::bytes_of(file.string());
    for (int variant = 0; variant < 6; ++variant) {
      Words with = words_of(plain);
      for (int option : {4, 3, variant % 3, variant * 11, variant % 2, variant == 5 ? 0xc7 : 0, variant + 1})
        with.push_back(option);
      corpus.push_back(throughtime::test::bytes_of(with));
      run(corpus.back());
      new_edges();
    }
  }
  if (corpus.empty()) return std::fprintf(stderr, "no seeds in %s\n", words[1]), 2;
  const std::size_t seeds = corpus.size(), edges = count_edges();
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  std::uint64_t runs = 0;
  const auto any = [&]() -> const Bytes& { return corpus[std::size_t(random.below(std::int64_t(corpus.size())))]; };
  while (elapsed() < seconds) {
    // half of the time the newest: they are where unknown code is near
    const auto back = std::size_t(random.below(std::int64_t(std::min<std::size_t>(64, corpus.size()))));
    const Bytes& from = random.below(2) ? any() : corpus[corpus.size() - 1 - back];
    Bytes input = mutated(from, any(), random);
    run(input);
    ++runs;
    if (new_edges()) corpus.push_back(std::move(input));
  }
  std::printf("%llu runs, %.0f per second; edges %zu by %zu seeds, then %zu; corpus %zu\n",
              static_cast<unsigned long long>(runs), double(runs) / elapsed(), edges, seeds, count_edges(),
              corpus.size());
  return 0;
}
