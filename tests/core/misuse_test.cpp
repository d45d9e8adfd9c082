// tandem - misuse: every wrong use that can be noticed is an error with a sentence that helps
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <typeinfo>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/sync/barrier.hpp>
#include <tandem/sync/broadcast.hpp>
#include <tandem/sync/condition.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/lock.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/tasks/wait.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;

namespace {

task<int> one() { co_return 1; }
task<> forever() { co_await tandem::sleep(std::chrono::hours(1000)); }

// The text of the `E` that `call()` throws.
template <class E, class F>
std::string text_of(F call) {
    try {
        call();
    } catch (const E& e) {
        if (typeid(e) != typeid(E)) return std::string("another type: ") + e.what();
        return e.what();
    }
    return "no error";
}

// The same for a task.
template <class E, class T>
task<std::string> text_of_task(task<T> body) {
    std::string text = "no error";
    try {
        static_cast<void>(co_await std::move(body));
    } catch (const E& e) {
        text = e.what();
    }
    co_return text;
}

#ifndef NDEBUG
// What a debug build prints when it aborts in `call`.
std::string last_words(void (*call)()) {
    int ends[2] = {-1, -1};
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        std::signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        call();
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char buffer[512];
    for (;;) {
        const auto count = read(ends[0], buffer, sizeof(buffer));
        if (count <= 0) break;
        text.append(buffer, static_cast<std::size_t>(count));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) return text;
    return "it did not abort: " + text;
}
class resumes_elsewhere final : public tandem::leaf {
public:
    resumes_elsewhere() = default;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        if (!suspend(h)) return;
        std::thread other([h] { h.resume(); });
        other.join();
    }
    void await_resume() const noexcept {}
    const char* kind() const noexcept override { return "elsewhere"; }

private:
    tandem::detach on_cancel() noexcept override { return tandem::detach::later; }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
#endif

class starts_late {
public:
    starts_late(tandem::task_group& group, std::string& to) : group_(group), to_(to) {}
    starts_late(starts_late&& other) noexcept
        : group_(other.group_), to_(other.to_), armed_(std::exchange(other.armed_, false)) {}
    starts_late& operator=(starts_late&&) = delete;
    ~starts_late() {
        if (armed_) {
            to_ = text_of<tandem::invalid_state_error>([this] { group_.create_task(forever()); });
        }
    }

private:
    tandem::task_group& group_;
    std::string& to_;
    bool armed_ = true;
};

const std::string awaited_before =
    "tandem::task: it was moved from or awaited before; a task is awaited once, make another or share "
    "the handle that create_task gives";

}  // namespace

// ---- tasks

TANDEM_TEST("misuse: a task awaited twice", "[core][misuse][virtual]") {
    const auto twice = []() -> task<> {
        auto t = one();
        co_await std::move(t);
        co_await std::move(t);
    };
    const std::string text = co_await text_of_task<tandem::invalid_state_error>(twice());
    CHECK(text == awaited_before);
}

TANDEM_TEST("misuse: an empty task handed to a combinator", "[core][misuse][virtual]") {
    const auto gathers = []() -> task<> { co_await tandem::gather(one(), task<int>()); };
    const auto gathers_range = []() -> task<> {
        std::vector<task<int>> tasks;
        tasks.push_back(one());
        tasks.emplace_back();
        co_await tandem::gather(std::move(tasks));
    };
    const auto races = []() -> task<> { co_await tandem::race(task<int>(), one()); };
    const auto limits = []() -> task<> { co_await tandem::timeout(1s, task<int>()); };
    const auto shields = []() -> task<> { co_await tandem::shield(task<int>()); };
    const auto cleans = []() -> task<> {
        co_await tandem::finally(task<int>(), []() -> task<> { co_return; });
    };
    const auto starts = []() -> task<> {
        tandem::create_task(task<int>());
        co_return;
    };
    const auto groups = []() -> task<> {
        co_await tandem::with_task_group([](tandem::task_group& group) -> task<> {
            group.create_task(task<int>());
            co_return;
        });
    };
    using error = tandem::invalid_state_error;
    std::vector<std::string> texts;
    texts.push_back(co_await text_of_task<error>(gathers()));
    texts.push_back(co_await text_of_task<error>(gathers_range()));
    texts.push_back(co_await text_of_task<error>(races()));
    texts.push_back(co_await text_of_task<error>(limits()));
    texts.push_back(co_await text_of_task<error>(shields()));
    texts.push_back(co_await text_of_task<error>(cleans()));
    texts.push_back(co_await text_of_task<error>(starts()));
    for (const std::string& text : texts) CHECK(text == awaited_before);
    const std::string grouped = co_await text_of_task<tandem::exception_group>(groups());
    CHECK(grouped == "tandem::exception_group: 1 exception, the first: " + awaited_before);
}

