// tandem - on_stall: who is named when a step keeps the loop, and that it costs nothing otherwise
// SPDX-License-Identifier: BSL-1.0
#include <tandem/trace/watchdog.hpp>

#include <tandem/asio/run.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/test_loop.hpp>
#include <tandem/trace/recording.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

/// What the watchdog has said of one task, by its name: on a machine that is held up it tells of others as
/// well. A task may wait, on its thread, until it was told of while it ran.
class reports {
public:
    explicit reports(std::string of) : name_(std::move(of)) {}

    void operator()(const tandem::stall_info& stall) {
        if (stall.task() != name_) return;
        const std::lock_guard hold(mutex_);
        heard_.push_back(stall);
        if (!stall.ended()) running_.fetch_add(1);
        running_.notify_all();
    }
    void block_until(std::size_t number) {
        for (std::size_t n = running_.load(); n < number; n = running_.load()) running_.wait(n);
    }
    /// From the first one on that was told of while it ran.
    std::vector<tandem::stall_info> heard() {
        const std::lock_guard hold(mutex_);
        const auto first = std::find_if(heard_.begin(), heard_.end(),
                                        [](const tandem::stall_info& stall) { return !stall.ended(); });
        return std::vector<tandem::stall_info>(first, heard_.end());
    }

private:
    std::string name_;
    std::mutex mutex_;
    std::vector<tandem::stall_info> heard_;
    std::atomic<std::size_t> running_{0};
};

/// Its step takes until the watchdog has told of `number` such steps.
tandem::task<> hog(reports& to, std::size_t number) {
    co_await tandem::this_task::checkpoint();
    to.block_until(number);
    co_await tandem::this_task::checkpoint();
}

tandem::task<> start_hog(reports& to, std::size_t number) {
    co_await tandem::create_task(hog(to, number), "hog");
}

}  // namespace

TEST_CASE("on_stall: names the task whose step does not end while it runs, and when it has ended",
          "[trace][watchdog][threads]") {
    reports said("hog");
    {
        tandem::event_loop loop;
        loop.on_stall(20ms, [&](const tandem::stall_info& stall) { said(stall); });
        loop.run(start_hog(said, 1));
    }  // the end of the loop waits for what is still to be told
    const auto heard = said.heard();
    REQUIRE(heard.size() >= 2);
    CHECK(heard[0].task() == "hog");
    CHECK(heard[0].id() != 0);
    CHECK_FALSE(heard[0].ended());
    CHECK(heard[0].lasted() >= 20ms);
    CHECK(std::string(heard[0].where().file_name()).ends_with("watchdog_test.cpp"));
    CHECK(heard[0].where().line() > 0);
    CHECK(heard[0].text().starts_with("hog (watchdog_test.cpp:"));
    CHECK(heard[0].text().find(") has kept the loop for 0.") != std::string::npos);
    CHECK(heard[1].task() == "hog");
    CHECK(heard[1].id() == heard[0].id());
    CHECK(heard[1].ended());
    CHECK(heard[1].lasted() >= heard[0].lasted());
}

TEST_CASE("on_stall: a scope inside a task goes by the task's name", "[trace][watchdog][threads]") {
    reports said("main");
    tandem::event_loop loop;
    loop.on_stall(1ms, [&](const tandem::stall_info& stall) { said(stall); });
    const auto program = [](reports& to) -> tandem::task<> { co_await tandem::timeout(1h, hog(to, 1)); };
    loop.run(program(said));
    CHECK(said.heard().at(0).task() == "main");
}

TEST_CASE("on_stall: a callback that does not return is told of as one", "[trace][watchdog][threads]") {
    reports said("a callback of the loop");
    tandem::event_loop loop;
    loop.on_stall(1ms, [&](const tandem::stall_info& stall) { said(stall); });
    const auto program = [](reports& to) -> tandem::task<> {
        tandem::this_task::loop().call_soon([&to] { to.block_until(1); });
        co_await tandem::this_task::checkpoint();
        co_await tandem::this_task::checkpoint();
    };
    loop.run(program(said));
    CHECK(said.heard().at(0).id() == 0);
}

