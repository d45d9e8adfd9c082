// tandem - what the compilers must get right: objects in coroutine frames are destroyed once, where they are
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <tandem/base/callable.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/sync/condition.hpp>
#include <tandem/sync/lock.hpp>
#include <tandem/tasks/as_completed.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/sweep.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;

namespace {

int live = 0;
int misplaced = 0;
int resumed = 0;

// Counts live objects and keeps its address: a bitwise copy or a second destruction is seen.
class item {
public:
    item(int v = 0) : value(v), self_(this) { ++live; }
    item(const item& other) : value(other.value), self_(this) { ++live; }
    item(item&& other) noexcept : value(other.value), self_(this) { ++live; }
    item& operator=(const item& other) {
        value = other.value;
        return *this;
    }
    ~item() {
        if (self_ != this) ++misplaced;
        self_ = nullptr;
        --live;
    }
    bool in_place() const noexcept { return self_ == this; }

    int value;

private:
    const item* self_;
};

task<int> pause(int v = 1) {
    co_await tandem::sleep(1s);
    ++resumed;
    co_return v;
}
task<item> makes(int v) {
    co_await tandem::sleep(1s);
    co_return item(v);
}
task<int> by_value(item a, int v) {
    co_await tandem::sleep(1s);
    co_return a.value + v;
}
task<int> by_reference(const item& a) {
    co_await tandem::sleep(1s);
    co_return a.in_place() ? a.value : -1;
}
task<int> takes_owner(std::unique_ptr<item> p) {
    co_await tandem::sleep(1s);
    co_return p->value;
}
task<int> takes_text(std::string s) {
    co_await tandem::sleep(1s);
    co_return static_cast<int>(s.size());
}
task<int> takes_function(std::function<int()> fn) {
    co_await tandem::sleep(1s);
    co_return fn();
}
int plain(const item& a, int v) { return a.in_place() ? a.value + v : -1; }
int plain_value(item a, int v) { return a.value + v; }
item make(int v) { return item(v); }
std::vector<item> make_several() {
    std::vector<item> v;
    v.emplace_back(1);
    v.emplace_back(2);
    return v;
}

class with_constructor {
public:
    with_constructor(item a, int v, item b) : first(std::move(a)), number(v), second(std::move(b)) {}
    item first;
    int number;
    item second;
};

// An awaiter that owns one item and refers to another.
class owning_leaf final : public tandem::leaf {
public:
    owning_leaf(const item& seen, item owned) : seen_(seen), owned_(std::move(owned)) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) complete();
    }
    int await_resume() const noexcept { return seen_.in_place() && owned_.in_place() ? seen_.value + owned_.value : -1; }
    const char* kind() const noexcept override { return "owning"; }

private:
    tandem::detach on_cancel() noexcept override { return tandem::detach::later; }
    const item& seen_;
    item owned_;
};
[[nodiscard("co_await it")]] owning_leaf owning(const item& seen, item owned) { return owning_leaf(seen, std::move(owned)); }

class functor {
public:
    explicit functor(item i) : item_(std::move(i)) {}
    task<int> operator()() const {
        co_await tandem::sleep(1s);
        co_return item_.in_place() ? item_.value : -1;
    }

private:
    item item_;
};

// ---- shapes: each has two suspensions or more

