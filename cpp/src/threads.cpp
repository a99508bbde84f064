#include "throughtime/threads.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>
#endif
#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace throughtime {
namespace {

// Flush-to-zero and denormals-are-zero while alive.
struct NoDenormals {
#if defined(__x86_64__)
  unsigned saved = _mm_getcsr();
  NoDenormals() { _mm_setcsr(saved | 0x8040u); }
  ~NoDenormals() { _mm_setcsr(saved); }
#elif defined(__aarch64__)
  unsigned long saved;
  NoDenormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" ::"r"(saved | (1ul << 24)));
  }
  ~NoDenormals() { __asm__ volatile("msr fpcr, %0" ::"r"(saved)); }
#endif
};

struct Job {
  void (*task)(void*, int);
  void* context;
  int count;
};

// A pool whose threads sleep between jobs. One job at a time: a second caller, another thread or a task of the first
// job itself, runs its job alone.
class Pool {
 public:
  bool run(const Job& job) {
    // no mutex: one must not be tried by the thread that holds it, and a task may come here again
    if (busy_.exchange(true, std::memory_order_acquire)) return false;
    struct Free {
      std::atomic<bool>& busy;
      ~Free() { busy.store(false, std::memory_order_release); }
    } free{busy_};
    {
      std::lock_guard<std::mutex> lock(mutex_);
      try {
        while (int(threads_.size()) < job.count - 1) {
          const int id = int(threads_.size()) + 1;
          threads_.emplace_back([this, id] { work(id); });
          threads_.back().detach();
        }
      } catch (...) {  // NOLINT(bugprone-empty-catch): no more threads to be had, the caller does the rest itself
      }
      workers_ = int(threads_.size());
      job_ = &job;
      ++generation_;
      pending_ = workers_;
    }
    wake_.notify_all();
    execute(job, 0, workers_ + 1);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return pending_ == 0; });
    return true;
  }

 private:
  static void execute(const Job& job, int first, int step) {
    NoDenormals mode;
    for (int i = first; i < job.count; i += step) job.task(job.context, i);
  }

  void work(int id) {
    unsigned long seen = 0;
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return generation_ != seen && id <= workers_; });
      seen = generation_;
      const Job* job = job_;
      const int step = workers_ + 1;
      lock.unlock();
      execute(*job, id, step);
      lock.lock();
      if (--pending_ == 0) done_.notify_one();
    }
  }

  std::atomic<bool> busy_{false};
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  const Job* job_ = nullptr;
  unsigned long generation_ = 0;
  int pending_ = 0, workers_ = 0;
};

std::mutex entry;      // of what follows
Pool* pool = nullptr;  // never freed: its threads may outlive static destruction
bool forked = false;   // libgomp's threads do not survive a fork: the child uses a pool of its own

#if defined(__linux__)
using GompParallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
using GetNumber = int (*)();

struct OpenMP {
  GompParallel parallel = nullptr;
  GetNumber thread = nullptr, threads = nullptr;
};

// Where the loaded libraries that may be an OpenMP runtime lie.
struct Candidates {
  static constexpr int kMost = 4;
  char names[kMost][4096];
  int count = 0;
};

int note(dl_phdr_info* info, std::size_t, void* out) {
  auto& found = *static_cast<Candidates*>(out);
  const char* name = info->dlpi_name;
  if (!name || (!std::strstr(name, "libgomp") && !std::strstr(name, "libiomp5") && !std::strstr(name, "libomp")))
    return 0;
  const std::size_t size = std::strlen(name) + 1;
  if (size > sizeof found.names[0]) return 0;
  std::memcpy(found.names[found.count++], name, size);
  return found.count == Candidates::kMost;
}

bool open(const char* name, OpenMP& out) {
  void* handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return false;
  out.parallel = reinterpret_cast<GompParallel>(dlsym(handle, "GOMP_parallel"));
  out.thread = reinterpret_cast<GetNumber>(dlsym(handle, "omp_get_thread_num"));
  out.threads = reinterpret_cast<GetNumber>(dlsym(handle, "omp_get_num_threads"));
  if (out.parallel && out.thread && out.threads) return true;  // and stays open
  dlclose(handle);
  return false;
}

OpenMP openmp;  // written once, under `entry`

// torch may be loaded at any time.
bool have_openmp() {
  std::lock_guard<std::mutex> lock(entry);
  if (forked) return false;
  if (openmp.parallel) return true;
  static Candidates candidates;  // too large for a thread's stack; under `entry`, too
  candidates.count = 0;
  dl_iterate_phdr(note, &candidates);
  // Only afterwards: inside, the loader's list is locked, and a thread that loads a library takes the locks that dlopen
  // needs in the other order.
  for (int i = 0; i < candidates.count; ++i) {
    OpenMP found;
    if (!open(candidates.names[i], found)) continue;
    openmp = found;
    return true;
  }
  return false;
}

void run_openmp(void* data) {
  const Job& job = *static_cast<const Job*>(data);
  NoDenormals mode;
  const int step = openmp.threads();
  for (int i = openmp.thread(); i < job.count; i += step) job.task(job.context, i);
}
#else
bool have_openmp() { return false; }
#endif

Pool& own_pool() {
  std::lock_guard<std::mutex> lock(entry);
  if (!pool) pool = new Pool;
  return *pool;
}

#if !defined(_WIN32)
// Nobody is between the two locks while the process forks: the child finds them open, the loader's list unlocked, and
// leaves the pool, whose threads are gone and whose locks may be held.
const bool watching = [] {
  pthread_atfork([] { entry.lock(); }, [] { entry.unlock(); },
                 [] {
                   pool = nullptr;
                   forked = true;
                   entry.unlock();
                 });
  return true;
}();
#endif

}  // namespace

void parallel(int count, void (*task)(void*, int), void* context) {
  const Job job{task, context, count};
  if (count > 1) {
#if defined(__linux__)
    if (have_openmp()) {
      openmp.parallel(run_openmp, const_cast<Job*>(&job), unsigned(count), 0);
      return;
    }
#endif
    if (own_pool().run(job)) return;
  }
  NoDenormals mode;
  for (int i = 0; i < count; ++i) task(context, i);
}

}  // namespace throughtime