TEST_CASE("misuse: run inside run", "[core][misuse][virtual]") {
    const auto nested = []() -> task<> {
        tandem::testing::run_virtual(one());
        co_return;
    };
    CHECK(text_of<std::logic_error>([&] { tandem::testing::run_virtual(nested()); }) ==
          "tandem::testing::run_virtual: a loop runs on this thread already; await the task");
}

TEST_CASE("misuse: create_task without a loop", "[core][misuse][virtual]") {
    const auto frames = tandem::detail::live_frames;
    const std::string rest =
        ": no loop runs on this thread; call it from a task, or hand the task to a loop with "
        "run_coroutine_threadsafe";
    CHECK(text_of<tandem::invalid_state_error>([] { tandem::create_task(one()); }) ==
          "tandem::create_task" + rest);
    CHECK(text_of<tandem::invalid_state_error>([] {
              tandem::create_task([](int v) -> task<int> { co_return v; }, 1);
          }) == "tandem::create_task" + rest);
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("misuse: create_task on a thread that is not the loop's", "[core][misuse][threads]") {
    const auto body = []() -> task<std::string> {
        std::string text;
        std::thread other(
            [&text] { text = text_of<tandem::invalid_state_error>([] { tandem::create_task(forever()); }); });
        other.join();
        co_return text;
    };
    CHECK(tandem::testing::run_virtual(body()).find("no loop runs on this thread") != std::string::npos);
}

// ---- handles

TANDEM_TEST("misuse: a handle asked too early, empty, moved from, or by its own task",
            "[core][misuse][virtual]") {
    using error = tandem::invalid_state_error;
    auto h = tandem::create_task(forever());
    const std::string running = ": the task still runs; co_await the handle, or ask done() first";
    CHECK(text_of<error>([&] { h.result(); }) == "tandem::task_handle::result" + running);
    CHECK(text_of<error>([&] { h.exception(); }) == "tandem::task_handle::exception" + running);

    const tandem::task_handle<int> empty;
    const std::string nothing = ": the handle is empty; assign it what create_task gives";
    CHECK_FALSE(static_cast<bool>(empty));
    CHECK_FALSE(empty.cancel());
    CHECK(text_of<error>([&] { empty.result(); }) == "tandem::task_handle::result" + nothing);
    CHECK(text_of<error>([&] { empty.exception(); }) == "tandem::task_handle::exception" + nothing);
    CHECK(text_of<error>([&] { empty.name(); }) == "tandem::task_handle::name" + nothing);
    CHECK(text_of<error>([&] { empty.id(); }) == "tandem::task_handle::id" + nothing);
    const auto awaits = [](tandem::task_handle<int> x) -> task<> { co_await x; };
    const std::string awaited = co_await text_of_task<error>(awaits(empty));
    CHECK(awaited == "tandem::task_handle::co_await" + nothing);

    auto value = tandem::create_task(one());
    const auto copy = value;
    const int v = co_await std::move(value);
    CHECK(v == 1);
    const std::string moved = text_of<error>([&] { copy.result(); });
    CHECK(moved ==
          "tandem::task_handle: the value was moved out by an await of an rvalue handle; await lvalues to "
          "share it");

    tandem::task_handle<> self;
    const auto awaits_itself = [](tandem::task_handle<>& me) -> task<> {
        co_await tandem::this_task::checkpoint();
        co_await tandem::timeout(1s, me);
    };
    self = tandem::create_task(awaits_itself(self));
    std::string own;
    try {
        co_await self;
    } catch (const std::logic_error& e) {
        own = e.what();
    }
    CHECK(own == "tandem::task_handle: a task awaits itself and would never end");
}

// ---- groups

TANDEM_TEST("misuse: a group used after its end", "[core][misuse][virtual]") {
    // What starts a task from a destructor of the body's frame comes too late: all children have ended.
    std::string text;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        const auto with_parameter = [](starts_late) -> task<> { co_return; };
        return with_parameter(starts_late(group, text));  // a parameter of the body's frame
    });
    CHECK(text ==
          "tandem::task_group::create_task: the group has ended; start the task before its body and children "
          "have ended");
}

