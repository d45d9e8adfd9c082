// tandem - behaviour of use_task: results, errors, cancellation, threads, allocations
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/use_task.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <tandem/asio/run.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

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

std::atomic<long> allocations{0};

}  // namespace

// The whole program's: a test asks for the difference between two moments of one thread. A sanitizer has
// its own, and tandem's pool of frames is off there: nothing is counted.
#if !TANDEM_SANITIZED
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* const p = std::malloc(bytes ? bytes : 1)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#ifdef __GLIBC__
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {  // Asio's choice
    allocations.fetch_add(1, std::memory_order_relaxed);
    void* p = nullptr;
    return posix_memalign(&p, std::max(alignment, sizeof(void*)), bytes) == 0 ? p : nullptr;
}
#endif
#endif

namespace {

/// Runs the task that `make()` gives and checks that no frame is left behind.
template <class F>
auto run_it(F make) {
    const auto frames = tandem::detail::live_frames;
    if constexpr (std::is_void_v<decltype(tandem::run(make()))>) {
        tandem::run(make());
        CHECK(tandem::detail::live_frames == frames);
    } else {
        auto value = tandem::run(make());
        CHECK(tandem::detail::live_frames == frames);
        return value;
    }
}

task<> echo(tcp::socket& s) {
    std::array<char, 64> buffer;
    for (;;) {
        error_code ec;
        const std::size_t n =
            co_await s.async_read_some(asio::buffer(buffer), asio::redirect_error(use_task, ec));
        if (ec) co_return;
        co_await asio::async_write(s, asio::buffer(buffer, n), use_task);
    }
}
task<std::size_t> read_some(tcp::socket& s, std::string& to) {
    std::array<char, 64> buffer;
    const std::size_t n = co_await s.async_read_some(asio::buffer(buffer), use_task);
    to.append(buffer.data(), n);
    co_return n;
}
std::string available(tcp::socket& s) {
    std::string text(s.available(), '\0');
    if (!text.empty()) s.read_some(asio::buffer(text));
    return text;
}

}  // namespace

TEST_CASE("use_task: an operation gives its result; an error is thrown as system_error",
          "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        const std::size_t sent = co_await a.async_write_some(asio::buffer("hello", 5), use_task);
        CHECK(sent == 5);
        std::string text;
        co_await read_some(b, text);
        CHECK(text == "hello");
        a.close();
        const std::exception_ptr e = co_await error_of(read_some(b, text));
        CHECK(is<system_error>(e));
        CHECK(text == "hello");
    };
    run_it(main);
}

TEST_CASE("use_task: as_tuple and redirect_error throw nothing", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        std::array<char, 8> buffer;
        const auto sent = co_await a.async_write_some(asio::buffer("hi", 2), asio::as_tuple(use_task));
        CHECK_FALSE(std::get<0>(sent));
        CHECK(std::get<1>(sent) == 2);
        error_code ec = asio::error::would_block;
        const std::size_t n =
            co_await b.async_read_some(asio::buffer(buffer), asio::redirect_error(use_task, ec));
        CHECK_FALSE(ec);
        CHECK(n == 2);
        a.close();
        const auto ended = co_await b.async_read_some(asio::buffer(buffer), asio::as_tuple(use_task));
        CHECK(std::get<0>(ended) == asio::error::eof);
        const std::size_t none =
            co_await b.async_read_some(asio::buffer(buffer), asio::redirect_error(use_task, ec));
        CHECK(ec == asio::error::eof);
        CHECK(none == 0);
    };
    run_it(main);
}

TEST_CASE("use_task: as a default token", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        auto a = use_task.as_default_on(tcp::socket(context()));
        auto b = use_task.as_default_on(tcp::socket(context()));
        auto acceptor = use_task.as_default_on(
            tcp::acceptor(context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)));
        co_await tandem::gather(a.async_connect(acceptor.local_endpoint()), acceptor.async_accept(b));
        const std::size_t sent = co_await a.async_write_some(asio::buffer("x", 1));
        CHECK(sent == 1);
        std::array<char, 8> buffer;
        const std::size_t n = co_await b.async_read_some(asio::buffer(buffer));
        CHECK(n == 1);
        auto timer = use_task.as_default_on(asio::steady_timer(context(), 1ms));
        co_await timer.async_wait();
    };
    run_it(main);
}

