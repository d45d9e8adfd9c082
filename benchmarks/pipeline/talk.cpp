// tandem benchmarks - the talk's pipeline at a tenth of its times: fetch 5 ms over HTTP, compute 10 ms of a
// core, store 2 ms into SQLite; beside one after the other, batches, and Python on the same server
// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/blocking_pool.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/http/client.hpp>
#include <tandem/pipeline/pipeline.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/testing/http_server.hpp>

#include <nlohmann/json.hpp>

#include <core/tandem_run.hpp>
#include <support/check.hpp>

#include "../examples/support/sqlite.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "groups.hpp"
#include "work.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;
using namespace std::chrono_literals;

constexpr auto fetch_time = 5ms;
constexpr int process_milliseconds = 10;
constexpr auto store_time = 2ms;
constexpr std::size_t fetches = 4;
constexpr std::size_t batch = 10;
constexpr std::size_t most_items = 30;

/// For all contenders of all rounds.
tandem::testing::http_server& server() {
    static tandem::testing::http_server one;
    static const bool ready = [] {
        for (const int n : numbers(most_items + 1)) {
            one.on("GET", "/wait/item-" + std::to_string(n),
                   tandem::testing::reply(200, "item").delay(fetch_time));
        }
        return true;
    }();
    check(ready, "the server is ready");
    return one;
}

class desk {
public:
    desk() : rows_("") { rows_.execute("create table results (number integer primary key, sum integer)"); }

    tandem::cpu_executor pool{tandem::available_cores()};

    tandem::task<int> fetch(int number) {
        const std::string url = url_ + std::to_string(number);
        const tandem::http::response answer = co_await client_.get(url);
        check(answer.text() == "item", "fetched");
        co_return number;
    }
    int process(int number) const { return number + static_cast<int>(spin(steps_) == 0); }
    tandem::task<> store(int number) { co_await tandem::run_in_executor(disk_, &desk::insert, this, number); }
    void check_rows(std::size_t count) {
        check(rows_.number("select count(*) from results") == static_cast<long long>(count), "rows");
    }

private:
    void insert(int number) {
        const auto begin = std::chrono::steady_clock::now();
        rows_.run("insert into results values (?, ?)", number, number);
        std::this_thread::sleep_until(begin + store_time);
    }

    std::uint64_t steps_ = process_milliseconds * steps_in_a_millisecond();
    std::string url_ = server().url("/wait/item-");
    tandem::http::client client_;
    database rows_;
    tandem::blocking_pool disk_{1};
};

tandem::task<sample> pipelined(std::size_t operations) {
    const std::vector<int> items = numbers(operations);
    desk d;
    auto line = tandem::pipeline("talk", items)
                    .io(
                        "fetch", [&](int n) { return d.fetch(n); },
                        tandem::stage_options().concurrency(fetches).queue(2 * fetches))
                    .cpu("process", d.pool, [&](int n) { return d.process(n); })
                    .sink("store", [&](int n) { return d.store(n); });
    meter m;
    const tandem::pipeline_report report = co_await line.run();
    const sample result = m.wall(operations);
    check(report.bottleneck() == "process" || operations < most_items, "the bottleneck");
    d.check_rows(operations);
    co_return result;
}

tandem::task<int> process(desk& d, int n) {
    co_return co_await tandem::run_in_executor(d.pool, &desk::process, &d, n);
}

tandem::task<sample> one_by_one(std::size_t operations) {
    desk d;
    meter m;
    for (const int n : numbers(operations)) {
        co_await d.fetch(n);
        co_await process(d, n);
        co_await d.store(n);
    }
    const sample result = m.wall(operations);
    d.check_rows(operations);
    co_return result;
}

tandem::task<sample> in_batches(std::size_t operations) {
    const std::vector<int> items = numbers(operations);
    desk d;
    meter m;
    for (std::size_t first = 0; first < items.size(); first += batch) {
        const std::size_t last = std::min(first + batch, items.size());
        std::vector<tandem::task<int>> all;
        for (std::size_t i = first; i < last; ++i) all.push_back(d.fetch(items[i]));
        const std::vector<int> got = co_await tandem::gather(std::move(all));
        std::vector<tandem::task<int>> jobs;
        for (const int n : got) jobs.push_back(process(d, n));
        const std::vector<int> done = co_await tandem::gather(std::move(jobs));
        for (const int n : done) co_await d.store(n);
    }
    const sample result = m.wall(operations);
    d.check_rows(operations);
    co_return result;
}

/// No schedule takes less: the first fetch, the waves of items on all cores, the stores of the last wave.
sample bound(std::size_t operations) {
    const std::size_t cores = tandem::available_cores();
    const std::size_t waves = (operations + cores - 1) / cores;
    const std::size_t in_the_last = operations - cores * (waves - 1);
    const std::chrono::nanoseconds least =
        fetch_time + waves * process_milliseconds * 1ms + in_the_last * store_time;
    sample s;
    s.cost = static_cast<double>(least.count()) / static_cast<double>(operations);
    return s;
}

/// Measures itself, without its start; it computes as long as a core of Python takes 10 ms.
sample python(std::size_t operations) {
    const std::string command = std::string("python3 -B ") + BENCH_PYTHON +
                                "/pipeline.py --scale=10 --port=" + std::to_string(server().port()) +
                                " --items=" + std::to_string(operations) +
                                " --fetches=" + std::to_string(fetches) +
                                " --workers=" + std::to_string(tandem::available_cores());
    std::FILE* const out = ::popen(command.c_str(), "r");
    check(out != nullptr, "python3 starts");
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out));
    check(::pclose(out) == 0, "pipeline.py ends well");
    const nlohmann::json line = nlohmann::json::parse(text);
    sample result;
    result.cost = line.at("seconds").at(0).get<double>() * 1e9 / static_cast<double>(operations);
    return result;
}

}  // namespace

std::vector<bench::workload> talk_workloads() {
    return {
        {"the talk's pipeline, 30 items at a tenth of its times, per item",
         "ns",
         most_items,
         contender<pipelined>,
         {{"one after the other", contender<one_by_one>, 2},
          {"batches of 10", contender<in_batches>, 1.2},
          {"Python asyncio, queues and a process pool", python, {}},
          {"its bound", bound, 0.95}},
         {}},
    };
}
