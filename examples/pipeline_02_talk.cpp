// Three stages that overlap: fetch 50 ms over HTTP, compute 100 ms of a core, store 20 ms into SQLite. One
// after the other an item takes 170 ms; the pipeline takes what its slowest stage takes, and says which.
// The argument makes all times shorter: 1 is the original, 10 is what runs as a test.
// SPDX-License-Identifier: BSL-1.0
// link: SQLite3 SQLite::SQLite3
// expect: ^30 rows; the bottleneck is process; waiting and computing overlap$
#include <tandem/http/client.hpp>
#include <tandem/tandem.hpp>
#include <tandem/testing/http_server.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.hpp"
#include "sqlite.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

constexpr int items = 30;

class page {
public:
    page(int n, std::string t) : number(n), text(std::move(t)) {}
    int number;
    std::string text;
    std::uint64_t hash = 14695981039346656037u;
};

// ---- the stages: one waits, one computes, one has a thread wait

tandem::task<page> fetch(http::client& client, std::string url, int number) {
    const http::response answer = co_await client.get(url + "?n=" + std::to_string(number));
    co_return page(number, answer.text());
}

page process(page p, int passes) {
    for (int pass = 0; pass < passes; ++pass) {
        for (const unsigned char c : p.text) p.hash = (p.hash ^ c) * 1099511628211u;
    }
    return p;
}

void insert(database& rows, const page& p, seconds time) {
    rows.run("insert into results values (?, ?)", p.number, static_cast<long long>(p.hash));
    std::this_thread::sleep_for(time);  // a slower disk than this one's
}

tandem::task<> store(tandem::executor& disk, database& rows, page p, seconds time) {
    co_await tandem::run_in_executor(disk, insert, std::ref(rows), std::move(p), time);
}

// As many passes over a page as one core does in `time`; the least of some measurements, so that what else
// runs on this machine does not count.
int passes_in(seconds time, const page& p) {
    constexpr int sample = 200;
    seconds least = 1h;
    for (int i = 0; i < 5; ++i) {
        const auto start = std::chrono::steady_clock::now();
        if (process(p, sample).hash == 0) return 0;
        least = std::min<seconds>(least, std::chrono::steady_clock::now() - start);
    }
    return static_cast<int>(time / least * sample);
}

tandem::task<> amain(std::string url, double scale) {
    database rows(":memory:");
    rows.execute("create table results (number integer primary key, hash integer)");
    http::client client;
    const page sample = co_await fetch(client, url, 0);
    const int passes = passes_in(100ms / scale, sample);
    tandem::cpu_executor cores(tandem::available_cores());
    tandem::blocking_pool disk(1);
    std::vector<int> numbers;
    for (int n = 1; n <= items; ++n) numbers.push_back(n);
    auto& loop = tandem::this_task::loop();

    const auto start = loop.now();
    for (const int n : numbers) {
        page p = co_await fetch(client, url, -n);
        p = co_await tandem::run_in_executor(cores, process, std::move(p), passes);
        co_await store(disk, rows, std::move(p), 20ms / scale);
    }
    const seconds one_after_the_other = loop.now() - start;

    const auto get = [&](int n) { return fetch(client, url, n); };
    const auto four = tandem::stage_options().concurrency(4).queue(8);
    auto line = tandem::pipeline("talk", numbers)
                    .io("fetch", get, four)
                    .cpu("process", cores, [=](page p) { return process(std::move(p), passes); })
                    .sink("store", [&](page p) { return store(disk, rows, std::move(p), 20ms / scale); });
    const tandem::pipeline_report report = co_await line.run();
    const long long stored = rows.number("select count(*) from results where number > 0");
    std::cout << report << "one after the other " << one_after_the_other.count() << " s, pipeline "
              << seconds(report.elapsed).count() << " s, " << one_after_the_other / report.elapsed << "x\n";
    check(stored == items && report.balanced(), "every item is stored");
    check(report.bottleneck() == "process", "computing is what takes longest");
    check(report.overlap > 0s, "cores compute while others wait");
    std::cout << stored << " rows; the bottleneck is process; waiting and computing overlap\n";
}

int main(int argc, char** argv) {
    const double scale = argc > 1 ? std::atof(argv[1]) : 10;
    check(scale >= 1, "the argument is a number from 1 on");
    tandem::testing::http_server server;
    const auto latency = std::chrono::duration_cast<std::chrono::nanoseconds>(50ms / scale);
    server.on("GET", "/page", tandem::testing::reply(200, std::string(4096, 'x')).delay(latency));
    tandem::run(amain(server.url("/page"), scale));
}