TEST_CASE("use_task: results without a default constructor, sockets, are moved through",
          "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::acceptor acceptor(context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        tcp::socket client(context());
        client.connect(acceptor.local_endpoint());
        tcp::socket accepted = co_await acceptor.async_accept(use_task);
        CHECK(accepted.is_open());
        CHECK(accepted.remote_endpoint() == client.local_endpoint());
        tcp::socket second(context());
        second.connect(acceptor.local_endpoint());
        auto r = co_await acceptor.async_accept(asio::as_tuple(use_task));
        CHECK_FALSE(std::get<0>(r));
        CHECK(std::get<1>(r).is_open());
    };
    run_it(main);
}

TEST_CASE("use_task: completions with none, one and several results, with and without an error",
          "[asio][use_task]") {
    const auto main = []() -> task<> {
        tandem::loop_core& loop = tandem::this_task::loop();
        manual_operation<void()> none;
        loop.call_soon([&] { none.complete(); });
        co_await none.start(use_task);
        manual_operation<void(int)> one;
        loop.call_soon([&] { one.complete(5); });
        const int n = co_await one.start(use_task);
        CHECK(n == 5);
        manual_operation<void(int, std::string)> two;
        loop.call_soon([&] { two.complete(6, "six"); });
        const auto pair = co_await two.start(use_task);
        CHECK(std::get<0>(pair) == 6);
        CHECK(std::get<1>(pair) == "six");
        manual_operation<void(error_code, int, std::unique_ptr<int>)> three;
        loop.call_soon([&] { three.complete(error_code(), 7, std::make_unique<int>(8)); });
        auto both = co_await three.start(use_task);
        CHECK(std::get<0>(both) + *std::get<1>(both) == 15);
        manual_operation<void(error_code)> fails;
        loop.call_soon([&] { fails.complete(asio::error::access_denied); });
        const std::exception_ptr e = co_await error_of(fails.start(use_task));
        CHECK(is<system_error>(e));
        manual_operation<void(std::exception_ptr, int)> throws;
        loop.call_soon([&] { throws.complete(std::make_exception_ptr(oops("from asio")), 0); });
        const std::exception_ptr f = co_await error_of(throws.start(use_task));
        CHECK(text_of(f) == "from asio");
    };
    run_it(main);
}

TEST_CASE("use_task: dispatch, post and defer, which may complete inline", "[asio][use_task]") {
    const auto main = []() -> task<> {
        for (int i = 0; i < 100; ++i) {
            co_await asio::dispatch(context(), use_task);
            co_await asio::post(context(), use_task);
            co_await asio::defer(context(), use_task);
            co_await asio::dispatch(context().get_executor(), use_task);
        }
        manual_operation<void(int)> inline_op;
        auto initiate_and_complete = [](auto handler) { std::move(handler)(3); };
        const int n = co_await asio::async_initiate<const tandem::use_task_t, void(int)>(
            initiate_and_complete, use_task);
        CHECK(n == 3);
    };
    run_it(main);
}

TEST_CASE("use_task: an initiation that throws throws where it is awaited", "[asio][use_task]") {
    const auto main = []() -> task<> {
        auto throws = [](auto) { throw oops("cannot start"); };
        const std::exception_ptr e = co_await error_of(
            asio::async_initiate<const tandem::use_task_t, void(error_code)>(throws, use_task));
        CHECK(text_of(e) == "cannot start");
        error_code ec;
        auto token = asio::redirect_error(use_task, ec);
        const std::exception_ptr f =
            co_await error_of(asio::async_initiate<decltype(token), void(error_code)>(throws, token));
        CHECK(text_of(f) == "cannot start");
    };
    run_it(main);
}