task<> temporary_by_value() {
    const int a = plain_value(item(1), co_await pause());
    const int b = co_await by_value(item(2), 1);
    CHECK(a + b == 5);
}
task<> temporary_by_reference() {
    const int a = plain(item(1), co_await pause());
    const int b = co_await by_reference(item(2));
    CHECK(a + b == 4);
}
task<> local_object() {
    item a(1);
    co_await pause();
    CHECK(a.in_place());
    const item b(2);
    co_await pause();
    CHECK(b.in_place());
}
task<> nested_scopes() {
    item a(1);
    {
        item b(2);
        co_await pause();
        {
            item c(3);
            co_await pause();
            CHECK(c.in_place());
        }
        CHECK(b.in_place());
    }
    CHECK(a.in_place());
}
task<> constructor_with_parentheses() {
    const int v = co_await pause();
    const with_constructor x(item(1), v, item(2));
    const with_constructor y(item(1), co_await pause(), item(2));
    CHECK(x.number + y.number == 2);
    CHECK(y.second.in_place());
}
task<> awaiter_with_temporaries() {
    const int a = co_await owning(item(1), item(2));
    const int b = co_await owning(make(3), make(4));
    CHECK(a + b == 10);
}
task<> range_for_over_a_local() {
    const std::vector<item> items = make_several();
    int sum = 0;
    for (const item& i : items) sum += i.value * co_await pause();
    CHECK(sum == 3);
}
task<> range_for_over_a_temporary() {
    int sum = 0;
    for (const item& i : make_several()) {
        const int v = co_await pause();
        sum += i.in_place() ? i.value * v : -10;
    }
    CHECK(sum == 3);
}
task<std::vector<item>> awaits_several() {
    co_await tandem::sleep(1s);
    co_return make_several();
}
task<> range_for_over_an_awaited() {
    int sum = 0;
    for (const item& i : co_await awaits_several()) {
        const int v = co_await pause();
        sum += i.value * v;
    }
    CHECK(sum == 3);
}
task<> init_statement() {
    if (const item i = make(3); i.value == 3) {
        const int v = co_await pause();
        CHECK(v + i.value == 4);
    }
    if (auto i = co_await makes(4); i.value == 4) {
        co_await pause();
        CHECK(i.in_place());
    }
}
task<> condition_with_a_top_level_local() {
    item local(1);
    const bool yes = co_await pause() == 1;
    if (yes) co_await pause();
    CHECK(local.in_place());
}
task<> try_block() {
    try {
        item a(1);
        co_await pause();
        item b(2);
        co_await pause();
        throw std::runtime_error("x");
    } catch (const std::runtime_error&) {
        CHECK(live == 0);
    }
    co_await pause();
}
task<> try_then_await() {
    int caught = 0;
    for (int i = 0; i < 2; ++i) {
        try {
            const item a(i);
            throw i;
        } catch (int) {
            ++caught;
        }
        co_await pause();
    }
    CHECK(caught == 2);
}
task<> new_and_make_unique() {
    const auto p = std::make_unique<item>(co_await pause());
    // Not `new item(co_await pause())`: the room is taken first and leaks when the frame is destroyed there.
    const int w = co_await pause();
    const std::unique_ptr<item> q(new item(w));
    const auto r = std::make_unique<item>(co_await makes(2));
    CHECK(p->value + q->value + r->value == 4);
}
task<> containers() {
    std::vector<item> v;
    v.push_back(co_await makes(1));
    v.emplace_back(co_await pause());
    std::map<int, item> m;
    m[1] = co_await makes(5);
    m[co_await pause(2)] = item(6);
    CHECK(v.size() == 2);
    CHECK(m[1].value + m[2].value == 11);
}
task<> by_value_parameters() {
    const int a = co_await by_value(make(1), 2);
    item kept(5);
    const int b = co_await by_value(kept, 1);
    const int c = co_await by_value(std::move(kept), 1);
    CHECK(a + b + c == 15);
}
task<> owner_parameter() {
    const int a = co_await takes_owner(std::make_unique<item>(3));
    auto p = std::make_unique<item>(4);
    const int b = co_await takes_owner(std::move(p));
    CHECK(a + b == 7);
}
task<> text_arguments() {
    const int a = co_await takes_text("a literal that is long enough to need the heap");
    const std::string s = "another text that is long enough to need the heap";
    const int b = co_await takes_text(s + " and more");
    const int c = co_await takes_text(std::string(std::string_view(s)));
    CHECK(a + b + c == 46 + 58 + 49);
}
task<> scalar_ternary() {
    const item i(1);
    const int v = co_await pause();
    const int w = v == 1 ? i.value : 0;
    co_await pause(w);
    CHECK(w == 1);
}
task<> array_of_items() {
    const item items[3] = {item(1), item(2), item(3)};
    co_await pause();
    const std::array<int, 2> numbers{1, 2};
    co_await pause();
    CHECK(items[2].in_place());
    CHECK(numbers[1] == 2);
}
task<> switch_case() {
    const int v = co_await pause(2);
    switch (v) {
        case 2: {
            const item i(2);
            co_await pause();
            CHECK(i.in_place());
            break;
        }
        default: co_await pause();
    }
}
task<> endless_loop() {
    for (int turn = 0;; ++turn) {
        const item i(turn);
        co_await pause();
        if (turn == 2) break;
    }
}
task<> concatenation() {
    std::string s = "a text that is long enough to need the heap, ";
    const std::string t = s + std::to_string(co_await pause()) + s;
    s += co_await []() -> task<std::string> {
        co_await tandem::sleep(1s);
        co_return "and another one that needs the heap as well";
    }();
    CHECK(t.size() == 91);
    CHECK(s.size() == 88);
}
task<> binding_in_two_steps() {
    for (int i = 0; i < 2; ++i) {
        auto both = co_await tandem::gather(makes(i), makes(i + 1));
        auto& [a, b] = both;
        co_await pause();
        CHECK(a.value + 1 == b.value);
        CHECK(b.in_place());
    }
}
task<> task_made_before() {
    auto t = by_value(item(1), 2);
    co_await pause();
    const int v = co_await std::move(t);
    CHECK(v == 3);
}
task<> optional_pair_tuple() {
    const auto takes = [](std::optional<item> o, std::pair<item, int> p, std::tuple<item, item> t) -> task<int> {
        co_await tandem::sleep(1s);
        co_return o->value + p.first.value + std::get<1>(t).value;
    };
    const int v = co_await takes(item(1), std::pair<item, int>(item(2), 0), std::tuple<item, item>(item(3), item(4)));
    CHECK(v == 7);
    co_await pause();
}
task<> reference_members() {
    const functor f(item(3));
    const int a = co_await f();
    const int b = co_await functor(item(4))();
    CHECK(a + b == 7);
}
task<> named_closures() {
    const auto i = std::make_shared<item>(5);
    const std::function<int()> named = [i] { return i->value; };
    const int a = co_await takes_function(named);
    auto moved = [i] { return i->value; };
    const int b = co_await takes_function(std::move(moved));
    const int c = co_await takes_function(std::bind([](const std::shared_ptr<item>& p) { return p->value; }, i));
    CHECK(a + b + c == 15);
}
task<> default_source_location() {
    const auto takes = [](item i, std::source_location where = std::source_location::current()) -> task<unsigned> {
        co_await tandem::sleep(1s);
        co_return static_cast<unsigned>(i.value) + where.line();
    };
    const unsigned line = co_await takes(item(0));
    CHECK(line != 0);
}
class throwing_copy {
public:
    throwing_copy() = default;
    throwing_copy(const throwing_copy&) { throw std::runtime_error("copy"); }
    item guard{1};
};
task<> throwing_parameter_copy() {
    const throwing_copy source;
    const auto takes = [](item a, throwing_copy) -> task<int> { co_return a.value; };
    bool thrown = false;
    try {
        co_await takes(item(1), source);
    } catch (const std::runtime_error&) {
        thrown = true;
    }
    CHECK(thrown);
    co_await pause();
}

