// Wait, then compute: pages arrive on the loop, words are counted in the pool, ten pages on the way at a
// time. SPDX-License-Identifier: BSL-1.0 expect: ^24 pages, 7200 words, 1 refused$
#include <tandem/tandem.hpp>

#include <chrono>
#include <iostream>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "check.hpp"

using namespace std::chrono_literals;

// Stands for a request: the loop does other things while it waits.
tandem::task<std::string> fetch(int number) {
    co_await tandem::sleep(std::chrono::milliseconds(1 + number % 5));
    std::string page;
    for (int i = 0; i < 300; ++i) page += "word" + std::to_string(i * number) + ' ';
    co_return page;
}

// CPU work. It takes the text by value: it is moved to the worker and belongs to nobody else there.
int count_words(std::stop_token token, std::string text) {
    int words = 0;
    std::istringstream in(std::move(text));
    for (std::string word; in >> word; ++words) tandem::throw_if_stopped(token);
    if (words == 0) throw std::runtime_error("an empty page");
    return words;
}

tandem::task<int> words_on_page(tandem::executor& pool, int number) {
    auto page = co_await fetch(number);
    co_return co_await tandem::run_in_executor(pool, count_words, std::move(page));
}

tandem::task<> amain() {
    tandem::cpu_executor pool;

    // A view makes a page's task when its turn has come.
    auto pages = std::views::iota(0, 24) |
                 std::views::transform([&pool](int number) { return words_on_page(pool, number); });
    const auto counts = co_await tandem::gather(tandem::limit(10), pages);
    int words = 0;
    for (const int count : counts) words += count;

    // An exception on the worker arrives where the job is awaited.
    int refused = 0;
    try {
        co_await tandem::run_in_executor(pool, count_words, std::string());
    } catch (const std::runtime_error& e) {
        std::cout << "from the worker: " << e.what() << '\n';
        ++refused;
    }

    const tandem::executor_statistics s = pool.statistics();
    std::cout << s.done << " jobs on " << s.workers << " worker(s), median "
              << s.run_time.percentile(0.5).count() / 1000 << " us of work after "
              << s.queue_wait.percentile(0.5).count() / 1000 << " us in line\n";
    check(counts.size() == 24 && words == 24 * 300, "every page was counted");
    check(s.done == 25 && s.failed == 1, "the pool saw 25 jobs, one of which failed");
    std::cout << counts.size() << " pages, " << words << " words, " << refused << " refused\n";
}

int main() { tandem::run(amain()); }