TEST_CASE("use_task: a pending read is cancelled with its task; nothing arrives and the socket is as before",
          "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        std::string text;
        auto h = tandem::create_task(read_some(b, text));
        co_await tandem::sleep(1ms);
        CHECK(h.cancel());
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
        a.write_some(asio::buffer("later", 5));
        co_await read_some(b, text);
        CHECK(text == "later");
    };
    run_it(main);
}

TEST_CASE("use_task: every kind of pending operation is cancelled", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        tcp::acceptor acceptor(context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        asio::steady_timer timer(context(), 1h);
        int exits = 0;
        std::string big(64 << 20, 'x');
        const auto reads = [](tcp::socket& s, int& count) -> task<> {
            const counts_exit left(count);
            auto buffer = std::make_unique<std::array<char, 4096>>();
            co_await asio::async_read(s, asio::buffer(*buffer), use_task);
        };
        const auto writes = [](tcp::socket& s, const std::string& what, int& count) -> task<> {
            const counts_exit left(count);
            co_await asio::async_write(s, asio::buffer(what), use_task);
        };
        const auto accepts = [](tcp::acceptor& s, int& count) -> task<> {
            const counts_exit left(count);
            tcp::socket accepted = co_await s.async_accept(use_task);
        };
        const auto waits = [](asio::steady_timer& t, int& count) -> task<> {
            const counts_exit left(count);
            co_await t.async_wait(use_task);
        };
        const auto ready = [](tcp::socket& s, int& count) -> task<> {
            const counts_exit left(count);
            co_await s.async_wait(tcp::socket::wait_read, use_task);
        };
        co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
            g.create_task(reads(a, exits));
            g.create_task(writes(a, big, exits));
            g.create_task(accepts(acceptor, exits));
            g.create_task(waits(timer, exits));
            g.create_task(ready(a, exits));
            co_await tandem::sleep(2ms);
            CHECK(exits == 0);
            g.cancel();
        });
        CHECK(exits == 5);
    };
    run_it(main);
}

TEST_CASE("use_task: a task that was cancelled before does not initiate", "[asio][use_task]") {
    const auto main = []() -> task<> {
        manual_operation<void(error_code)> op;
        const auto body = [](manual_operation<void(error_code)>& o) -> task<> {
            while (!tandem::this_task::stop_requested())
                co_await tandem::shield(tandem::this_task::checkpoint());
            co_await o.start(use_task);
        };
        auto h = tandem::create_task(body(op));
        co_await tandem::this_task::checkpoint();
        h.cancel();
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
        CHECK(op.started() == 0);
    };
    run_it(main);
}

TEST_CASE(
    "use_task: what completes in spite of the cancel is delivered; the stop lands at the next suspension",
    "[asio][use_task]") {
    const auto main = []() -> task<> {
        manual_operation<void(error_code, int)> op;
        int got = 0;
        const auto body = [](manual_operation<void(error_code, int)>& o, int& to) -> task<> {
            to = co_await o.start(use_task);
            co_await tandem::this_task::checkpoint();
            to = -1;
        };
        auto h = tandem::create_task(body(op, got));
        co_await tandem::this_task::checkpoint();
        co_await tandem::this_task::checkpoint();
        h.cancel();
        CHECK(op.cancels() == 1);
        co_await tandem::sleep(1ms);
        CHECK_FALSE(h.done());  // waits for the completion
        op.complete(error_code(), 5);
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
        CHECK(got == 5);
    };
    run_it(main);
}

TEST_CASE("use_task: another error than operation_aborted is delivered, too", "[asio][use_task]") {
    const auto main = []() -> task<> {
        manual_operation<void(error_code)> op;
        bool caught = false;
        const auto body = [](manual_operation<void(error_code)>& o, bool& flag) -> task<> {
            try {
                co_await o.start(use_task);
            } catch (const system_error& e) {
                flag = e.code() == asio::error::connection_reset;
            }
        };
        auto h = tandem::create_task(body(op, caught));
        co_await tandem::sleep(1ms);
        h.cancel();
        op.complete(asio::error::connection_reset);
        co_await tandem::sleep(1ms);
        CHECK(h.done());
        CHECK(caught);
    };
    run_it(main);
}

