// What sources can do to the agent, over real sockets: each row of the failure matrix, and that nothing is
// left open after it. Times have a second of tolerance: the machine may be busy.
// SPDX-License-Identifier: BSL-1.0
#include "../corpus.hpp"
#include "../web_tools.hpp"

#include <tandem/asio/run.hpp>
#include <tandem/base/error.hpp>
#include <tandem/core/frame_alloc.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/testing/http_server.hpp>

#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace quest;
using namespace std::chrono_literals;
using tandem::testing::http_server;
using tandem::testing::reply;

namespace {

const std::string paragraph = "The bridge at Karsholm was built of larch in 1931. It stands in the valley. ";
const std::string question = "What was the bridge at Karsholm built of?";

std::ptrdiff_t open_descriptors() {
    std::ptrdiff_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

/// Asks a source of interest, and a good one beside it.
class row {
public:
    row() { server.on("GET", "/good", reply(200, paragraph).delay(20ms)); }

    std::string url(const std::string& path) const { return server.url(path); }

    agent_report ask(web_source source, agent_limits limits = agent_limits().call(3s).budget(10s)) {
        std::vector<web_source> both{std::move(source), web_source("good", {server.url("/good")})};
        return ask_all(std::move(both), limits);
    }
    agent_report ask_all(std::vector<web_source> sources, agent_limits limits) {
        const auto frames = tandem::detail::live_frames;
        agent_report r;
        {
            tandem::cpu_executor pool(2);
            r = tandem::run(run_one(pool, std::move(sources), limits),
                            tandem::run_options().handle_signals(false));
            CHECK(pool.statistics().queued == 0);
            CHECK(pool.statistics().running == 0);
        }
        if (!looks_up_names) CHECK(tandem::detail::live_frames == frames);
        CHECK(r.elapsed <= std::chrono::duration<double>(limits.budget()) + 1s);
        if (r.slots.back().name == "good") CHECK(r.slots.back().how == ending::answered);
        for (const source_slot& s : r.slots) CHECK(!s.open());
        return r;
    }
    web_options options = web_options().retry_base(10ms).hedge_after(50ms);
    http_server server;
    bool looks_up_names = false;  // on another thread, where the room for the call back is counted

private:
    tandem::task<agent_report> run_one(tandem::executor& pool, std::vector<web_source> sources,
                                       agent_limits limits) {
        web_tools tools(pool, question, std::move(sources), options);
        agent_report r = co_await run_agent(tools, schedule::overlapped, limits);
        CHECK(tools.connections().active == 0);
        CHECK(tools.connections().waiters == 0);
        co_return r;
    }
};

web_source source(std::string url) { return web_source("source", {std::move(url)}); }
bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string http_date(std::chrono::system_clock::time_point when) {
    const std::time_t t = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    ::gmtime_r(&t, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

std::string refusing_url() {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor closed(context, {boost::asio::ip::address_v4::loopback(), 0});
    return "http://127.0.0.1:" + std::to_string(closed.local_endpoint().port()) + "/";
}

}  // namespace

TEST_CASE("failures: a source that refuses connections is asked twice and the others answer",
          "[agent][net]") {
    row r;
    const agent_report seen = r.ask(source(refusing_url()));
    CHECK(seen.slots[0].how == ending::error);
    CHECK(seen.slots[0].attempts == 2);
    CHECK(contains(seen.slots[0].error, "no connection"));
    CHECK(contains(seen.answer.text, "larch"));
    CHECK(seen.partial());
}

TEST_CASE("failures: a name that does not resolve is not asked again", "[agent][net]") {
    row r;
    r.looks_up_names = true;
    const agent_report seen = r.ask(source("http://nowhere.invalid/"), agent_limits().call(20s).budget(30s));
    CHECK(seen.slots[0].how == ending::error);
    CHECK(seen.slots[0].attempts == 1);
    CHECK(contains(seen.slots[0].error, "not resolved"));
}

TEST_CASE("failures: a source that hangs after its head ends at its limit and its connection is closed",
          "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(200, paragraph).body_delay(1h));
    const agent_report seen = r.ask(source(r.url("/x")), agent_limits().call(300ms));
    CHECK(seen.slots[0].how == ending::timeout);
    CHECK(seen.slots[0].done >= 300ms);
    CHECK(seen.slots[0].done <= 1300ms);
}

TEST_CASE("failures: a source that drips makes progress and ends at its limit all the same", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(200, paragraph).drip(1, 100ms));
    const agent_report seen = r.ask(source(r.url("/x")), agent_limits().call(500ms));
    CHECK(seen.slots[0].how == ending::timeout);
    CHECK(seen.slots[0].attempts == 1);
    CHECK(seen.slots[0].done <= 1500ms);
}

TEST_CASE("failures: 503 twice, then an answer", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(503)).on("GET", "/x", reply(503)).on("GET", "/x", reply(200, paragraph));
    const agent_report seen = r.ask(source(r.url("/x")));
    CHECK(seen.slots[0].how == ending::answered);
    CHECK(seen.slots[0].attempts == 3);
    CHECK(!seen.partial());
}

TEST_CASE("failures: 404 is not asked again", "[agent][net]") {
    row r;
    const agent_report seen = r.ask(source(r.url("/nothing")));
    CHECK(seen.slots[0].how == ending::error);
    CHECK(seen.slots[0].attempts == 1);
    CHECK(contains(seen.slots[0].error, "404"));
}

TEST_CASE("failures: 429 with Retry-After is obeyed", "[agent][net]") {
    for (const bool as_date : {false, true}) {
        row r;
        const auto until = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() + 2s);
        r.server.on("GET", "/x", reply(429).header("Retry-After", as_date ? http_date(until) : "1"))
            .on("GET", "/x", reply(200, paragraph));
        const agent_report seen = r.ask(source(r.url("/x")), agent_limits().call(5s));
        CHECK(seen.slots[0].how == ending::answered);
        CHECK(seen.slots[0].attempts == 2);
        CHECK((as_date ? std::chrono::system_clock::now() >= until : seen.slots[0].received >= 1000ms));
    }
}