// ---- every call that takes a callable, in every safe spelling

task<> group_bodies() {
    item i(2);
    const int a = co_await tandem::with_task_group([&](tandem::task_group& group) -> task<int> {
        group.create_task(by_value(i, 1));
        const int v = co_await pause();
        co_return v + i.value;
    });
    const auto named = [i](tandem::task_group&) -> task<int> {
        co_await tandem::sleep(1s);
        co_return i.in_place() ? i.value : -1;
    };
    const int b = co_await tandem::with_task_group(named);
    auto given = [i](tandem::task_group&) -> task<int> {
        co_await tandem::sleep(1s);
        co_return i.in_place() ? i.value : -1;
    };
    const int c = co_await tandem::with_task_group(tandem::moved(given));
    const int d = co_await tandem::with_task_group([](tandem::task_group& group) -> task<int> {
        auto h = group.create_task([](item x, int y) -> task<int> { co_return x.value + y; }, item(1), 1);
        const int v = co_await h;
        co_return v;
    });
    CHECK(a + b + c + d == 9);
}
task<> child_closures() {
    item i(2);
    int sum = 0;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        const auto with_item = [i](int& to) -> task<> {
            co_await tandem::sleep(1s);
            to += i.in_place() ? i.value : -100;
        };
        group.create_task(with_item, std::ref(sum));
        group.create_task([i](int& to) -> task<> {
            co_await tandem::sleep(1s);
            to += i.in_place() ? i.value : -100;
        }, std::ref(sum));
        group.create_task([](const item& x, int& to) -> task<> {
            co_await tandem::sleep(1s);
            to += x.in_place() ? x.value : -100;
        }, i, std::ref(sum));
        co_return;
    });
    CHECK(sum == 6);
}
task<> cleanup_closures() {
    int cleaned = 0;
    const item i(1);
    co_await tandem::finally(pause(), [&]() -> task<> {
        co_await tandem::sleep(1s);
        cleaned += i.value;
    });
    const auto named = [i, &cleaned]() -> task<> {
        co_await tandem::sleep(1s);
        cleaned += i.in_place() ? i.value : -100;
    };
    co_await tandem::finally(pause(), named);
    auto given = [i, &cleaned]() -> task<> {
        co_await tandem::sleep(1s);
        cleaned += i.in_place() ? i.value : -100;
    };
    co_await tandem::finally(pause(), tandem::moved(given));
    CHECK(cleaned == 3);
}
task<> arrival_closures() {
    const item i(1);
    int sum = 0;
    std::vector<task<int>> first;
    first.push_back(pause());
    co_await tandem::as_completed(std::move(first), [&](std::size_t, tandem::outcome<int> r) { sum += r.value(); });
    std::vector<task<int>> second;
    second.push_back(pause());
    const auto named = [i, &sum](std::size_t, tandem::outcome<int> r) -> task<> {
        co_await tandem::sleep(1s);
        sum += i.in_place() ? r.value() : -100;
    };
    co_await tandem::as_completed(std::move(second), named);
    std::vector<task<int>> third;
    third.push_back(pause());
    auto given = [i, &sum](std::size_t, tandem::outcome<int> r) { sum += i.in_place() ? r.value() : -100; };
    co_await tandem::as_completed(std::move(third), tandem::moved(given));
    CHECK(sum == 3);
}
task<> predicate_closures() {
    tandem::lock l;
    tandem::condition c(l);
    const item i(1);
    int asked = 0;
    auto guard = co_await l.acquire();
    co_await c.wait([&] { return ++asked > 0; });
    const auto named = [i, &asked] { return i.in_place() && ++asked > 0; };
    co_await c.wait(named);
    auto given = [i, &asked] { return i.in_place() && ++asked > 0; };
    co_await c.wait(tandem::moved(given));
    CHECK(asked == 3);
    co_await pause();
}

