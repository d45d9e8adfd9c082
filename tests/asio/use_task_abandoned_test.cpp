// tandem - use_task with operations that are destroyed before they complete, or fail while they start
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/use_task.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <tandem/asio/from_awaitable.hpp>
#include <tandem/asio/run.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/shield.hpp>

#include "support/net.hpp"
#include "support/probes.hpp"
#include "support/tandem_test.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace tandem_test;
using boost::system::error_code;
using boost::system::system_error;
using tandem::task;
using tandem::use_task;

namespace {

/// An operation whose handler can be destroyed, as an io_context does with what is left in it.
class lost_operation {
public:
    template <class Token>
    auto start(Token&& token) {
        return asio::async_initiate<Token, void(error_code)>(
            [this](auto handler) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                slot.assign([this](asio::cancellation_type) {
                    ++cancels_;
                    if (lose_when_cancelled) lose();
                });
                handler_ = std::make_shared<decltype(handler)>(std::move(handler));
            },
            token);
    }
    void lose() { std::shared_ptr<void>(std::move(handler_)).reset(); }
    int cancels() const noexcept { return cancels_; }

    bool lose_when_cancelled = false;

private:
    std::shared_ptr<void> handler_;
    int cancels_ = 0;
};

task<> wait_for(lost_operation& op) { co_await op.start(use_task); }

void run_and_check_frames(task<> (*body)()) {
    const auto frames = tandem::detail::live_frames;
    tandem::run(body());
    CHECK(tandem::detail::live_frames == frames);
}
bool says_abandoned(const std::exception_ptr& e) {
    return is<system_error>(e) && text_of(e).find("destroyed before it had completed") != std::string::npos;
}

}  // namespace