TEST_CASE("failures: 429 that asks for more time than there is ends at once", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(429).header("Retry-After", "300"));
    const agent_report seen = r.ask(source(r.url("/x")));
    CHECK(seen.slots[0].how == ending::error);
    CHECK(seen.slots[0].attempts == 1);
    CHECK(contains(seen.slots[0].error, "Retry-After: 300"));
    CHECK(seen.slots[0].done <= 1s);
}

TEST_CASE("failures: a reset in the middle of a body is made good on a fresh connection", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(200, paragraph).reset_after(80)).on("GET", "/x", reply(200, paragraph));
    const agent_report seen = r.ask(source(r.url("/x")));
    CHECK(seen.slots[0].how == ending::answered);
    CHECK(seen.slots[0].attempts == 2);
}

TEST_CASE("failures: a chunked body that is cut is an error and never a short answer", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(200, paragraph).chunked(10).cut_after(100));
    const agent_report seen = r.ask(source(r.url("/x")));
    CHECK(seen.slots[0].how == ending::error);
    CHECK(seen.slots[0].attempts == 3);
    CHECK(contains(seen.slots[0].error, "inside the body"));
}

TEST_CASE("failures: a body over the cap is an error at once", "[agent][net]") {
    row r;
    r.options.body_bytes(1000);
    r.server.on("GET", "/x", reply(200, std::string(1'000'000, 'x')));
    const agent_report seen = r.ask(source(r.url("/x")));
    CHECK(seen.slots[0].how == ending::error);
    CHECK(seen.slots[0].attempts == 1);
    CHECK(contains(seen.slots[0].error, "too large"));
}