class shape {
public:
    shape(const char* n, task<> (*f)()) : name(n), run(f) {}
    const char* name;
    task<> (*run)();
};
#define TANDEM_SHAPE(f) shape(#f, &f)
const std::vector<shape>& shapes() {
    static const std::vector<shape> all{
        TANDEM_SHAPE(temporary_by_value), TANDEM_SHAPE(temporary_by_reference), TANDEM_SHAPE(local_object),
        TANDEM_SHAPE(nested_scopes), TANDEM_SHAPE(constructor_with_parentheses), TANDEM_SHAPE(awaiter_with_temporaries),
        TANDEM_SHAPE(range_for_over_a_local), TANDEM_SHAPE(range_for_over_a_temporary),
        TANDEM_SHAPE(range_for_over_an_awaited), TANDEM_SHAPE(init_statement),
        TANDEM_SHAPE(condition_with_a_top_level_local), TANDEM_SHAPE(try_block), TANDEM_SHAPE(try_then_await),
        TANDEM_SHAPE(new_and_make_unique), TANDEM_SHAPE(containers), TANDEM_SHAPE(by_value_parameters),
        TANDEM_SHAPE(owner_parameter), TANDEM_SHAPE(text_arguments), TANDEM_SHAPE(scalar_ternary),
        TANDEM_SHAPE(array_of_items), TANDEM_SHAPE(switch_case), TANDEM_SHAPE(endless_loop),
        TANDEM_SHAPE(concatenation), TANDEM_SHAPE(binding_in_two_steps), TANDEM_SHAPE(task_made_before),
        TANDEM_SHAPE(optional_pair_tuple), TANDEM_SHAPE(reference_members), TANDEM_SHAPE(named_closures),
        TANDEM_SHAPE(default_source_location), TANDEM_SHAPE(throwing_parameter_copy)};
    return all;
}
const std::vector<shape>& calls_with_callables() {
    static const std::vector<shape> all{TANDEM_SHAPE(group_bodies), TANDEM_SHAPE(child_closures),
                                        TANDEM_SHAPE(cleanup_closures), TANDEM_SHAPE(arrival_closures),
                                        TANDEM_SHAPE(predicate_closures)};
    return all;
}