TEST_CASE("use_task: an operation that goes with its io_context throws, and its task can be cancelled after",
          "[asio][use_task]") {
    const auto body = []() -> task<> {
        const auto wait = [](asio::steady_timer& timer) -> task<> { co_await timer.async_wait(use_task); };
        std::optional<asio::io_context> other(std::in_place);
        alignas(asio::steady_timer) unsigned char room[sizeof(asio::steady_timer)];
        auto* const timer = ::new (room) asio::steady_timer(*other, 1h);  // its destructor would cancel
        auto first = tandem::create_task(wait(*timer));
        auto second = tandem::create_task(wait(*timer));
        co_await tandem::sleep(1ms);
        other.reset();
        CHECK(!first.done());  // in its turn, not inside the destructor
        second.cancel();       // nothing is left that could be told
        const std::exception_ptr of_first = co_await error_of(first);
        const std::exception_ptr of_second = co_await error_of(second);
        CHECK(says_abandoned(of_first));
        CHECK(says_abandoned(of_second));
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: an operation that is destroyed throws with as_tuple and redirect_error, too",
          "[asio][use_task]") {
    const auto body = []() -> task<> {
        const auto wait_tuple = [](lost_operation& op) -> task<> {
            co_await op.start(asio::as_tuple(use_task));
        };
        const auto wait_redirected = [](lost_operation& op) -> task<> {
            error_code ec;
            co_await op.start(asio::redirect_error(use_task, ec));
        };
        lost_operation ops[2];
        auto first = tandem::create_task(wait_tuple(ops[0]));
        auto second = tandem::create_task(wait_redirected(ops[1]));
        co_await tandem::sleep(1ms);
        for (lost_operation& op : ops) op.lose();
        const std::exception_ptr of_first = co_await error_of(first);
        const std::exception_ptr of_second = co_await error_of(second);
        CHECK(says_abandoned(of_first));
        CHECK(says_abandoned(of_second));
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: a cancelled task whose operation is destroyed stops", "[asio][use_task]") {
    const auto body = []() -> task<> {
        lost_operation later;
        lost_operation at_once;
        at_once.lose_when_cancelled = true;
        auto first = tandem::create_task(wait_for(later));
        auto second = tandem::create_task(wait_for(at_once));
        co_await tandem::sleep(1ms);
        first.cancel();
        second.cancel();
        co_await tandem::sleep(1ms);
        CHECK(!first.done());
        CHECK(second.cancelled());
        later.lose();
        co_await tandem::sleep(1ms);
        CHECK(first.cancelled());
        CHECK(later.cancels() == 1);
        CHECK(at_once.cancels() == 1);
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: a shielded operation that is destroyed throws inside the shield", "[asio][use_task]") {
    const auto body = []() -> task<> {
        static bool thrown = false;
        const auto shielded = [](lost_operation& op) -> task<> {
            const std::exception_ptr e = co_await error_of(tandem::shield(wait_for(op)));
            thrown = says_abandoned(e);
            co_await tandem::this_task::checkpoint();
            FAIL_CHECK("not stopped after the shield");
        };
        lost_operation op;
        auto h = tandem::create_task(shielded(op));
        co_await tandem::sleep(1ms);
        h.cancel();
        op.lose();
        co_await tandem::sleep(1ms);
        CHECK(op.cancels() == 0);
        CHECK(thrown);
        CHECK(h.cancelled());
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: an initiation that drops the handler, or calls it, and then throws or not, ends once",
          "[asio][use_task]") {
    const auto body = []() -> task<> {
        const auto drops = [](auto) {};
        const auto drops_and_throws = [](auto) { throw oops("while starting"); };
        const auto calls_and_throws = [](auto handler) {
            std::move(handler)(error_code());
            throw oops("after calling");
        };
        using token = tandem::use_task_t;
        token t;
        std::exception_ptr e = co_await error_of(asio::async_initiate<token, void(error_code)>(drops, t));
        CHECK(says_abandoned(e));
        e = co_await error_of(asio::async_initiate<token, void(error_code)>(drops_and_throws, t));
        CHECK(text_of(e) == "while starting");
        e = co_await error_of(asio::async_initiate<token, void(error_code)>(calls_and_throws, t));
        CHECK(text_of(e) == "after calling");
        co_await tandem::this_task::checkpoint();
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: what a pool never ran is destroyed by another thread; the task resumes on the loop's",
          "[asio][use_task][threads]") {
    const auto body = []() -> task<> {
        const auto here = std::this_thread::get_id();
        const auto hop = [](asio::thread_pool& pool) -> task<> { co_await asio::post(pool, use_task); };
        for (int i = 0; i < 50; ++i) {
            auto pool = std::make_unique<asio::thread_pool>(1);
            pool->stop();
            auto h = tandem::create_task(hop(*pool));
            co_await tandem::this_task::checkpoint();
            std::thread destroyer([p = std::move(pool)]() mutable { p.reset(); });
            if (i % 2 == 0) h.cancel();
            const std::exception_ptr e = co_await error_of(h);
            CHECK(std::this_thread::get_id() == here);
            CHECK((says_abandoned(e) || is<tandem::cancelled_error>(e)));
            destroyer.join();
        }
    };
    run_and_check_frames(body);
}

TEST_CASE(
    "from_awaitable: an asio::awaitable whose operation is destroyed goes with it; the task hears of it",
    "[asio][from_awaitable]") {
    const auto body = []() -> task<> {
        static int live = 0;
        const auto waits = [](lost_operation& op) -> asio::awaitable<void> {
            const tracked local(live);
            co_await op.start(asio::use_awaitable);
        };
        const auto awaits = [](decltype(waits) make, lost_operation& op) -> task<> { co_await make(op); };
        lost_operation op;
        auto h = tandem::create_task(awaits(waits, op));
        co_await tandem::sleep(1ms);
        CHECK(live == 1);
        op.lose();
        const std::exception_ptr e = co_await error_of(h);
        CHECK(says_abandoned(e));
        CHECK(live == 0);
    };
    run_and_check_frames(body);
}
