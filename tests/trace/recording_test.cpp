// tandem - trace::recording: what is in the file, and that it is always whole
// SPDX-License-Identifier: BSL-1.0
#include <tandem/trace/recording.hpp>

#include <tandem/asio/run.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/cpu/inline_executor.hpp>
#include <tandem/cpu/map.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/cpu/thread_executor.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/test_loop.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <optional>
#include <sstream>
#include <thread>

#include "catch.hpp"
#include "trace_json.hpp"

using namespace std::chrono_literals;
using trace_test::trace_json;

namespace {

tandem::task<int> nap(tandem::duration length) {
    co_await tandem::sleep(length);
    co_return 1;
}

tandem::task<> fail_after(tandem::duration length) {
    co_await tandem::sleep(length);
    throw std::runtime_error("as it was told to");
}

tandem::task<> give(tandem::queue<int>& to, int items) {
    for (int i = 0; i < items; ++i) co_await to.put(i);
    to.shutdown();
}

tandem::task<> take(tandem::queue<int>& from) {
    for (;;) {
        const auto item = co_await from.next();
        if (!item) co_return;
        co_await tandem::sleep(1ms);
    }
}

/// Values, errors, cancellation, scopes inside scopes.
tandem::task<> many_things() {
    tandem::trace::span whole("all of it");
    const auto named = tandem::create_task(nap(7ms), "named");
    co_await tandem::gather(nap(1ms), nap(2ms));
    try {
        co_await tandem::timeout(3ms, tandem::timeout(4ms, nap(1h)));
    } catch (const tandem::timeout_error&) {
    }
    try {
        co_await tandem::gather(fail_after(1ms), nap(1h));
    } catch (const std::runtime_error&) {
    }
    tandem::queue<int> items(2);
    co_await tandem::gather(give(items, 20), take(items), take(items));
    co_await named;
}

std::string recorded(tandem::task<> (*program)(), std::uint64_t seed) {
    tandem::trace::recording all;
    tandem::testing::run_virtual(program(), tandem::testing::virtual_options().seed(seed));
    return all.chrome_json();
}

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string scratch(const char* name) {
    return (std::filesystem::temp_directory_path() / (std::to_string(tandem::detail::steady_now()) + name))
        .string();
}

template <class E, class F>
std::string text_of(F call) {
    try {
        call();
    } catch (const E& e) {
        return e.what();
    }
    return "";
}

int sum_up_to(int n) {
    const tandem::trace::span here("sum");
    int sum = 0;
    for (int i = 1; i <= n; ++i) sum += i;
    return sum;
}

}  // namespace

TEST_CASE("recording: tracks, slices and flows of a busy program are whole", "[trace][recording][virtual]") {
    const trace_json trace(recorded(many_things, 1));
    trace.check();
    CHECK(trace.dropped() == 0);
    CHECK(trace.count("b", "main") == 1);
    CHECK(trace.count("b", "named") == 1);
    CHECK(trace.count("b", "gather[0]") == 3);
    CHECK(trace.count("b", "gather[2]") == 1);
    CHECK(trace.count("b", "all of it") == 1);
    CHECK(trace.count("X", "main") > 3);
    CHECK(trace.thread("loop") == 1);
}

TEST_CASE("recording: a task's track says what it waited for, and how it ended",
          "[trace][recording][virtual]") {
    const trace_json trace(recorded(
        []() -> tandem::task<> {
            const auto lost = tandem::create_task(nap(1h), "lost");
            const auto broken = tandem::create_task(fail_after(1ms), "broken");
            co_await tandem::sleep(2ms);
            CHECK(broken.exception());
        },
        1));
    trace.check();
    CHECK(trace.count("b", "sleep") == 3);
    CHECK(trace.with("e", "main").at(0).at("args").at("ended") == "value");
    CHECK(trace.with("e", "broken").at(0).at("args").at("ended") == "error");
    CHECK(trace.with("e", "lost").at(0).at("args").at("ended") == "stopped");
    CHECK(trace.count("n", "cancel requested") == 1);
    CHECK(trace.count("n", "stopped") == 1);
    const std::string started = trace.with("b", "lost").at(0).at("args").at("started");
    CHECK(started.starts_with("recording_test.cpp:"));
}

TEST_CASE("recording: on virtual time the same seed gives the same bytes", "[trace][recording][virtual]") {
    const std::string first = recorded(many_things, 7);
    CHECK(first == recorded(many_things, 7));
    CHECK(first != recorded(many_things, 8));
}

