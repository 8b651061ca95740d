#include "reader_pool.hpp"

#include <chrono>
#include <utility>

namespace wrench::storage {
namespace {

/// The clock may be simulated, so waiting is done in slices of real time.
constexpr std::chrono::milliseconds kWaitSlice{20};

}  // namespace

ReaderPool::ReaderPool(Opener open, const Clock& clock, std::size_t size_max)
    : open_(std::move(open)), clock_(clock), size_max_(size_max) {}

Result<std::unique_ptr<Reader>> ReaderPool::borrow(Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    while (!closed_ && idle_.empty() && lent_ >= size_max_) {
      if (deadline.passed(clock_)) return Error("storage.deadline", "no connection for reading got free in time");
      free_.wait_for(lock, kWaitSlice);
    }
    if (closed_) return Error("storage.closed", "the store is closed");
    ++lent_;
    if (!idle_.empty()) {
      std::unique_ptr<Reader> reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  Result<std::unique_ptr<Reader>> opened = open_();
  if (!opened.ok()) give_back(nullptr);
  return opened;
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (reader && reader->usable()) idle_.push_back(std::move(reader));
  }
  free_.notify_all();
}

Result<void> ReaderPool::run(const std::function<void(ReadTx&)>& body, Deadline deadline, Reads reads,
                             Micros age_max_us) {
  struct Loan {
    ReaderPool& pool;
    std::unique_ptr<Reader> reader;
    ~Loan() { pool.give_back(std::move(reader)); }
  };
  for (std::size_t left = size_max_ + 1;; --left) {
    Loan loan{*this, WRENCH_TRY(borrow(deadline))};
    if (Result<void> begun = loan.reader->begin(clock_, deadline, reads, age_max_us); !begun.ok()) {
      // What was cut while idle drops out one by one; then a fresh one is opened.
      if (begun.error().code == "storage.unreachable" && left > 0) continue;
      return begun;
    }
    body(loan.reader->tx());
    loan.reader->end();
    return {};
  }
}

void ReaderPool::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  free_.notify_all();
  free_.wait(lock, [&] { return lent_ == 0; });
  idle_.clear();
}

}  // namespace wrench::storage
