#include <tandem/pipeline/report.hpp>

#include <sstream>
#include <string>

#include <tandem/tasks/create_task.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;
using tandem::stage_state;

namespace {

tandem::task<int> fetch_50ms(int v) {
    co_await tandem::sleep(50ms);
    co_return v;
}
tandem::task<> store_20ms(int) { co_await tandem::sleep(20ms); }

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Brackets close in the order in which they were opened, strings aside.
bool well_formed(const std::string& json) {
    std::string open;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string && c == '\\') {
            ++i;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (in_string) {
            continue;
        } else if (c == '{' || c == '[') {
            open += c;
        } else if (c == '}' || c == ']') {
            if (open.empty() || open.back() != (c == '}' ? '{' : '[')) return false;
            open.pop_back();
        }
    }
    return open.empty() && !in_string;
}

}  // namespace

TANDEM_TEST("report: each state of each slot is timed exactly, and they add up to slots times time",
            "[pipeline][report][virtual]") {
    auto line = tandem::pipeline("states", numbers(4))
                    .io("fetch", fetch_50ms, stage_options().concurrency(2))
                    .sink("store", store_20ms);
    const tandem::pipeline_report r = co_await line.run();
    // Two arrive at 50 and two at 100; the second pair is stored by 140.
    CHECK(r.elapsed == 140ms);
    const tandem::stage_report& fetch = stage_of(r, "fetch");
    CHECK(fetch.time(stage_state::busy) == 200ms);
    CHECK(fetch.time(stage_state::blocked_up) == 80ms);
    CHECK(fetch.time(stage_state::blocked_down) == 0ms);
    CHECK(fetch.utilisation() == Approx(200.0 / 280));
    CHECK(fetch.service_time() == 50ms);
    CHECK(fetch.throughput() == Approx(4 / 0.140));
    CHECK(fetch.capacity() == Approx(40));
    const tandem::stage_report& store = stage_of(r, "store");
    CHECK(store.time(stage_state::busy) == 80ms);
    CHECK(store.time(stage_state::blocked_up) == 60ms);
    CHECK(store.service.percentile(0.5) == 20ms);
    CHECK(store.service.percentile(0.99) == 20ms);
    check_times(r);
}

TANDEM_TEST("report: time spent waiting for room is blocked_down and never busy",
            "[pipeline][report][virtual]") {
    auto line = tandem::pipeline("held", numbers(10))
                    .io("a", pass, stage_options().queue(1))
                    .sink("store", store_20ms, stage_options().queue(1));
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.elapsed == 200ms);
    CHECK(stage_of(r, "a").time(stage_state::busy) == 0ms);
    CHECK(stage_of(r, "a").time(stage_state::blocked_down) == 160ms);
    CHECK(r.bottleneck() == "store");
    CHECK(r.share_of_bound() == 1.0);
    check_times(r);
}

TANDEM_TEST("report: the depth of a queue over time is kept in a fixed number of samples",
            "[pipeline][report][virtual]") {
    auto line = tandem::pipeline("depth", numbers(5000)).sink("store", store_20ms, stage_options().queue(10));
    const tandem::pipeline_report r = co_await line.run();
    const tandem::stage_report& store = stage_of(r, "store");
    CHECK(r.elapsed == 100s);
    CHECK(store.queue_peak == 10);
    CHECK(store.queue_depth.size() <= 64);
    CHECK(store.queue_depth.size() >= 32);
    CHECK(store.queue_stretch * 64 >= r.elapsed);
    CHECK(store.queue_depth.front() == Approx(10));
    // Full for 99.8 s, then one less every 20 ms.
    CHECK(store.queue_mean == Approx((10 * 99.8 + 0.020 * 45) / 100));
    double sum = 0;
    for (const double each : store.queue_depth) sum += each;
    CHECK(sum / static_cast<double>(store.queue_depth.size()) < 10);
}

TANDEM_TEST("report: the calibration measures the service time alone, and stays out of the run's times",
            "[pipeline][report][virtual]") {
    int inside = 0;
    // A resource that two share: each takes twice as long while the other is there.
    const auto contended = [&](int v) -> tandem::task<int> {
        ++inside;
        co_await tandem::sleep(inside == 1 ? 10ms : 20ms);
        --inside;
        co_return v;
    };
    auto line = tandem::pipeline("calibrated", numbers(104))
                    .io("a", contended, stage_options().concurrency(2))
                    .sink("b", forget);
    const tandem::pipeline_report r = co_await line.run(tandem::pipeline_options().calibrate(4));
    const tandem::stage_report& a = stage_of(r, "a");
    CHECK(a.items == 104);
    CHECK(a.measured == 100);
    CHECK(a.isolated == 10ms);
    CHECK(a.service_time() > 12ms);
    CHECK(a.utilisation() > 0.98);
    CHECK(a.honest_utilisation() < 0.8);
    CHECK(r.honest_share() == a.honest_utilisation());
    CHECK(contains(r.text(), "10.000 ms in isolation"));
    check_books(r);
}

