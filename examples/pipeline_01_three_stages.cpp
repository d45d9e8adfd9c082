// Three stages that overlap: fetching waits, parsing computes, storing waits again. The time that the
// thirty items take is that of the slowest stage, not of the sum.
// SPDX-License-Identifier: BSL-1.0
// expect: ^30 rows of 30 pages, in order; at most [0-9]+ pages were alive at a time$
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <tandem/asio/run.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/pipeline/pipeline.hpp>

using namespace std::chrono_literals;

struct row {
    int page;
    std::size_t length;
};

// I/O: a coroutine, on the loop.
tandem::task<std::string> fetch(int page) {
    co_await tandem::sleep(5ms);
    co_return std::to_string(page) + std::string(static_cast<std::size_t>(100 + page), '.');
}

// Work: a plain function, on the workers of the executor.
row parse(const std::string& text) { return {std::stoi(text), text.size()}; }

tandem::task<> amain(tandem::cpu_executor& pool) {
    std::vector<int> pages;
    for (int page = 0; page < 30; ++page) pages.push_back(page);
    std::vector<row> table;
    const auto store = [&table](row r) -> tandem::task<> {
        co_await tandem::sleep(1ms);
        table.push_back(r);
    };

    auto line = tandem::pipeline("pages", pages)
                    .io("fetch", fetch, tandem::stage_options().concurrency(4).queue(4))
                    .cpu("parse", pool, parse, tandem::stage_options().queue(8))
                    .sink("store", store);
    const tandem::pipeline_report report = co_await line.run();

    std::cout << report;
    bool in_order = table.size() == pages.size();
    for (std::size_t i = 0; i < table.size(); ++i) in_order = in_order && table[i].page == pages[i];
    std::cout << table.size() << " rows of " << report.taken << " pages, " << (in_order ? "in" : "out of")
              << " order; at most " << report.peak_live << " pages were alive at a time\n";
}

int main() {
    tandem::cpu_executor pool;
    tandem::run(amain(pool));
}