TANDEM_TEST("misuse: a child that joins its own group", "[core][misuse][virtual]") {
    std::string text;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        const auto child = [](tandem::task_group& g, std::string& to) -> task<> {
            try {
                co_await g.join();
            } catch (const std::logic_error& e) {
                to = e.what();
            }
        };
        group.create_task(child(group, text));
        co_return;
    });
    CHECK(text ==
          "tandem::task_group::join: called by a child, which would wait for itself; call it in the group's "
          "body");
}

// ---- primitives

TANDEM_TEST("misuse: a release too many", "[core][misuse][virtual]") {
    tandem::bounded_semaphore s(2);
    const std::string text = text_of<tandem::invalid_state_error>([&] { s.release(); });
    CHECK(text ==
          "tandem::bounded_semaphore::release: all 2 permits are free already; release once per acquire");
    CHECK(s.value() == 2);
    auto permit = co_await s.acquire();
    permit.detach();
    s.release();
    CHECK(s.value() == 2);
}

TANDEM_TEST("misuse: a queue used after shutdown", "[core][misuse][virtual]") {
    using error = tandem::queue_shut_down;
    tandem::queue<int> q;
    q.put_nowait(1);
    q.shutdown();
    q.shutdown();
    const auto puts = [](tandem::queue<int>& to) -> task<> { co_await to.put(2); };
    const auto gets = [](tandem::queue<int>& from) -> task<int> {
        const int v = co_await from.get();
        co_return v;
    };
    const std::string put = co_await text_of_task<error>(puts(q));
    CHECK(put == "tandem::queue::put: the queue was shut down; put before shutdown()");
    CHECK(text_of<error>([&] { q.put_nowait(2); }) ==
          "tandem::queue::put_nowait: the queue was shut down; put before shutdown()");
    CHECK_FALSE(q.try_put(2));
    const int left = co_await gets(q);
    CHECK(left == 1);
    const std::string get = co_await text_of_task<error>(gets(q));
    CHECK(get == "tandem::queue::get: the queue was shut down and is empty");
    CHECK(text_of<error>([&] { q.get_nowait(); }) ==
          "tandem::queue::get_nowait: the queue was shut down and is empty");
    CHECK_FALSE(q.try_get().has_value());
    tandem::broadcast<int> b;
    b.shutdown();
    const auto speaks = [](tandem::broadcast<int>& to) -> task<> { co_await to.put(1); };
    const std::string spoken = co_await text_of_task<error>(speaks(b));
    CHECK(spoken == "tandem::broadcast::put: it was shut down; put before shutdown()");
}

TEST_CASE("misuse: a full queue, an empty one, task_done too often", "[core][misuse][virtual]") {
    tandem::queue<int> q(2);
    const std::string empty = text_of<tandem::queue_empty>([&] { q.get_nowait(); });
    CHECK(empty.rfind("tandem::queue::get_nowait: the queue is empty; co_await get()", 0) == 0);
    q.put_nowait(1);
    q.put_nowait(2);
    const std::string full = text_of<tandem::queue_full>([&] { q.put_nowait(3); });
    CHECK(full.rfind("tandem::queue::put_nowait: the queue is full (2 items); co_await put()", 0) == 0);
    q.task_done();
    q.task_done();
    CHECK(text_of<tandem::invalid_state_error>([&] { q.task_done(); }) ==
          "tandem::queue::task_done: called more often than items were put; call it once for each get");
}

TANDEM_TEST("misuse: a condition without its lock", "[core][misuse][virtual]") {
    using error = tandem::invalid_state_error;
    tandem::lock l;
    tandem::condition c(l);
    const std::string rest = ": the lock is not held; co_await its acquire() first and keep the guard";
    const auto waits = [](tandem::condition& x) -> task<> { co_await x.wait(); };
    const auto waits_for = [](tandem::condition& x) -> task<> { co_await x.wait([] { return true; }); };
    const std::string plain = co_await text_of_task<error>(waits(c));
    CHECK(plain == "tandem::condition::wait" + rest);
    const std::string with_predicate = co_await text_of_task<error>(waits_for(c));
    CHECK(with_predicate == "tandem::condition::wait" + rest);
    CHECK(text_of<error>([&] { c.notify(); }) == "tandem::condition::notify" + rest);
    CHECK(text_of<error>([&] { c.notify_all(); }) == "tandem::condition::notify" + rest);
}

TANDEM_TEST("misuse: a broken barrier", "[core][misuse][virtual]") {
    tandem::barrier b(2);
    b.abort();
    const auto waits = [](tandem::barrier& x) -> task<> { co_await x.wait(); };
    const std::string text = co_await text_of_task<tandem::broken_barrier_error>(waits(b));
    CHECK(text == "tandem::barrier::wait: the barrier was aborted or reset; call reset() to use it again");
}

