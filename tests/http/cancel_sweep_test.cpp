// tandem - cancelled before each of its steps, a request on virtual time leaves nothing behind
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/client.hpp>

#include <tandem/http/body.hpp>
#include <tandem/http/cookie_jar.hpp>
#include <tandem/http/event_source.hpp>
#include <tandem/http/host_limits.hpp>
#include <tandem/http/multipart.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/sweep.hpp>

#include "mock_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::mock_transport;
using tandem::testing::reply;
using tandem_test::over;

namespace {

/// A client, its server, and the bodies that are alive.
class world {
public:
    world() = default;
    std::string problems() const {
        const auto s = client->statistics();
        if (s.active != 0) return std::to_string(s.active) + " slots are taken";
        if (s.waiters != 0) return "somebody waits";
        if (net.open_connections() != s.idle) {
            return std::to_string(net.open_connections()) + " connections are open, " +
                   std::to_string(s.idle) + " are idle";
        }
        if (sources != 0) return "a body is alive";
        return {};
    }

    mock_transport net;
    std::optional<http::client> client;
    std::string wrong;
    int sources = 0;
    bool stopped = false;
};

class slow_source final : public http::body_source {
public:
    explicit slow_source(int& alive) : alive_(alive) { ++alive_; }
    ~slow_source() override { --alive_; }
    tandem::task<std::string> next() override {
        co_await tandem::sleep(1ms);
        co_return left_-- > 0 ? std::string("piece") : std::string();
    }
    bool rewind() override { return left_ = 5, true; }

private:
    int& alive_;
    int left_ = 5;
};

using scenario = tandem::task<> (*)(world&);

/// Runs the scenario as a task that the sweep cancels; then, on the same loop, nothing may be left of it and
/// the client must work.
tandem::task<> run_and_look(scenario run, world& w, tandem::task_handle<>& handle) {
    handle = tandem::create_task(run(w), "scenario");
    try {
        co_await handle;
    } catch (const tandem::cancelled_error&) {
        w.stopped = true;
    }
    w.wrong = w.problems();
    w.net.on("GET", "/again", reply(200, "works"));
    const auto r = co_await w.client->get("http://host/again");
    if (r.text() != "works") w.wrong += " the client does not work any more";
    w.wrong += w.problems();
}

/// Cancels before every step, in the order as it is and in permuted ones; gives the number of stops.
std::uint64_t sweep(scenario run, void (*set)(world&, http::client_options&), std::size_t pieces,
                    std::uint64_t seeds) {
    std::optional<world> w;
    tandem::task_handle<> handle;
    std::uint64_t stops = 0;
    tandem::testing::sweep_steps(
        [&] {
            w.emplace();
            w->net.pieces(pieces);
            http::client_options options = over(w->net);
            set(*w, options);
            w->client.emplace(options);
            return run_and_look(run, *w, handle);
        },
        [&] {
            if (handle) handle.cancel();
        },
        [&](const tandem::testing::sweep_run&) {
            handle = tandem::task_handle<>();
            if (w->stopped) ++stops;
            std::string wrong = w->wrong;
            if (w->net.open_connections() != 0) wrong += " a connection outlives its loop";
            w.reset();
            return wrong;
        },
        tandem::testing::sweep_options().seeds(seeds));
    return stops;
}

/// With the answers in one piece, byte by byte and in pieces of seven bytes, until there were a thousand
/// stops.
std::uint64_t sweep_all(scenario run, void (*set)(world&, http::client_options&)) {
    std::uint64_t stops = sweep(run, set, 1, 2) + sweep(run, set, 7, 4);
    for (std::uint64_t seeds = 8; stops < 1000; seeds *= 2)
        stops += sweep(run, set, mock_transport::all, seeds);
    return stops;
}

void plain(world& w, http::client_options& o) {
    w.net.connect_delay(1ms);
    w.net.on("GET", "/", reply(200, "hello").informational(103).delay(1ms).body_delay(1ms))
        .on("*", "/made", reply(201, "made"));
    w.net.on("GET", "/moved", reply(302, "moved").header("Location", "/").body_delay(1ms))
        .on("GET", "/busy", reply(503).delay(1ms));
    w.net.on("POST", "/early", reply(413, "no").early())
        .on("POST", "/accepted", reply(200, "accepted").body_delay(1ms).early());
    w.net.on("GET", "/events",
             reply(200, "id: 1\ndata: a\n\ndata: b\n\n").header("Content-Type", "text/event-stream").close());
    o.connections_per_host(2);
}

tandem::task<> get(world& w) { co_await w.client->get("http://host/"); }
tandem::task<> twice(world& w) {
    co_await get(w);
    co_await get(w);
}
tandem::task<> redirected(world& w) { co_await w.client->get("http://host/moved"); }
tandem::task<> upload(world& w) {
    co_await w.client->post("http://host/made").body(std::make_shared<slow_source>(w.sources));
}
tandem::task<> uploads_answered_early(world& w) {
    for (const char* const url : {"http://host/early", "http://host/accepted"})
        co_await w.client->post(url).body(std::make_shared<slow_source>(w.sources));
}
tandem::task<> upload_when_told(world& w) {
    co_await w.client->post("http://host/made")
        .body(std::make_shared<slow_source>(w.sources))
        .expect_continue(true);
}
tandem::task<> large(world& w) {
    co_await w.client->post("http://host/made").body(std::string(300'000, 'x'));
}
tandem::task<> form(world& w) {
    co_await w.client->post("http://host/made")
        .multipart(
            http::multipart().field("a", "b").file("c", "d", std::make_shared<slow_source>(w.sources)));
}
tandem::task<> in_line(world& w) {
    std::vector<tandem::task<>> calls;
    for (int i = 0; i < 6; ++i) calls.push_back(get(w));
    co_await tandem::gather(std::move(calls));
}
tandem::task<> streamed(world& w) {
    auto s = co_await w.client->get("http://host/").stream();
    const auto first = co_await s.next_chunk();
    static_cast<void>(first);
    co_await s.drain();
}
tandem::task<> repeated(world& w) {
    co_await w.client->get("http://host/busy").retry(tandem::retry_policy());
}
tandem::task<> events(world& w) {
    http::event_source source(w.client->get("http://host/events"));
    for (int i = 0; i < 5; ++i) co_await source.next();
}
tandem::task<> limited(world& w) {
    co_await get(w);
    co_await w.client->get("http://host/").timeout(3s);
}
tandem::task<> expired(world& w) {
    static_cast<void>(co_await tandem_test::code_of(w.client->get("http://host/").timeout(2ms).send()));
}

}  // namespace

#define SWEEP(name, run)                                                     \
    TEST_CASE("cancel: at every step of " name, "[http][cancel][virtual]") { \
        CHECK(sweep_all(run, plain) >= 1000);                                \
    }

SWEEP("a request", get)
SWEEP("a request on a kept connection", twice)
SWEEP("a redirect", redirected)
SWEEP("an upload", upload)
SWEEP("an upload that waits for 100", upload_when_told)
SWEEP("uploads that are answered early", uploads_answered_early)
SWEEP("a large body", large)
SWEEP("a form with a file", form)
SWEEP("requests that wait in line", in_line)
SWEEP("a stream and its drain", streamed)
SWEEP("repetitions with waits between them", repeated)
SWEEP("an event stream that connects again", events)
SWEEP("a request that runs out of time", expired)

TEST_CASE("cancel: at every step of a request with a gate and cookies", "[http][cancel][virtual]") {
    const auto stops = sweep_all(limited, [](world& w, http::client_options& o) {
        plain(w, o);
        o.cookies(std::make_shared<http::cookie_jar>());
        o.gate(std::make_shared<http::host_limits>([] { return tandem::rate_limiter::pace(1, 1s); }));
    });
    CHECK(stops >= 1000);
}