std::string balance() {
    const std::string wrong = std::to_string(live) + " objects live, " + std::to_string(misplaced) + " misplaced";
    const bool fine = live == 0 && misplaced == 0;
    live = 0;
    misplaced = 0;
    return fine ? std::string() : wrong;
}

void completes(const shape& s) {
    INFO(s.name);
    resumed = 0;
    CHECK_NOTHROW(tandem::testing::run_virtual(s.run()));
    CHECK(balance().empty());
}
void is_destroyed_at_each_suspension(const shape& s) {
    INFO(s.name);
    const auto report = tandem::testing::sweep_cancel([&] { return s.run(); }, [] { return balance(); });
    CHECK(report.stopped() >= 2);
}

}  // namespace

TEST_CASE("compiler: the balance counter notices what it is there for", "[core][compiler][virtual]") {
    {
        alignas(item) unsigned char room[sizeof(item)];
        item* const a = new item(1);
        std::memcpy(static_cast<void*>(room), static_cast<const void*>(a), sizeof(item));
        std::launder(reinterpret_cast<item*>(room))->~item();
        delete a;
    }
    CHECK(balance() == "-1 objects live, 1 misplaced");
}

TEST_CASE("compiler: every safe form keeps objects in balance when it completes", "[core][compiler][virtual]") {
    for (const shape& s : shapes()) completes(s);
}

TEST_CASE("compiler: every safe form keeps objects in balance when destroyed at each suspension",
          "[core][compiler][virtual]") {
    for (const shape& s : shapes()) is_destroyed_at_each_suspension(s);
}

TEST_CASE("compiler: calls that take a callable keep it in balance in every safe spelling", "[core][compiler][virtual]") {
    for (const shape& s : calls_with_callables()) completes(s);
}

TEST_CASE("compiler: calls that take a callable keep it in balance when destroyed at each suspension",
          "[core][compiler][virtual]") {
    for (const shape& s : calls_with_callables()) is_destroyed_at_each_suspension(s);
}

TEST_CASE("compiler: a task that is never awaited destroys its arguments once", "[core][compiler][virtual]") {
    {
        auto a = by_value(item(1), 2);
        auto b = takes_owner(std::make_unique<item>(2));
        auto c = takes_function([i = std::make_shared<item>(3)] { return i->value; });
        CHECK(live == 3);
        a = by_value(item(4), 5);
        CHECK(live == 3);
    }
    CHECK(balance().empty());
}
