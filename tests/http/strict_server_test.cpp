// SPDX-License-Identifier: BSL-1.0
// Limits against servers that count for themselves: on sockets, in real time.
#include <tandem/http/client.hpp>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tandem/pipeline/pipeline.hpp>
#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/gather.hpp>

#include "net_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using tandem::testing::reply;

namespace {

constexpr std::size_t allowed = 60;
constexpr auto minute = 200ms;
/// Between a departure, which the limiter counts, and an arrival lies whatever this machine does meanwhile.
constexpr auto margin = 300ms;

/// Answers 60 requests in any window and 429 to every one beyond. Used where the server serves.
class strict_counter {
public:
    reply answer() {
        const tandem::time_point now = tandem::this_task::loop().now();
        while (!arrivals_.empty() && now - arrivals_.front() >= minute) arrivals_.pop_front();
        if (arrivals_.size() == allowed) return reply(429, "too many").header("Retry-After", "1");
        arrivals_.push_back(now);
        return reply(200, "ok");
    }

private:
    std::deque<tandem::time_point> arrivals_;
};

void be_strict(tandem::testing::http_server& server) {
    const auto counter = std::make_shared<strict_counter>();
    server.on("GET", "/", [counter](const tandem::testing::seen_request&) { return counter->answer(); });
}

tandem::task<int> ask(http::client& client, std::string url) {
    const http::response answer = co_await client.get(url);
    co_return answer.status();
}

tandem::task<int> ask_within(http::client& client, std::string url, tandem::rate_limiter& limiter) {
    co_await limiter.acquire();
    co_return co_await ask(client, std::move(url));
}

tandem::task<int> ask_holding(http::client& client, std::string url, tandem::semaphore& slots) {
    const auto permit = co_await slots.acquire();
    co_return co_await ask(client, std::move(url));
}

tandem::task<> put(std::vector<int>& into, int status) {
    into.push_back(status);
    co_return;
}

std::size_t refused(const std::vector<int>& statuses) {
    std::size_t count = 0;
    for (const int status : statuses) count += status == 429;
    return count;
}

}  // namespace

NET_TEST("rate_limiter: a server that answers 429 to the 61st in a window never has to",
         "[http][rate_limiter][net]") {
    be_strict(server);
    http::client client;
    auto limiter = tandem::rate_limiter::window(allowed, minute, margin);
    std::vector<tandem::task<int>> all;
    for (std::size_t i = 0; i < 3 * allowed; ++i) all.push_back(ask_within(client, server.url(), limiter));
    const std::vector<int> statuses = co_await tandem::gather(std::move(all));
    CHECK(statuses.size() == 3 * allowed);
    CHECK(refused(statuses) == 0);
}

NET_TEST("rate_limiter: without one the same server refuses", "[http][rate_limiter][net]") {
    be_strict(server);
    http::client client;
    std::vector<tandem::task<int>> all;
    for (std::size_t i = 0; i < 20 * allowed; ++i) all.push_back(ask(client, server.url()));
    const std::vector<int> statuses = co_await tandem::gather(std::move(all));
    CHECK(refused(statuses) > 0);
}

NET_TEST("rate_limiter: as the limit of a stage it spares the server, and the report names it as the bound",
         "[http][pipeline][rate_limiter][net]") {
    be_strict(server);
    http::client client;
    auto limiter = tandem::rate_limiter::window(allowed, minute, margin);
    std::vector<int> statuses;
    const std::vector<int> numbers(2 * allowed, 0);
    const auto fetch = [&](int) { return ask(client, server.url()); };
    const auto keep = [&](int status) { return put(statuses, status); };
    auto line = tandem::pipeline("strict", numbers)
                    .io("fetch", fetch, tandem::stage_options().concurrency(20).limit(limiter))
                    .sink("keep", keep);
    const tandem::pipeline_report report = co_await line.run();
    CHECK(statuses.size() == numbers.size());
    CHECK(refused(statuses) == 0);
    CHECK(report.bottleneck() == "the limit of fetch");
}

NET_TEST("semaphore: of 100 tasks a server sees ten at a time, never more and not fewer",
         "[http][semaphore][net]") {
    server.on("GET", "/", reply(200, "ok").delay(40ms));
    http::client client;
    tandem::semaphore slots(10);
    std::vector<tandem::task<int>> all;
    for (int i = 0; i < 100; ++i) all.push_back(ask_holding(client, server.url(), slots));
    const std::vector<int> statuses = co_await tandem::gather(std::move(all));
    CHECK(statuses == std::vector<int>(100, 200));
    CHECK(server.requests() == 100);
    CHECK(server.peak_in_flight() == 10);
    CHECK(slots.value() == 10);
}