TEST_CASE("recording: a small program's trace is this, byte for byte", "[trace][recording][virtual]") {
    const std::string expected =
        R"({"displayTimeUnit":"ms","otherData":{"dropped_events":0,"unrecorded_threads":0},"traceEvents":[
{"ph":"M","pid":1,"name":"process_name","args":{"name":"tandem"}},
{"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"loop"}},
{"ph":"M","pid":1,"tid":1,"name":"thread_sort_index","args":{"sort_index":1}},
{"ph":"b","pid":1,"tid":1,"ts":0.000,"name":"main","cat":"task","id":1,"args":{}},
{"ph":"X","pid":1,"tid":1,"ts":0.000,"name":"main","cat":"step","dur":0.000},
{"ph":"b","pid":1,"tid":1,"ts":0.000,"name":"sleep","cat":"task","id":1},
{"ph":"C","pid":1,"tid":1,"ts":0.000,"name":"tasks of thread 1","args":{"alive":1}},
{"ph":"e","pid":1,"tid":1,"ts":1500.250,"name":"sleep","cat":"task","id":1},
{"ph":"X","pid":1,"tid":1,"ts":1500.250,"name":"main","cat":"step","dur":0.000},
{"ph":"n","pid":1,"tid":1,"ts":1500.250,"name":"half way","cat":"task","id":1},
{"ph":"C","pid":1,"tid":1,"ts":1500.250,"name":"left","args":{"value":-3}},
{"ph":"C","pid":1,"tid":1,"ts":1500.250,"name":"share","args":{"value":0.25}},
{"ph":"e","pid":1,"tid":1,"ts":1500.250,"name":"main","cat":"task","id":1,"args":{"ended":"value"}},
{"ph":"C","pid":1,"tid":1,"ts":1500.250,"name":"tasks of thread 1","args":{"alive":0}}
]}
)";
    CHECK(expected == recorded(
                          []() -> tandem::task<> {
                              co_await tandem::sleep(1500250ns);
                              tandem::trace::instant("half way");
                              tandem::trace::counter("left", -3);
                              tandem::trace::counter("share", 0.25);
                          },
                          1));
}

TEST_CASE("recording: a full ring drops the oldest events, says how many, and stays whole",
          "[trace][recording][virtual]") {
    tandem::trace::recording all(tandem::trace::options().ring_size(100));
    tandem::testing::run_virtual(many_things());
    const trace_json trace(all.chrome_json());
    trace.check();
    CHECK(all.dropped() > 0);
    CHECK(trace.dropped() == all.dropped());
    const auto marks = trace.with("i", "events dropped");
    REQUIRE(marks.size() == 1);
    CHECK(marks[0].at("args").at("count") == all.dropped());
    CHECK(trace.count("e", "main") + trace.count("e", "task 1") > 0);
}

TEST_CASE("recording: a ring of one event is a recording too", "[trace][recording][virtual]") {
    tandem::trace::recording all(tandem::trace::options().ring_size(1));
    tandem::testing::run_virtual(many_things());
    trace_json(all.chrome_json()).check();
    CHECK(all.dropped() > 100);
}