TEST_CASE("use_task: operation_aborted without a cancel of the task is an error like any other",
          "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        asio::steady_timer timer(context(), 1h);
        tandem::this_task::loop().call_soon([&timer] { timer.cancel(); });
        const std::exception_ptr e = co_await error_of(timer.async_wait(use_task));
        CHECK(is<system_error>(e));
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        std::string text;
        auto h = tandem::create_task(read_some(b, text));
        co_await tandem::sleep(1ms);
        b.close();
        const std::exception_ptr f = co_await error_of(h);
        CHECK(is<system_error>(f));
        CHECK_FALSE(h.cancelled());
    };
    run_it(main);
}

TEST_CASE("use_task: an operation that completes from inside its cancellation", "[asio][use_task]") {
    const auto main = []() -> task<> {
        static manual_operation<void(error_code)>* op = nullptr;
        manual_operation<void(error_code)> here;
        op = &here;
        here.on_cancel = [] { op->complete(asio::error::operation_aborted); };
        const auto body = [](manual_operation<void(error_code)>& o) -> task<> { co_await o.start(use_task); };
        auto h = tandem::create_task(body(here));
        co_await tandem::sleep(1ms);
        h.cancel();
        CHECK_FALSE(h.done());  // no frame is destroyed inside the canceller
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
    };
    run_it(main);
}

TEST_CASE("use_task: no byte is lost, whenever the read is cancelled", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        std::string sent;
        std::string got;
        for (int round = 0; round < 300; ++round) {
            auto h = tandem::create_task(read_some(b, got));
            for (int i = 0; i < round % 4; ++i) co_await tandem::this_task::checkpoint();
            if (round % 3 == 0) co_await asio::post(context(), use_task);
            const char c = static_cast<char>('a' + round % 26);
            a.write_some(asio::buffer(&c, 1));
            sent += c;
            for (int i = 0; i < round % 5; ++i) co_await asio::post(context(), use_task);
            h.cancel();
            co_await error_of(h);
            got += available(b);
        }
        CHECK(got == sent);
    };
    run_it(main);
}

TEST_CASE("use_task: bytes that were read in the tick of the cancel are delivered", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        // A write and a read become possible at once; Asio performs both, calls the writer first, and the
        // writer cancels the reader, whose bytes are out of the socket by then.
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        b.non_blocking(true);
        std::string block(1 << 20, 'x');
        error_code ec;
        while (!ec) b.write_some(asio::buffer(block), ec);
        REQUIRE(ec == asio::error::would_block);
        std::string text;
        bool after = false;
        const auto reads = [](tcp::socket& s, std::string& to, bool& passed) -> task<> {
            co_await read_some(s, to);
            co_await tandem::this_task::checkpoint();
            passed = true;
        };
        auto reader = tandem::create_task(reads(b, text, after));
        const auto writes = [](tcp::socket& s, const std::string& what,
                               tandem::task_handle<>& other) -> task<> {
            co_await s.async_write_some(asio::buffer(what), use_task);
            other.cancel();
        };
        auto writer = tandem::create_task(writes(b, block, reader));
        co_await tandem::sleep(2ms);
        a.write_some(asio::buffer("data", 4));
        a.non_blocking(true);
        std::string sink(1 << 20, '\0');
        error_code drained;
        while (!drained) a.read_some(asio::buffer(sink), drained);
        while (!writer.done()) {
            co_await asio::post(context(), use_task);
            error_code ignored;
            a.read_some(asio::buffer(sink), ignored);
        }
        co_await error_of(reader);
        b.non_blocking(true);
        text += available(b);
        CHECK(text == "data");
        CHECK_FALSE(after);
    };
    run_it(main);
}

TEST_CASE("use_task: a timeout cancels the operation", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        std::string text;
        const std::exception_ptr e = co_await error_of(tandem::timeout(2ms, read_some(b, text)));
        CHECK(is<tandem::timeout_error>(e));
        std::array<char, 8> buffer;
        const std::exception_ptr f =
            co_await error_of(tandem::timeout(2ms, b.async_read_some(asio::buffer(buffer), use_task)));
        CHECK(is<tandem::timeout_error>(f));
        error_code ec;
        const std::exception_ptr g = co_await error_of(tandem::timeout(
            2ms, b.async_read_some(asio::buffer(buffer), asio::redirect_error(use_task, ec))));
        CHECK(is<tandem::timeout_error>(g));
        const auto t = co_await tandem::move_on_after(
            2ms, b.async_read_some(asio::buffer(buffer), asio::as_tuple(use_task)));
        CHECK_FALSE(t.has_value());
    };
    run_it(main);
}