TEST_CASE("misuse: numbers and ranges that make no sense", "[core][misuse][virtual]") {
    using error = std::invalid_argument;
    CHECK(text_of<error>([] { tandem::barrier b(0); }) == "tandem::barrier: 0 parties; give 1 or more");
    CHECK(text_of<error>([] { static_cast<void>(tandem::limit(0)); }) ==
          "tandem::limit: 0 at a time would never end; give 1 or more");
    CHECK(text_of<error>([] {
              tandem::testing::test_loop loop;
              loop.set_batch(0, 1us);
          }) == "tandem::loop::set_batch: 0 steps; give 1 or more");
    const std::string rest = ": the range is empty and nothing could ever win; give 1 task or more";
    CHECK(text_of<error>([] { static_cast<void>(tandem::race(std::vector<task<int>>())); }) ==
          "tandem::race" + rest);
    CHECK(text_of<error>([] { static_cast<void>(tandem::any_success(std::vector<task<int>>())); }) ==
          "tandem::any_success" + rest);
    CHECK(text_of<error>([] { static_cast<void>(tandem::wait(std::vector<tandem::task_handle<int>>())); }) ==
          "tandem::wait: no handles, nothing could ever end; give 1 or more");
}

TANDEM_TEST("misuse: wait on an empty handle", "[core][misuse][virtual]") {
    const std::vector<tandem::task_handle<int>> handles(1);
    CHECK(text_of<tandem::invalid_state_error>([&] { static_cast<void>(tandem::wait(handles)); }) ==
          "tandem::task_handle::wait: the handle is empty; assign it what create_task gives");
    co_return;
}

// ---- what debug builds alone notice

#ifndef NDEBUG
TEST_CASE("misuse: a task woken off its loop's thread aborts in debug builds", "[core][misuse][threads]") {
    const std::string text = last_words([] {
        const auto body = []() -> task<> {
            tandem::event e;
            const auto waits = [](tandem::event& x) -> task<> { co_await x.wait(); };
            tandem::create_task(waits(e));
            co_await tandem::this_task::checkpoint();  // it waits by now
            std::thread other([&e] { e.set(); });
            other.join();
        };
        tandem::testing::run_virtual(body());
    });
    INFO(text);
    CHECK(contains(text, "tandem: a task is woken off its loop's thread; use call_soon_threadsafe"));
}

TEST_CASE("misuse: a task cancelled, or a callback queued, off the loop's thread aborts in debug builds",
          "[core][misuse][threads]") {
    const std::string cancels = last_words([] {
        const auto body = []() -> task<> {
            const auto parks = []() -> task<> { co_await tandem::sleep(1h); };
            auto h = tandem::create_task(parks());
            std::thread other([&h] { h.cancel(); });
            other.join();
            co_return;
        };
        tandem::testing::run_virtual(body());
    });
    CHECK(contains(cancels, "tandem: a task is cancelled off its loop's thread; use call_soon_threadsafe"));
    const std::string calls = last_words([] {
        const auto body = []() -> task<> {
            tandem::loop_core& loop = tandem::this_task::loop();
            std::thread other([&loop] { loop.call_soon([] {}); });
            other.join();
            co_return;
        };
        tandem::testing::run_virtual(body());
    });
    CHECK(contains(calls, "tandem::call_soon: off the loop's thread; use call_soon_threadsafe"));
}

TEST_CASE("misuse: a task resumed on another thread that awaits there aborts in debug builds",
          "[core][misuse][threads]") {
    // What a foreign awaiter that resumes on its own thread would do.
    const std::string text = last_words([] {
        const auto body = []() -> task<> {
            co_await resumes_elsewhere();
            co_await tandem::sleep(1s);
        };
        tandem::testing::run_virtual(body());
    });
    INFO(text);
    CHECK(contains(text,
                   "tandem: co_await off the loop's thread; hand the work over with call_soon_threadsafe"));
}

TEST_CASE("misuse: a primitive destroyed while tasks wait for it aborts in debug builds",
          "[core][misuse][virtual]") {
    const std::string text = last_words([] {
        const auto body = []() -> task<> {
            std::optional<tandem::event> e(std::in_place);
            const auto waits = [](tandem::event& x) -> task<> { co_await x.wait(); };
            tandem::create_task(waits(*e));
            co_await tandem::this_task::checkpoint();
            e.reset();
        };
        tandem::testing::run_virtual(body());
    });
    INFO(text);
    CHECK(contains(text, "tandem: a primitive is destroyed while tasks wait for it; let it outlive them"));
}
#endif