TEST_CASE("failures: JSON that is none is an error that says where", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(200, R"({"text": nonsense})").header("Content-Type", "application/json"));
    const agent_report seen = r.ask(source(r.url("/x")));
    CHECK(seen.slots[0].how == ending::error);
    CHECK(contains(seen.slots[0].error, "column 11"));
}

TEST_CASE("failures: good JSON is read", "[agent][net]") {
    row r;
    r.server.on("GET", "/x",
                reply(200, R"({"text": "The bridge at Karsholm was built of larch."})")
                    .header("Content-Type", "application/json"));
    CHECK(r.ask(source(r.url("/x"))).slots[0].how == ending::answered);
}

TEST_CASE("failures: of events that are cut those before count, the cut one does not", "[agent][net]") {
    row r;
    const std::string events = "data: One is whole.\n\ndata: Two is whole.\n\ndata: Three is";
    r.server.on("GET", "/x",
                reply(200, events).header("Content-Type", "text/event-stream").length(1000).close_silently());
    const agent_report seen = r.ask(web_source("source", {r.url("/x")}, web_source::shape::events));
    CHECK(seen.slots[0].how == ending::answered);
    CHECK(seen.slots[0].note == "cut after 2 events");
    REQUIRE(seen.slots[0].found);
    CHECK(seen.slots[0].found->fingerprints.size() == 2);
}

TEST_CASE("failures: a slow replica is given up for the other one and its connection is closed",
          "[agent][net]") {
    row r;
    http_server second;
    r.server.on("GET", "/x", reply(200, paragraph).delay(1h));
    second.on("GET", "/x", reply(200, paragraph));
    const agent_report seen = r.ask(web_source("source", {r.url("/x"), second.url("/x")}));
    CHECK(seen.slots[0].how == ending::answered);
    CHECK(seen.slots[0].note == "hedged");
    CHECK(seen.slots[0].received >= 50ms);
    CHECK(seen.slots[0].received <= 1050ms);
}

TEST_CASE("failures: all sources down is a complete report without an answer", "[agent][net]") {
    row r;
    std::vector<web_source> sources;
    for (int i = 0; i < 6; ++i) sources.push_back(source(r.url("/nothing")));
    const agent_report seen = r.ask_all(std::move(sources), agent_limits());
    CHECK(seen.answered() == 0);
    CHECK(seen.answer.empty());
    for (const source_slot& s : seen.slots) CHECK(s.how == ending::error);
}

TEST_CASE("failures: work that runs past the budget is stopped within a part", "[agent][net]") {
    row r;
    const text::corpus large = text::make_corpus(1, 1, 3000);
    r.server.on("GET", "/x", reply(200, large.documents[0]));
    std::vector<web_source> sources{source(r.url("/x"))};
    const agent_report seen = r.ask_all(std::move(sources), agent_limits().budget(300ms));
    CHECK(seen.slots[0].how == ending::budget);
    CHECK(seen.slots[0].error == "budget, at work");
    CHECK(seen.cpu < 1s);  // the whole work is more than that
}

TEST_CASE("failures: a source that was down is left alone the next time", "[agent][net]") {
    row r;
    const std::string url = refusing_url();
    const auto twice = [](row& with, std::string address) -> tandem::task<> {
        tandem::cpu_executor pool(1);
        std::vector<web_source> sources{source(address)};
        web_tools tools(pool, question, std::move(sources), with.options);
        const agent_report first = co_await run_agent(tools, schedule::overlapped, agent_limits());
        const agent_report second = co_await run_agent(tools, schedule::overlapped, agent_limits());
        CHECK(first.slots[0].attempts == 2);
        CHECK(second.slots[0].attempts == 0);
        CHECK(contains(second.slots[0].error, "circuit is open"));
    };
    tandem::run(twice(r, url), tandem::run_options().handle_signals(false));
}

TEST_CASE("failures: what is no text is an error that says what it is", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(200, "PNG").header("Content-Type", "Image/PNG; q=1"));
    CHECK(r.ask(source(r.url("/x"))).slots[0].error == "it is image/png, not text");
}