TEST_CASE("use_task: a shielded operation is not cancelled", "[asio][use_task]") {
    const auto main = []() -> task<> {
        manual_operation<void(error_code, int)> op;
        int got = 0;
        const auto body = [](manual_operation<void(error_code, int)>& o, int& to) -> task<> {
            to = co_await tandem::shield(o.start(use_task));
        };
        auto h = tandem::create_task(body(op, got));
        co_await tandem::sleep(1ms);
        h.cancel();
        co_await tandem::sleep(1ms);
        CHECK(op.cancels() == 0);
        op.complete(error_code(), 4);
        co_await tandem::sleep(1ms);
        CHECK(got == 4);
    };
    run_it(main);
}

TEST_CASE("use_task: objects of another io_context complete on the loop's thread",
          "[asio][use_task][threads]") {
    asio::io_context other(1);
    auto work = asio::make_work_guard(other);
    std::thread thread([&] { other.run(); });
    const auto main = [](asio::io_context& elsewhere) -> task<> {
        const auto here = std::this_thread::get_id();
        for (int i = 0; i < 50; ++i) {
            asio::steady_timer timer(elsewhere, 100us);
            co_await timer.async_wait(use_task);
            CHECK(std::this_thread::get_id() == here);
            co_await asio::post(elsewhere, use_task);
            CHECK(std::this_thread::get_id() == here);
        }
    };
    tandem::event_loop loop;  // outlives the other thread, which may still be on its way out of the hand-over
    loop.run(main(other));
    work.reset();
    thread.join();
}

// Hidden: run() destroys its io_context while Asio, in the other thread, still holds work of it after the
// hand-over of the last completion. ThreadSanitizer or a few hundred rounds show it.
TEST_CASE("use_task: a loop may end right after an operation of another io_context has completed",
          "[asio][use_task][threads]") {
    asio::io_context other(1);
    auto work = asio::make_work_guard(other);
    std::thread thread([&] { other.run(); });
    const auto main = [](asio::io_context& elsewhere) -> task<> { co_await asio::post(elsewhere, use_task); };
    for (int i = 0; i < 2000; ++i) tandem::run(main(other));
    work.reset();
    thread.join();
}

TEST_CASE("use_task: on virtual time it is an error that says so", "[asio][use_task][virtual]") {
    const auto main = []() -> task<> {
        asio::io_context ctx;
        asio::steady_timer timer(ctx, 1h);
        const std::exception_ptr e = co_await error_of(timer.async_wait(use_task));
        CHECK(is<std::logic_error>(e));
    };
    tandem::testing::run_virtual(main());
}

TEST_CASE("use_task: works in gather, race, groups and finally", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        auto server = tandem::create_task(echo(b));
        std::string text(5, '\0');
        auto r = co_await tandem::gather(asio::async_write(a, asio::buffer("12345", 5), use_task),
                                         asio::async_read(a, asio::buffer(text), use_task));
        CHECK(std::get<0>(r) == 5);
        CHECK(text == "12345");
        std::array<char, 8> buffer;
        const auto won =
            co_await tandem::race(a.async_read_some(asio::buffer(buffer), use_task), tandem::sleep(2ms));
        CHECK(won.index() == 1);
        const auto cleanup = [&a]() -> task<> {
            const auto say_bye = [](tcp::socket& s) -> task<> {
                co_await asio::async_write(s, asio::buffer("bye", 3), use_task);
            };
            return say_bye(a);
        };
        const std::exception_ptr e = co_await error_of(tandem::timeout(
            2ms, tandem::finally(a.async_read_some(asio::buffer(buffer), use_task), cleanup)));
        CHECK(is<tandem::timeout_error>(e));
        const std::size_t n = co_await a.async_read_some(asio::buffer(buffer), use_task);
        CHECK(std::string(buffer.data(), n) == "bye");
        a.close();
        co_await server;
    };
    run_it(main);
}