TANDEM_TEST("report: a calibration does not wait for batches to fill", "[pipeline][report][virtual]") {
    auto line = tandem::pipeline("batches", numbers(10))
                    .batch("b", 5)
                    .sink("s", [](std::vector<int>) -> tandem::task<> { co_await tandem::sleep(1ms); });
    const tandem::pipeline_report r = co_await line.run(tandem::pipeline_options().calibrate(3));
    CHECK(r.stored == 10);
    CHECK(stage_of(r, "s").isolated == 1ms);
    check_books(r);
}

TANDEM_TEST("report: a snapshot shows the run as it is", "[pipeline][report][virtual]") {
    auto line = tandem::pipeline("live", numbers(10)).io("fetch", fetch_50ms).sink("store", store_20ms);
    auto running = tandem::create_task(line.run());
    co_await tandem::sleep(125ms);
    const tandem::pipeline_report r = line.snapshot();
    CHECK_FALSE(r.finished);
    CHECK(r.elapsed == 125ms);
    CHECK(r.stored == 2);
    CHECK(r.live == r.taken - 2);
    CHECK(stage_of(r, "fetch").time(stage_state::busy) == 125ms);
    CHECK(r.balanced());
    check_times(r);
    static_cast<void>(co_await running);
}

TANDEM_TEST("report: the table names stages, states and the bottleneck", "[pipeline][report][virtual]") {
    auto line = tandem::pipeline("table", numbers(4))
                    .io("fetch", fetch_50ms, stage_options().concurrency(2))
                    .sink("store", store_20ms);
    const tandem::pipeline_report r = co_await line.run();
    std::ostringstream out;
    out << r;
    const std::string text = out.str();
    CHECK(text == r.text());
    CHECK(contains(text, "pipeline \"table\": 4 of 4 items stored in 140.000 ms\n"));
    CHECK(contains(text, "\nfetch           io x2                 4       0       28.6   50.000 ms"));
    CHECK(contains(text, "71.4 % of bound, bottleneck = fetch\n"));
}

TANDEM_TEST("report: the JSON is well formed, whatever the names", "[pipeline][report][virtual]") {
    const auto fail = [](int) -> tandem::task<int> {
        throw oops("a \"quoted\"\nerror \\ {[");
        co_return 0;
    };
    auto line =
        tandem::pipeline("na\"me", numbers(3)).io("a\\b", fail, stage_options().skip()).sink("s", forget);
    const tandem::pipeline_report r = co_await line.run();
    const std::string json = r.json();
    CHECK(well_formed(json));
    CHECK(contains(json, "{\"pipeline\":\"na\\\"me\",\"elapsed_ns\":0,\"taken\":3,"));
    CHECK(contains(json, "\"name\":\"a\\\\b\",\"kind\":\"io\",\"concurrency\":1,\"taken\":3,"));
    CHECK(contains(json, "\"messages\":[\"a \\\"quoted\\\"\\u000aerror \\\\ {[\","));
    CHECK_FALSE(contains(json, ",,"));
    CHECK_FALSE(contains(json, "nan"));
}

TANDEM_TEST("report: the advice names the stage that bounds the run, and what to change",
            "[pipeline][report][virtual]") {
    auto slow_fetch = tandem::pipeline("a", numbers(200))
                          .io("fetch", fetch_50ms, stage_options().concurrency(2))
                          .sink("store", store_20ms);
    const tandem::pipeline_report a = co_await slow_fetch.run();
    CHECK(a.advice() ==
          "fetch bounds the run: raise its concurrency from 2 to 4, if what it waits for allows it; the "
          "others could "
          "do 50.0 per s");
    auto short_run = tandem::pipeline("b", numbers(2)).io("fetch", fetch_50ms).sink("store", store_20ms);
    const tandem::pipeline_report b = co_await short_run.run();
    CHECK(b.advice() == "only 2 items: filling and emptying the pipeline took a good part of the time");
    CHECK(tandem::pipeline_report().advice() == "nothing was measured");
}