TEST_CASE("failures: a redirect that leads nowhere is an error, not an empty answer", "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(302));
    CHECK(contains(r.ask(source(r.url("/x"))).slots[0].error, "302 "));
}

TEST_CASE("failures: a type in capitals is known, and a byte order mark is no word", "[agent][net]") {
    row r;
    const std::string marked =
        "\xEF\xBB\xBF"
        "Karsholm bridge: <i>larch</i>, built.";
    r.server.on("GET", "/x", reply(200, marked).header("Content-Type", "Text/HTML;charset=utf-8"));
    std::vector<web_source> alone{source(r.url("/x"))};
    const agent_report report = r.ask_all(std::move(alone), agent_limits().call(3s).budget(10s));
    CHECK(report.slots[0].how == ending::answered);
    CHECK(report.answer.text == "Karsholm bridge: larch, built.");
}

TEST_CASE("failures: when everything fails a thousand questions are hardly more than a thousand requests",
          "[agent][net]") {
    row r;
    r.server.on("GET", "/x", reply(503));
    r.options.breaker(false).retry_base(0ms).limit(1'000'000, 1s);
    const auto many = [](row& with) -> tandem::task<> {
        tandem::cpu_executor pool(1);
        std::vector<web_source> sources{source(with.url("/x"))};
        web_tools tools(pool, question, std::move(sources), with.options);
        source_slot slot("source");
        for (int i = 0; i < 1000; ++i) {
            bool failed = false;
            try {
                co_await tools.fetch(0, slot);
            } catch (const status_error&) {
                failed = true;
            }
            CHECK(failed);
        }
    };
    tandem::run(many(r), tandem::run_options().handle_signals(false));
    CHECK(r.server.requests() >= 1000);
    CHECK(r.server.requests() <= 1200);
}

TEST_CASE("failures: a signal ends the run in each of its phases and leaves nothing open", "[agent][net]") {
    const text::corpus large = text::make_corpus(1, 1, 2000);
    for (const auto after : {5ms, 60ms, 250ms}) {
        const std::ptrdiff_t descriptors = open_descriptors();
        {
            row r;
            r.server.on("GET", "/x", reply(200, large.documents[0]).delay(40ms));
            tandem::cpu_executor pool(2);
            const auto interrupted = [](row& with, tandem::executor& on,
                                        tandem::duration time) -> tandem::task<> {
                std::vector<web_source> sources{source(with.url("/x")), source(with.url("/x"))};
                web_tools tools(on, question, std::move(sources), with.options);
                co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
                    const auto raise_later = [](tandem::duration wait) -> tandem::task<> {
                        co_await tandem::sleep(wait);
                        ::raise(SIGINT);
                    };
                    group.create_task(raise_later(time));
                    co_await run_agent(tools, schedule::overlapped, agent_limits());
                });
            };
            CHECK_THROWS_AS(tandem::run(interrupted(r, pool, after)), tandem::interrupted_error);
            CHECK(pool.statistics().queued == 0);
            CHECK(pool.statistics().running == 0);
        }
        CHECK(open_descriptors() == descriptors);
    }
}

TEST_CASE("parse_retry_after: seconds, decimals and dates; anything else is nothing", "[agent]") {
    const auto now = std::chrono::system_clock::from_time_t(784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT
    CHECK(parse_retry_after("120", now) == tandem::duration(120s));
    CHECK(parse_retry_after("0", now) == tandem::duration(0s));
    CHECK(parse_retry_after("0.25", now) == tandem::duration(250ms));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now) == tandem::duration(10s));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now) == tandem::duration(0s));
    for (const char* const wrong : {"", "-1", "soon", "1 s", "Sun, 06 Nov 1994", "1e99", "nan"}) {
        CHECK(!parse_retry_after(wrong, now));
    }
}