TEST_CASE("use_task: dropped unawaited it starts nothing", "[asio][use_task]") {
    const auto main = []() -> task<> {
        manual_operation<void(error_code)> op;
        { [[maybe_unused]] auto dropped = op.start(use_task); }
        CHECK(op.started() == 0);
        co_return;
    };
    run_it(main);
}

TEST_CASE("use_task: a steady state of I/O allocates nothing", "[asio][use_task][net]") {
    const auto main = []() -> task<long> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        auto server = tandem::create_task(echo(b));
        std::array<char, 64> buffer;
        long before = 0;
        for (int i = 0; i < 600; ++i) {
            if (i == 100) before = allocations.load();
            co_await a.async_write_some(asio::buffer("ping", 4), use_task);
            co_await asio::async_read(a, asio::buffer(buffer, 4), use_task);
        }
        const long used = allocations.load() - before;
        a.close();
        co_await server;
        co_return used;
    };
    CHECK(run_it(main) == 0);
}

TEST_CASE("use_task: twenty composed operations at a time allocate nothing in a steady state",
          "[asio][use_task][net]") {
    const auto ask = [](tcp::socket& s, int times) -> task<> {
        std::array<char, 4> buffer{'p', 'i', 'n', 'g'};
        for (int i = 0; i < times; ++i) {
            co_await asio::async_write(s, asio::buffer(buffer), use_task);
            co_await asio::async_read(s, asio::buffer(buffer), use_task);
        }
    };
    const auto all = [&ask](std::deque<tcp::socket>& sockets, int times) -> task<> {
        const auto body = [&](tandem::task_group& group) -> task<> {
            for (tcp::socket& s : sockets) group.create_task(ask(s, times));
            co_return;
        };
        co_await tandem::with_task_group(body);
    };
    const auto main = [&all]() -> task<long> {
        std::deque<tcp::socket> clients;
        std::deque<tcp::socket> servers;
        std::vector<tandem::task_handle<void>> echoes;
        for (int i = 0; i < 20; ++i) {
            connect_pair(clients.emplace_back(context()), servers.emplace_back(context()));
            echoes.push_back(tandem::create_task(echo(servers.back())));
        }
        co_await all(clients, 100);
        const long before = allocations.load();
        co_await all(clients, 100);
        const long used = allocations.load() - before;
        clients.clear();
        for (auto& e : echoes) co_await e;
        co_return used;
    };
    CHECK(run_it(main) == 0);
}

namespace {

/// What a user's operation may put into the slot: built like Asio's own state, but with a memory.
class counting_state {
public:
    explicit counting_state(int& alive) : alive_(alive) { ++alive_; }
    counting_state(const counting_state&) = delete;
    counting_state& operator=(const counting_state&) = delete;
    ~counting_state() { --alive_; }
    void operator()(asio::cancellation_type type) { signal_.emit(type); }

    asio::cancellation_signal signal_;

private:
    int& alive_;
};
struct unarmed_state {
    void operator()(asio::cancellation_type type) { signal_.emit(type); }
    asio::cancellation_signal signal_;
    int uses = 0;
};

template <class State, class... Args>
task<int> uses_of(Args&... args) {
    int uses = 0;
    const auto initiate = [&uses](auto handler, Args*... a) {
        State& state = asio::get_associated_cancellation_slot(handler).template emplace<State>(*a...);
        if constexpr (requires { state.uses; }) uses = ++state.uses;
        asio::post(context(), [h = std::move(handler)]() mutable { std::move(h)(error_code()); });
    };
    co_await asio::async_initiate<const tandem::use_task_t, void(error_code)>(initiate, use_task, &args...);
    co_return uses;
}

}  // namespace