TEST_CASE("recording: names with quotes, control characters and broken UTF-8 give valid JSON",
          "[trace][recording][virtual]") {
    const trace_json trace(recorded(
        []() -> tandem::task<> {
            tandem::this_task::set_name("a \"name\" \\ with\n\t\x01 \x7f");
            tandem::trace::instant(std::string("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"));
            tandem::trace::instant(std::string("cut \xe2\x82"));
            tandem::trace::instant(std::string("\xc0\xaf \xed\xa0\x80 \xff \xf4\x90\x80\x80"));
            co_return;
        },
        1));
    trace.check();
    CHECK(trace.count("b", "a \"name\" \\ with\n\t\x01 \x7f") == 1);
    CHECK(trace.count("n", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == 1);
    const std::string replaced = "\xef\xbf\xbd";
    CHECK(trace.count("n", "cut " + replaced + replaced) == 1);
    std::string broken = replaced + replaced + ' ' + replaced + replaced + replaced + ' ' + replaced + ' ';
    for (int i = 0; i < 4; ++i) broken += replaced;
    CHECK(trace.count("n", broken) == 1);
}

TEST_CASE("recording: a counter without a finite value is null", "[trace][recording][virtual]") {
    tandem::trace::recording all;
    tandem::trace::counter("c", std::numeric_limits<double>::infinity());
    tandem::trace::counter("c", std::numeric_limits<double>::quiet_NaN());
    tandem::trace::counter("c", std::uint64_t{1} << 60);
    const trace_json trace(all.chrome_json());
    const auto values = trace.with("C", "c");
    REQUIRE(values.size() == 3);
    CHECK(values[0].at("args").at("value").is_null());
    CHECK(values[1].at("args").at("value").is_null());
    CHECK(values[2].at("args").at("value") == std::uint64_t{1} << 60);
}

TEST_CASE("recording: tasks that were there before it are in it", "[trace][recording][virtual]") {
    const auto program = []() -> tandem::task<std::string> {
        const auto before = tandem::create_task(nap(5ms), "before");
        co_await tandem::sleep(1ms);
        tandem::trace::recording all;
        co_await before;
        co_return all.chrome_json();
    };
    const trace_json trace(tandem::testing::run_virtual(program()));
    trace.check();
    CHECK(trace.count("b", "main") == 1);
    CHECK(trace.count("b", "before") == 1);
    CHECK(trace.count("b", "sleep") == 1);
}

TEST_CASE("recording: a span outlives awaits, and may end early", "[trace][recording][virtual]") {
    const trace_json trace(recorded(
        []() -> tandem::task<> {
            tandem::trace::span first("first");
            co_await tandem::sleep(1ms);
            first.end();
            first.end();
            const std::string name = "second";
            const tandem::trace::span second(name);
            co_await tandem::sleep(1ms);
        },
        1));
    trace.check();
    CHECK(trace.with("b", "first").at(0).at("ts") == 0.0);
    CHECK(trace.with("e", "first").at(0).at("ts") == 1000.0);
    CHECK(trace.with("b", "second").at(0).at("ts") == 1000.0);
    CHECK(trace.with("e", "second").at(0).at("ts") == 2000.0);
}

TEST_CASE("recording: what is noted while nothing is recorded is nowhere", "[trace][recording][virtual]") {
    tandem::trace::recording first;
    first.stop();
    CHECK(tandem::detail::tracing() == nullptr);
    tandem::trace::instant("lost");
    tandem::trace::counter("lost", 1);
    { const tandem::trace::span lost("lost"); }
    tandem::trace::recording second;
    tandem::trace::instant("kept");
    const trace_json trace(second.chrome_json());
    CHECK(trace.count("i", "kept") == 1);
    CHECK(first.chrome_json().find("lost") == std::string::npos);
    CHECK(second.chrome_json().find("lost") == std::string::npos);
}

TEST_CASE("recording: a span across two recordings is in neither by half", "[trace][recording][virtual]") {
    tandem::trace::recording first;
    std::optional<tandem::trace::span> across;
    across.emplace(tandem::trace::name("across"));
    const trace_json one(first.chrome_json());
    one.check();
    tandem::trace::recording second;
    across.reset();
    const trace_json two(second.chrome_json());
    two.check();
    CHECK(one.count("X", "across") == 1);  // to the end of the recording
    CHECK(two.count("X", "across") == 0);
}

TEST_CASE("trace::start: a second recording is refused", "[trace][recording][virtual]") {
    const std::string path = scratch("twice.json");
    tandem::trace::start(path);
    CHECK(tandem::trace::active());
    const std::string expected = "tandem::trace::start: a recording runs already; stop it first";
    CHECK(text_of<tandem::invalid_state_error>([&] { tandem::trace::start(path); }) == expected);
    CHECK(text_of<tandem::invalid_state_error>([] { tandem::trace::recording other; }) == expected);
    tandem::trace::stop();
    CHECK_FALSE(tandem::trace::active());
    trace_json(contents(path)).check();
    std::filesystem::remove(path);
}

TEST_CASE("trace::start: a refused recording leaves the file of the first alone",
          "[trace][recording][virtual]") {
    const std::string path = scratch("kept.json");
    std::ofstream(path) << "precious";
    tandem::trace::recording first;
    CHECK_THROWS_AS(tandem::trace::start(path), tandem::invalid_state_error);
    CHECK(contents(path) == "precious");
    std::filesystem::remove(path);
}

TEST_CASE("trace::start: a path that cannot be opened is refused at once", "[trace][recording][virtual]") {
    const std::string text =
        text_of<tandem::trace::trace_error>([] { tandem::trace::start("/nowhere/at/all/trace.json"); });
    CHECK(text.starts_with("tandem::trace::start: cannot open \"/nowhere/at/all/trace.json\" for writing ("));
    CHECK(text.ends_with("); give a path that can be written"));
    CHECK_FALSE(tandem::trace::active());
}

TEST_CASE("trace::stop: without a start it says so", "[trace][recording][virtual]") {
    CHECK(text_of<tandem::invalid_state_error>([] { tandem::trace::stop(); }) ==
          "tandem::trace::stop: nothing is being recorded; call trace::start first");
}

TEST_CASE("trace::stop: a disk that is full is an error, not half a file in silence",
          "[trace][recording][virtual]") {
    if (!std::filesystem::exists("/dev/full")) return;
    tandem::trace::start("/dev/full");
    const std::string text = text_of<tandem::trace::trace_error>([] { tandem::trace::stop(); });
    CHECK(text.starts_with("tandem::trace::stop: \"/dev/full\" was not written whole ("));
    CHECK_FALSE(tandem::trace::active());
}

TEST_CASE("trace::options: a ring without room is refused", "[trace][recording][virtual]") {
    CHECK(text_of<std::invalid_argument>([] { tandem::trace::options().ring_size(0); }) ==
          "tandem::trace::options::ring_size: 0 events; give 1 to 1,073,741,824");
    CHECK(tandem::trace::options().ring_size(1000).ring_size() == 1024);
}

TEST_CASE("TANDEM_TRACE: the next loop that runs is recorded", "[trace][recording][virtual]") {
    const std::string path = scratch("environment.json");
    ::setenv("TANDEM_TRACE", path.c_str(), 1);
    tandem::detail::trace_first_run.store(&tandem::trace::start_from_environment);
    tandem::testing::run_virtual(many_things());
    ::unsetenv("TANDEM_TRACE");
    CHECK(tandem::trace::active());
    tandem::trace::stop();
    const trace_json trace(contents(path));
    trace.check();
    CHECK(trace.count("b", "main") == 1);
    std::filesystem::remove(path);
}

TEST_CASE("recording: jobs are slices of their workers, tied to the task that handed them over",
          "[trace][recording][threads]") {
    tandem::trace::recording all;
    const int sum = tandem::run([]() -> tandem::task<int> {
        tandem::executor_options crunch;
        crunch.max_workers(2).name("crunch");
        tandem::thread_executor pool(crunch);
        int total = 0;
        for (int i = 0; i < 4; ++i) total += co_await tandem::run_in_executor(pool, sum_up_to, 100);
        const std::vector<int> inputs(64, 100);
        const std::vector<int> sums = co_await tandem::map(pool, inputs, sum_up_to);
        co_return std::accumulate(sums.begin(), sums.end(), total);
    }());
    CHECK(sum == 68 * 5050);
    const trace_json trace(all.chrome_json());
    trace.check();
    const int loop = trace.thread("loop");
    CHECK(loop == 1);
    CHECK(trace.thread("crunch worker 1") > 1);
    const auto jobs = trace.with("X", "job of main");
    CHECK(jobs.size() >= 5);
    for (const auto& job : jobs) CHECK(job.at("tid") != loop);
    CHECK(trace.with("s").size() == 5);
    CHECK(trace.with("f").size() == 5);
    CHECK(trace.with("X", "sum").size() == 68);
    for (const auto& end : trace.with("f")) CHECK(end.at("tid") == loop);
}

TEST_CASE("recording: jobs of an inline executor nest in steps of the loop", "[trace][recording][virtual]") {
    const trace_json trace(recorded(
        []() -> tandem::task<> {
            tandem::inline_executor pool;
            const int sum = co_await tandem::run_in_executor(pool, sum_up_to, 3);
            CHECK(sum == 6);
        },
        1));
    trace.check();
    CHECK(trace.count("X", "job of main") == 1);
    CHECK(trace.count("X", "sum") == 1);
    CHECK(trace.with("X", "job of main").at(0).at("tid") == 1);
}

TEST_CASE("recording: two loops in two threads are two tracks", "[trace][recording][threads]") {
    tandem::trace::recording all;
    std::thread other([] { tandem::run(many_things()); });
    tandem::run(many_things());
    other.join();
    const trace_json trace(all.chrome_json());
    trace.check();
    CHECK(trace.thread("loop") != 0);
    CHECK(trace.thread("loop 2") != 0);
    CHECK(trace.count("b", "main") == 2);
    CHECK(trace.count("b", "named") == 2);
}

TEST_CASE("recording: it may stop and be read while other threads go on", "[trace][recording][threads]") {
    std::atomic<bool> enough = false;
    std::thread busy([&] {
        const auto spin = [](std::atomic<bool>& until) -> tandem::task<> {
            while (!until.load()) {
                const tandem::trace::span turn("turn");
                co_await tandem::this_task::checkpoint();
            }
        };
        tandem::run(spin(enough));
    });
    std::size_t turns = 0;
    for (int i = 0; i < 20 || turns == 0; ++i) {
        tandem::trace::recording all(tandem::trace::options().ring_size(256));
        std::this_thread::yield();
        const trace_json trace(all.chrome_json());
        trace.check();
        turns += trace.count("b", "turn");
    }
    enough = true;
    busy.join();
    CHECK(turns > 0);
}