TEST_CASE("on_stall: while the loop sleeps its watchdog does", "[trace][watchdog][threads]") {
    tandem::event_loop loop;
    loop.on_stall(1ms, [](const tandem::stall_info&) {});
    auto& watchdog = static_cast<tandem::detail::watchdog&>(*loop.watch());
    std::atomic<bool> begun = false;
    tandem::event done;
    std::thread observer([&] {
        begun.wait(false);
        while (!watchdog.dozing()) std::this_thread::yield();
        loop.call_soon_threadsafe([&] { done.set(); });
    });
    const auto program = [](tandem::event& until, std::atomic<bool>& flag) -> tandem::task<> {
        co_await tandem::this_task::checkpoint();
        flag = true;
        flag.notify_one();
        co_await until.wait();
    };
    loop.run(program(done, begun));
    observer.join();
}

TEST_CASE("on_stall: a loop that is not watched has no watchdog", "[trace][watchdog][virtual]") {
    tandem::event_loop loop;
    CHECK(loop.watch() == nullptr);
    loop.on_stall(1s, [](const tandem::stall_info&) {});
    CHECK(loop.watch() != nullptr);
    loop.on_stall(1s, nullptr);
    CHECK(loop.watch() == nullptr);
}

TEST_CASE("on_stall: a threshold of nothing is refused", "[trace][watchdog][virtual]") {
    tandem::event_loop loop;
    std::string text;
    try {
        loop.on_stall(0ns, [](const tandem::stall_info&) {});
    } catch (const std::invalid_argument& e) {
        text = e.what();
    }
    CHECK(text == "tandem::loop::on_stall: a threshold of 0 ns; give more than zero");
}

TEST_CASE("on_stall: set anew by a task, the new one hears from the next step on",
          "[trace][watchdog][threads]") {
    reports first("hog");
    reports second("hog");
    const auto program = [](reports& before, reports& after) -> tandem::task<> {
        tandem::this_task::loop().on_stall(1ms, [&](const tandem::stall_info& stall) { before(stall); });
        co_await start_hog(before, 1);
        tandem::this_task::loop().on_stall(1ms, [&](const tandem::stall_info& stall) { after(stall); });
        co_await start_hog(after, 1);
    };
    tandem::run(program(first, second));
    CHECK(first.heard().size() >= 1);
    CHECK(second.heard().size() >= 1);
}

TEST_CASE("on_stall: one that throws is called again for the next stall", "[trace][watchdog][threads]") {
    reports said("hog");
    tandem::event_loop loop;
    loop.on_stall(1ms, [&](const tandem::stall_info& stall) {
        said(stall);
        throw std::runtime_error("as it was told to");
    });
    const auto program = [](reports& to) -> tandem::task<> {
        co_await start_hog(to, 1);
        co_await start_hog(to, 2);
    };
    loop.run(program(said));
    CHECK(said.heard().size() >= 2);
}

TEST_CASE("on_stall: a watched loop can be recorded, before, during and after",
          "[trace][watchdog][threads]") {
    reports said("hog");
    std::string json;
    {
        tandem::event_loop loop;
        loop.on_stall(1ms, [&](const tandem::stall_info& stall) { said(stall); });
        const auto program = [](reports& to, std::string& into) -> tandem::task<> {
            co_await start_hog(to, 1);
            {
                tandem::trace::recording all;
                co_await start_hog(to, 2);
                into = all.chrome_json();
            }
            co_await start_hog(to, 3);
        };
        loop.run(program(said, json));
    }
    CHECK(json.find("\"name\":\"hog\"") != std::string::npos);
    tandem::testing::run_virtual(start_hog(said, 0));  // another loop on this thread, which nobody watches
}

TEST_CASE("on_stall: two loops are watched apart", "[trace][watchdog][threads]") {
    const auto program = [](reports& to, const char* name) -> tandem::task<> {
        tandem::this_task::loop().on_stall(1ms, [&](const tandem::stall_info& stall) { to(stall); });
        co_await tandem::create_task(hog(to, 1), name);
    };
    reports mine("mine");
    reports theirs("theirs");
    std::thread other([&] { tandem::run(program(theirs, "theirs")); });
    tandem::run(program(mine, "mine"));
    other.join();
    CHECK(mine.heard().size() >= 1);
    CHECK(theirs.heard().size() >= 1);
}