TEST_CASE("use_task: the state that a user's operation puts into the slot is made and destroyed each time",
          "[asio][use_task]") {
    const auto main = []() -> task<> {
        int alive = 0;
        for (int i = 0; i < 3; ++i) {
            co_await uses_of<counting_state>(alive);
            CHECK(alive == 0);
            const int uses = co_await uses_of<unarmed_state>();
            CHECK(uses == 1);
        }
    };
    tandem::run(main());
}

TEST_CASE("use_task: what a composed operation leaves behind cancels the next one, on another socket",
          "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        std::array<char, 4> buffer{};
        for (int i = 0; i < 3; ++i) {
            {
                tcp::socket a(context());
                tcp::socket b(context());
                connect_pair(a, b);
                co_await asio::async_write(a, asio::buffer(buffer), use_task);
                co_await asio::async_read(b, asio::buffer(buffer), use_task);
            }
            tcp::socket a(context());
            tcp::socket b(context());
            connect_pair(a, b);
            auto nothing_to_write = asio::async_write(a, asio::buffer(buffer, 0), use_task);
            CHECK(co_await std::move(nothing_to_write) == 0);
            const std::exception_ptr e =
                co_await error_of(tandem::timeout(1ms, asio::async_read(b, asio::buffer(buffer), use_task)));
            CHECK(is<tandem::timeout_error>(e));
        }
    };
    run_it(main);
}

TEST_CASE("use_task: timers, of Asio and of the loop, in a steady state allocate nothing",
          "[asio][use_task]") {
    const auto main = []() -> task<long> {
        asio::steady_timer timer(context());
        long before = 0;
        for (int i = 0; i < 60; ++i) {
            if (i == 20) before = allocations.load();
            timer.expires_after(10us);
            co_await timer.async_wait(use_task);
            co_await tandem::sleep(10us);
            co_await tandem::this_task::checkpoint();
        }
        co_return allocations.load() - before;
    };
    CHECK(run_it(main) == 0);
}

TEST_CASE("use_task: 1,000 tasks that never stop yielding keep neither a socket nor a timer waiting",
          "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tandem::loop_core& loop = tandem::this_task::loop();
        loop.set_batch(64, 0ns);  // I/O has its turn after 64 steps
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        auto server = tandem::create_task(echo(b));
        const auto spins = []() -> task<> {
            for (;;) co_await tandem::this_task::checkpoint();
        };
        co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
            for (int i = 0; i < 1000; ++i) g.create_task(spins());
            std::array<char, 8> buffer;
            std::uint64_t worst = 0;
            for (int i = 0; i < 50; ++i) {
                const std::uint64_t before = loop.statistics().steps;
                co_await a.async_write_some(asio::buffer("x", 1), use_task);
                co_await a.async_read_some(asio::buffer(buffer), use_task);
                const std::uint64_t steps = loop.statistics().steps - before;
                if (steps > worst) worst = steps;
            }
            // Write, echo's read, echo's write, read: each waits for a batch or two, never for a round of
            // 1,000.
            CHECK(worst < 64 * 40);
            asio::steady_timer timer(context(), 1ms);
            co_await timer.async_wait(use_task);
            co_await tandem::timeout(1s, tandem::sleep(1ms));
            g.cancel();
        });
        a.close();
        co_await server;
    };
    run_it(main);
}

TEST_CASE("use_task: a blocked program does no loop iterations", "[asio][use_task][net]") {
    const auto main = []() -> task<> {
        tcp::socket a(context());
        tcp::socket b(context());
        connect_pair(a, b);
        tandem::loop_core& loop = tandem::this_task::loop();
        tandem::loop_statistics first;
        tandem::loop_statistics second;
        asio::steady_timer early(context(), 2ms);
        asio::steady_timer late(context(), 12ms);
        early.async_wait([&](error_code) { first = loop.statistics(); });
        late.async_wait([&](error_code) {
            second = loop.statistics();
            a.write_some(asio::buffer("x", 1));
        });
        auto sleeper = tandem::create_task(sleep_for(milliseconds(3'600'000)));
        std::string text;
        co_await read_some(b, text);
        CHECK(first.drains != 0);
        CHECK(second.drains == first.drains);
        CHECK(second.steps == first.steps);
        sleeper.cancel();
    };
    run_it(main);
}
