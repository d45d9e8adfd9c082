// tandem - use_task with Asio's adapters, executors and composed operations around it
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/use_task.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/consign.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prepend.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <tuple>
#include <utility>

#include <tandem/asio/run.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>

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

void run_and_check_frames(task<> (*body)()) {
    const auto frames = tandem::detail::live_frames;
    tandem::run(body());
    CHECK(tandem::detail::live_frames == frames);
}

/// Waits for the timer three times and completes with the count.
template <class Token>
auto wait_thrice(asio::steady_timer& timer, Token&& token) {
    return asio::async_compose<Token, void(error_code, int)>(
        [&timer, count = 0](auto& self, error_code ec = {}) mutable {
            if (ec || count == 3) return self.complete(ec, count);
            ++count;
            timer.expires_after(100us);
            timer.async_wait(std::move(self));
        },
        token, timer);
}

/// Counts what is allocated and not yet freed.
template <class T>
class counting_allocator {
public:
    using value_type = T;
    explicit counting_allocator(int& total) noexcept : total_(&total) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept : total_(other.total()) {}
    T* allocate(std::size_t n) {
        ++*total_;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept { std::allocator<T>().deallocate(p, n); }
    int* total() const noexcept { return total_; }
    template <class U>
    bool operator==(const counting_allocator<U>& other) const noexcept {
        return total_ == other.total();
    }

private:
    int* total_;
};

}  // namespace

