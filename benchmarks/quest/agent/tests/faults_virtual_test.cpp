// The failure matrix without sockets: all faults in one run, on virtual time, under a thousand orders of the
// ready queue, and cancelled before each step. Times are exact here, so the budget is held to the
// millisecond. SPDX-License-Identifier: BSL-1.0
#include "../web_tools.hpp"

#include <tandem/cpu/inline_executor.hpp>
#include <tandem/http/extension.hpp>
#include <tandem/testing/mock_transport.hpp>
#include <tandem/testing/sweep.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tandem_test.hpp"

using namespace quest;
using namespace std::chrono_literals;
namespace http = tandem::http;
using tandem::testing::reply;

namespace {

const std::string paragraph = "The bridge at Karsholm was built of larch in 1931. It stands in the valley. ";
const std::string question = "What was the bridge at Karsholm built of?";

/// What one fault is expected to come to.
class row {
public:
    row(std::string title, ending expected, int tries, std::string words = {})
        : name(std::move(title)), how(expected), attempts(tries), text(std::move(words)) {}

    std::string name;
    ending how;
    int attempts;
    std::string text;  ///< in the error or in the note
};

std::vector<row> matrix() {
    return {
        row("good", ending::answered, 1),
        row("refused", ending::error, 2, "no connection"),
        row("hangs", ending::timeout, 1, "timeout after 3.0 s"),
        row("drips", ending::timeout, 1, "timeout after 3.0 s"),
        row("fails-twice", ending::answered, 3),
        row("missing", ending::error, 1, "404"),
        row("busy-a-second", ending::answered, 2),
        row("busy-until", ending::answered, 2),
        row("busy-for-long", ending::error, 1, "Retry-After: 300"),
        row("reset", ending::answered, 2),
        row("cut", ending::error, 3, "inside the body"),
        row("large", ending::error, 1, "too large"),
        row("no-json", ending::error, 1, "column 11"),
        row("events", ending::answered, 1, "cut after 2 events"),
        row("replicas", ending::answered, 1, "hedged"),
    };
}

std::string two_seconds_from_now() {
    const std::time_t t = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + 2s);
    std::tm parts{};
    ::gmtime_r(&t, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

/// Two networks: connections to the host "refused" meet the one that refuses them.
class networks final : public http::network {
public:
    networks(std::shared_ptr<network> good, std::shared_ptr<network> bad)
        : good_(std::move(good)), bad_(std::move(bad)) {}
    tandem::task<std::unique_ptr<http::byte_stream>> connect(http::url to) override {
        return to.host() == "refused" ? bad_->connect(std::move(to)) : good_->connect(std::move(to));
    }

private:
    std::shared_ptr<network> good_;
    std::shared_ptr<network> bad_;
};

/// All faults of the matrix at once.
class world {
public:
    world() {
        const std::string events = "data: One is whole.\n\ndata: Two is whole.\n\ndata: Three is";
        refusing.refuse();
        net.connect_delay(1ms);
        net.on("GET", "/good", reply(200, paragraph).delay(20ms))
            .on("GET", "/hangs", reply(200, paragraph).body_delay(1h))
            .on("GET", "/drips", reply(200, paragraph).drip(1, 100ms))
            .on("GET", "/fails-twice", reply(503))
            .on("GET", "/fails-twice", reply(503))
            .on("GET", "/fails-twice", reply(200, paragraph))
            .on("GET", "/busy-a-second", reply(429).header("Retry-After", "1"))
            .on("GET", "/busy-a-second", reply(200, paragraph))
            .on("GET", "/busy-until", reply(429).header("Retry-After", two_seconds_from_now()))
            .on("GET", "/busy-until", reply(200, paragraph))
            .on("GET", "/busy-for-long", reply(429).header("Retry-After", "300"))
            .on("GET", "/reset", reply(200, paragraph).reset_after(80))
            .on("GET", "/reset", reply(200, paragraph))
            .on("GET", "/cut", reply(200, paragraph).chunked(10).cut_after(100))
            .on("GET", "/large", reply(200, std::string(10'000, 'x')))
            .on("GET", "/no-json",
                reply(200, R"({"text": nonsense})").header("Content-Type", "application/json"))
            .on("GET", "/events",
                reply(200, events).header("Content-Type", "text/event-stream").length(1000).close_silently())
            .on("GET", "/replicas", reply(200, paragraph).delay(1h))
            .on("GET", "/replicas-2", reply(200, paragraph));
    }

    std::vector<web_source> sources() const {
        std::vector<web_source> all;
        for (const row& r : matrix()) {
            const bool refused = r.name == "refused";
            std::vector<std::string> urls{(refused ? "http://refused/" : "http://source/") + r.name};
            if (r.name == "replicas") urls.push_back(urls.front() + "-2");
            const bool events = r.name == "events";
            all.emplace_back(r.name, std::move(urls),
                             events ? web_source::shape::events : web_source::shape::text);
        }
        return all;
    }
    web_options options() const {
        return web_options().retry_base(10ms).hedge_after(50ms).body_bytes(5000).client(
            http::client_options().network(std::make_shared<networks>(net, refusing)));
    }
    std::size_t open() const { return net.open_connections() + refusing.open_connections(); }

    http::mock_transport net;
    http::mock_transport refusing;
};

tandem::task<agent_report> run(const world& in, agent_limits limits) {
    tandem::inline_executor pool;
    web_tools tools(pool, question, in.sources(), in.options());
    agent_report found = co_await run_agent(tools, schedule::overlapped, limits);
    CHECK(tools.connections().active == 0);
    CHECK(tools.connections().waiters == 0);
    co_return found;
}

tandem::task<> run_and_keep(const world& in, agent_limits limits, agent_report& into) {
    into = co_await run(in, limits);
}

std::string said_of(const source_slot& s) { return s.error + s.note; }

// One text for all that is wrong, because an assertion for each would be a million.
std::string wrong_with(const agent_report& seen) {
    std::string wrong;
    const std::vector<row> expected = matrix();
    if (seen.slots.size() != expected.size()) return "not every source has a slot";
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const source_slot& s = seen.slots[i];
        const row& e = expected[i];
        if (s.how != e.how || s.attempts != e.attempts || said_of(s).find(e.text) == std::string::npos) {
            wrong += s.name + ": " + to_string(s.how) + " after " + std::to_string(s.attempts) + ", " +
                     said_of(s) + "\n";
        }
    }
    return wrong;
}

}  // namespace

TEST_CASE("faults: a thousand orders of the ready queue end each source as the matrix says, in time",
          "[agent]") {
    const auto limits = agent_limits().call(3s).budget(10s);
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        const auto frames = tandem::detail::live_frames;
        const world in;
        agent_report seen;
        tandem::testing::virtual_options order;
        if (seed != 0) order.seed(seed);
        tandem::testing::run_virtual(run_and_keep(in, limits, seen), order);
        INFO("seed " << seed);
        REQUIRE(wrong_with(seen) == "");
        REQUIRE(seen.partial());
        REQUIRE(seen.elapsed == 3s);  // the limit of a call, to the nanosecond
        REQUIRE(seen.slots[6].received >= 1s);
        REQUIRE(seen.slots[7].received >= 900ms);
        REQUIRE(seen.slots[14].received < 100ms);  // the hedge came after 50
        REQUIRE(seen.answer.text.find("larch") != std::string::npos);
        REQUIRE(in.open() == 0);
        REQUIRE(tandem::detail::live_frames == frames);
    }
}

TEST_CASE("faults: as the budget grows the run never outlasts it and leaves nothing open", "[agent]") {
    for (auto budget = 0ms; budget <= 3500ms; budget += 7ms) {
        const world in;
        agent_report seen;
        tandem::testing::run_virtual(run_and_keep(in, agent_limits().call(3s).budget(budget), seen));
        INFO("budget " << budget.count() << " ms");
        REQUIRE(seen.elapsed <= budget + 1us);  // seconds as a double
        for (const source_slot& s : seen.slots) REQUIRE_FALSE(s.open());
        REQUIRE(in.open() == 0);
        if (budget > 3s) REQUIRE(wrong_with(seen) == "");
    }
}

TEST_CASE("faults: cancelled before each of its steps a run leaves no connection and no frame", "[agent]") {
    std::unique_ptr<world> in;
    agent_report seen;
    const auto fresh = [&]() -> tandem::task<> {
        in = std::make_unique<world>();
        return run_and_keep(*in, agent_limits().call(3s).budget(10s), seen);
    };
    const auto nothing_open = [&] { return in->open() == 0; };
    const auto report = tandem::testing::sweep_cancel(fresh, nothing_open);
    CHECK(report.points() > 100);
    CHECK(report.failed() == 0);
}