TEST_CASE("use_task: append, prepend, consign and deferred", "[asio][use_task]") {
    const auto body = []() -> task<> {
        asio::steady_timer timer(context(), 0ms);
        const int appended = co_await timer.async_wait(asio::append(use_task, 5));
        CHECK(appended == 5);
        const auto both =
            co_await timer.async_wait(asio::prepend(use_task, 6));  // the error is no error here
        CHECK(std::get<0>(both) == 6);
        CHECK(!std::get<1>(both));
        auto kept = std::make_shared<int>(7);
        const std::weak_ptr<int> seen = kept;
        co_await timer.async_wait(asio::consign(use_task, std::move(kept)));
        co_await tandem::this_task::checkpoint();  // the handler goes when the task it has resumed suspends
        CHECK(seen.expired());
        const auto quiet = co_await timer.async_wait(asio::append(asio::as_tuple(use_task), 8));
        CHECK(quiet == std::tuple<error_code, int>(error_code(), 8));
        auto packed = timer.async_wait(asio::deferred);
        co_await std::move(packed)(use_task);
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: composed operations, with every kind of error handling", "[asio][use_task]") {
    const auto body = []() -> task<> {
        asio::steady_timer timer(context());
        const int plain = co_await wait_thrice(timer, use_task);
        CHECK(plain == 3);
        error_code ec;
        const int redirected = co_await wait_thrice(timer, asio::redirect_error(use_task, ec));
        CHECK(redirected == 3);
        const auto tuple = co_await wait_thrice(timer, asio::as_tuple(use_task));
        CHECK(tuple == std::tuple<error_code, int>(error_code(), 3));
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: bind_cancellation_slot takes the place of the task's; the error is one like any other",
          "[asio][use_task]") {
    const auto body = []() -> task<> {
        asio::cancellation_signal signal;
        asio::steady_timer timer(context(), 1h);
        const auto waits = [](asio::steady_timer& t, asio::cancellation_slot slot) -> task<> {
            co_await t.async_wait(asio::bind_cancellation_slot(slot, use_task));
        };
        const auto waits_quietly = [](asio::steady_timer& t,
                                      asio::cancellation_slot slot) -> task<error_code> {
            error_code ec;
            co_await t.async_wait(asio::bind_cancellation_slot(slot, asio::redirect_error(use_task, ec)));
            co_return ec;
        };
        auto h = tandem::create_task(waits(timer, signal.slot()));
        co_await tandem::sleep(1ms);
        signal.emit(asio::cancellation_type::terminal);
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<system_error>(e));
        auto quiet = tandem::create_task(waits_quietly(timer, signal.slot()));
        co_await tandem::sleep(1ms);
        signal.emit(asio::cancellation_type::terminal);
        const error_code ec = co_await quiet;
        CHECK(ec == asio::error::operation_aborted);
        auto stops = tandem::create_task(waits(timer, signal.slot()));
        co_await tandem::sleep(1ms);
        stops.cancel();
        co_await tandem::sleep(1ms);
        CHECK(!stops.done());
        signal.emit(asio::cancellation_type::terminal);
        co_await tandem::sleep(1ms);
        CHECK(stops.cancelled());
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: an operation that names Asio's own type of slot is cancelled with its task",
          "[asio][use_task]") {
    const auto body = []() -> task<> {
        const auto initiate = [](auto handler, int* cancels) {
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            const auto fail = [kept, cancels](asio::cancellation_type type) {
                CHECK((type & asio::cancellation_type::terminal) != asio::cancellation_type::none);
                ++*cancels;
                auto executor = asio::get_associated_executor(*kept);
                asio::post(executor,
                           asio::append(std::move(*kept), error_code(asio::error::operation_aborted)));
            };
            asio::cancellation_slot slot = asio::get_associated_cancellation_slot(*kept);
            slot.assign(fail);
            asio::cancellation_slot again = asio::get_associated_cancellation_slot(*kept);
            CHECK(again == slot);
            CHECK(again.has_handler());
        };
        const auto waits = [](decltype(initiate) start, int& cancels) -> task<> {
            tandem::use_task_t token;
            co_await asio::async_initiate<tandem::use_task_t, void(error_code)>(start, token, &cancels);
        };
        int cancels = 0;
        auto h = tandem::create_task(waits(initiate, cancels));
        co_await tandem::sleep(1ms);
        h.cancel();
        co_await tandem::sleep(1ms);
        CHECK(cancels == 1);
        CHECK(h.cancelled());
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: bind_allocator gives the memory of the handlers", "[asio][use_task]") {
    const auto body = []() -> task<> {
        int allocated = 0;
        asio::steady_timer timer(context(), 0ms);
        co_await timer.async_wait(asio::bind_allocator(counting_allocator<void>(allocated), use_task));
        CHECK(allocated == 1);
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: objects and tokens of a strand", "[asio][use_task]") {
    const auto body = []() -> task<> {
        const auto strand = asio::make_strand(context());
        asio::steady_timer timer(strand, 1ms);
        co_await timer.async_wait(use_task);
        co_await asio::post(strand, use_task);
        co_await asio::dispatch(asio::any_io_executor(strand), use_task);
        const int n = co_await wait_thrice(timer, asio::bind_executor(strand, use_task));
        CHECK(n == 3);
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: the handler's executor can be erased, guarded and made a strand of",
          "[asio][use_task]") {
    const auto body = []() -> task<> {
        const auto initiate = [](auto handler) {
            const asio::any_io_executor erased(asio::get_associated_executor(handler));
            const auto guard = asio::make_work_guard(erased);
            asio::post(asio::make_strand(guard.get_executor()), std::move(handler));
        };
        tandem::use_task_t token;
        co_await asio::async_initiate<tandem::use_task_t, void()>(initiate, token);
    };
    run_and_check_frames(body);
}

TEST_CASE("use_task: an executor of other threads bound to the token; the task resumes on the loop's",
          "[asio][use_task][threads]") {
    const auto body = []() -> task<> {
        const auto here = std::this_thread::get_id();
        asio::thread_pool pool(2);
        asio::steady_timer timer(context());
        for (int i = 0; i < 100; ++i) {
            const int n = co_await wait_thrice(timer, asio::bind_executor(pool.get_executor(), use_task));
            CHECK(n == 3);
            CHECK(std::this_thread::get_id() == here);
            co_await asio::post(pool, asio::bind_executor(pool.get_executor(), use_task));
            CHECK(std::this_thread::get_id() == here);
        }
    };
    run_and_check_frames(body);
}

// ThreadSanitizer's: the loop takes turns of its own while operations of another thread complete.
TEST_CASE("use_task: operations complete on another thread while the loop is at work",
          "[asio][use_task][threads]") {
    const auto body = []() -> task<> {
        const auto hops = [](asio::thread_pool& pool, int& left) -> task<> {
            for (int i = 0; i < 500; ++i) co_await asio::post(pool, use_task);
            --left;
        };
        const auto turns = [](const int& left) -> task<> {
            while (left > 0) co_await tandem::sleep(1us);
        };
        asio::thread_pool pool(1);
        int left = 2;
        co_await tandem::gather(hops(pool, left), hops(pool, left), turns(left));
        CHECK(left == 0);
    };
    run_and_check_frames(body);
}
