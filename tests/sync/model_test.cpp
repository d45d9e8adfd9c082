// tandem - random operations on queues and semaphores, held against a model of what they promise
// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/create_task.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using tandem::task;
using tandem_test::settle;

namespace {

class dice {
public:
    explicit dice(std::uint64_t seed) : random_(seed) {}
    int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    std::size_t index(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

private:
    std::mt19937_64 random_;
};

/// What became of a task, or of a call: a number for an item, else a word.
using fate = std::string;
const fate waits = "waits";
const fate stopped = "stopped";
const fate passed = "done";
const fate shut = "shut down";

fate fate_of(const tandem::task_handle<fate>& h) {
    if (!h.done()) return waits;
    return h.cancelled() ? stopped : h.result();
}
template <class F>
fate called(F call) {
    try {
        if constexpr (std::is_void_v<decltype(call())>) {
            call();
            return passed;
        } else {
            return call();
        }
    } catch (const tandem::queue_full&) {
        return "full";
    } catch (const tandem::queue_empty&) {
        return "empty";
    } catch (const tandem::queue_shut_down&) {
        return shut;
    } catch (const tandem::invalid_state_error&) {
        return "invalid";
    }
}

// ---- the queues

template <class Queue>
task<fate> puts(Queue& q, int item) {
    fate end = passed;
    try {
        co_await q.put(item);
    } catch (const tandem::queue_shut_down&) {
        end = shut;
    }
    co_return end;
}
template <class Queue>
task<fate> gets(Queue& q) {
    fate end = shut;
    try {
        end = std::to_string(co_await q.get());
    } catch (const tandem::queue_shut_down&) {
    }
    co_return end;
}
template <class Queue>
task<fate> takes_next(Queue& q) {
    const std::optional<int> item = co_await q.next();
    co_return item ? std::to_string(*item) : shut;
}
template <class Queue>
task<fate> joins(Queue& q) {
    co_await q.join();
    co_return passed;
}

enum class leaves { oldest, newest, smallest };

class queue_model {
public:
    queue_model(leaves order, std::size_t maxsize) : order_(order), maxsize_(maxsize) {}

    bool full() const { return maxsize_ != 0 && items.size() >= maxsize_; }

    // Of the task `id`, when it has its turn.
    void put(std::size_t id, int item) {
        if (shut_down) return end(id, shut);
        if (!full()) return end(id, accept(item));
        putters.push_back(id);
        pending[id] = item;
    }
    void get(std::size_t id) {
        if (!items.empty()) return end(id, std::to_string(take()));
        if (shut_down) return end(id, shut);
        getters.push_back(id);
    }
    void join(std::size_t id) {
        if (unfinished == 0) return end(id, passed);
        joiners.push_back(id);
    }
    // At once.
    fate put_nowait(int item) {
        if (shut_down) return shut;
        if (full()) return "full";
        return accept(item);
    }
    fate get_nowait() {
        if (!items.empty()) return std::to_string(take());
        return shut_down ? shut : "empty";
    }
    fate task_done() {
        if (unfinished == 0) return "invalid";
        return finish(1);
    }
    void cancel(std::size_t id) {
        for (std::deque<std::size_t>* line : {&putters, &getters, &joiners}) {
            const auto at = std::find(line->begin(), line->end(), id);
            if (at == line->end()) continue;
            line->erase(at);
            end(id, stopped);
        }
    }
    void shutdown(bool immediate) {
        shut_down = true;
        end_all(putters, shut);
        if (immediate) {
            const std::size_t dropped = items.size();
            items.clear();
            finish(dropped);
        }
        end_all(getters, shut);
    }
    void end(std::size_t id, const fate& how) { fates[id] = how; }

    std::vector<int> items;
    std::deque<std::size_t> putters, getters, joiners;
    std::vector<int> pending;
    std::vector<fate> fates;
    std::size_t unfinished = 0;
    bool shut_down = false;

private:
    fate accept(int item) {
        ++unfinished;
        if (getters.empty()) {
            items.push_back(item);
        } else {
            end(getters.front(), std::to_string(item));
            getters.pop_front();
        }
        return passed;
    }
    int take() {
        auto at = order_ == leaves::newest ? items.end() - 1 : items.begin();
        if (order_ == leaves::smallest) at = std::min_element(items.begin(), items.end());
        const int item = *at;
        items.erase(at);
        if (!putters.empty()) {
            items.push_back(pending[putters.front()]);
            ++unfinished;
            end(putters.front(), passed);
            putters.pop_front();
        }
        return item;
    }
    fate finish(std::size_t count) {
        unfinished -= count;
        if (unfinished == 0) end_all(joiners, passed);
        return passed;
    }
    void end_all(std::deque<std::size_t>& line, const fate& how) {
        for (const std::size_t id : line) end(id, how);
        line.clear();
    }

    leaves order_;
    std::size_t maxsize_;
};

/// Bursts of calls without a turn in between, then a turn for everybody, then a comparison.
template <class Queue>
task<> play(leaves order, std::uint64_t seed) {
    dice random(seed);
    const std::size_t maxsize = random.index(4);
    Queue q(maxsize);
    queue_model model(order, maxsize);
    std::vector<tandem::task_handle<fate>> tasks;
    int last_item = 0;
    for (int round = 0; round < 25; ++round) {
        std::vector<int> begun;  // what the tasks that this burst starts will do
        const std::size_t first = tasks.size();
        for (int i = 1 + random.below(4); i > 0; --i) {
            const int item = random.below(2) == 0 ? ++last_item : 1000 - ++last_item;
            const int call = random.below(100);
            if (call < 45) {
                begun.push_back(call);
                model.fates.push_back(waits);
                model.pending.push_back(item);
                tasks.push_back(call < 18   ? tandem::create_task(puts(q, item))
                                : call < 32 ? tandem::create_task(gets(q))
                                : call < 40 ? tandem::create_task(takes_next(q))
                                            : tandem::create_task(joins(q)));
            } else if (call < 55) {
                CHECK(called([&] { q.put_nowait(item); }) == model.put_nowait(item));
            } else if (call < 63) {
                CHECK(called([&] { return std::to_string(q.get_nowait()); }) == model.get_nowait());
            } else if (call < 67) {
                CHECK(q.try_put(item) == (model.put_nowait(item) == passed));
            } else if (call < 71) {
                const std::optional<int> taken = q.try_get();
                const fate expected = model.get_nowait();
                CHECK((taken ? std::to_string(*taken) : "none") ==
                      (expected == shut || expected == "empty" ? "none" : expected));
            } else if (call < 82) {
                CHECK(called([&] { q.task_done(); }) == model.task_done());
            } else if (call < 97 && !tasks.empty()) {
                const std::size_t id = random.index(tasks.size());
                tasks[id].cancel();
                if (id < first) model.cancel(id);
                if (id >= first) model.fates[id] = stopped;  // before its first turn
            } else if (call == 97 && round > 12) {
                q.shutdown();
                model.shutdown(false);
            } else if (call >= 98 && round > 15) {
                q.shutdown(true);
                model.shutdown(true);
            }
        }
        for (std::size_t i = 0; i < begun.size(); ++i) {
            const std::size_t id = first + i;
            if (model.fates[id] == stopped) continue;
            if (begun[i] < 18) {
                model.put(id, model.pending[id]);
            } else if (begun[i] < 40) {
                model.get(id);
            } else {
                model.join(id);
            }
        }
        co_await settle();
        for (std::size_t id = 0; id < tasks.size(); ++id) {
            INFO("round " << round << ", task " << id);
            CHECK(fate_of(tasks[id]) == model.fates[id]);
        }
        const tandem::queue_statistics s = q.statistics();
        CHECK(s.size == model.items.size());
        CHECK(s.maxsize == maxsize);
        CHECK(s.unfinished == model.unfinished);
        CHECK(s.waiting_to_put == model.putters.size());
        CHECK(s.waiting_to_get == model.getters.size());
        CHECK(s.waiting_to_join == model.joiners.size());
        CHECK(q.full() == model.full());
    }
    for (const auto& t : tasks) t.cancel();
    co_await settle();
}

// ---- the semaphores

/// Takes a permit for good.
task<fate> acquires(tandem::semaphore& s) {
    auto permit = co_await s.acquire();
    permit.detach();
    co_return passed;
}

task<> play_with_permits(bool bounded, std::uint64_t seed) {
    dice random(seed);
    const std::size_t most = 1 + random.index(3);
    tandem::semaphore plain(most);
    tandem::bounded_semaphore limited(most);
    tandem::semaphore& s = bounded ? limited : plain;
    std::size_t free = most;
    std::deque<std::size_t> line;
    std::vector<fate> fates;
    std::vector<tandem::task_handle<fate>> tasks;
    for (int round = 0; round < 25; ++round) {
        const std::size_t first = tasks.size();
        for (int i = 1 + random.below(4); i > 0; --i) {
            const int call = random.below(10);
            if (call < 4) {
                tasks.push_back(tandem::create_task(acquires(s)));
                fates.push_back(waits);
            } else if (call < 7) {
                const bool refused = bounded && free == most;
                CHECK(called([&] { s.release(); }) == (refused ? "invalid" : passed));
                if (refused) continue;
                if (line.empty()) {
                    ++free;
                } else {
                    fates[line.front()] = passed;
                    line.pop_front();
                }
            } else if (call < 8) {
                auto permit = s.try_acquire();
                CHECK(static_cast<bool>(permit) == (free != 0));
                if (!permit) continue;
                permit->detach();
                --free;
            } else if (!tasks.empty()) {
                const std::size_t id = random.index(tasks.size());
                tasks[id].cancel();
                const auto at = std::find(line.begin(), line.end(), id);
                if (at == line.end() && id < first) continue;
                if (at != line.end()) line.erase(at);
                fates[id] = stopped;
            }
        }
        for (std::size_t id = first; id < tasks.size(); ++id) {
            if (fates[id] == stopped) continue;
            if (free == 0) {
                line.push_back(id);
            } else {
                --free;
                fates[id] = passed;
            }
        }
        co_await settle();
        for (std::size_t id = 0; id < tasks.size(); ++id) {
            INFO("round " << round << ", task " << id);
            CHECK(fate_of(tasks[id]) == fates[id]);
        }
        CHECK(s.value() == free);
        CHECK(s.statistics().waiting == line.size());
        CHECK(s.locked() == (free == 0));
    }
    for (const auto& t : tasks) t.cancel();
    co_await settle();
}

template <class F>
void for_seeds(F play_once) {
    const auto frames_before = tandem::detail::live_frames;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        INFO("seed " << seed);
        tandem::testing::run_virtual(play_once(seed));
    }
    CHECK(tandem::detail::live_frames == frames_before);
}

}  // namespace

TEST_CASE("queues: random calls and cancels, also in one turn, have the effect they have on a model",
          "[sync][queue][virtual][model]") {
    for_seeds([](std::uint64_t seed) { return play<tandem::queue<int>>(leaves::oldest, seed); });
    for_seeds([](std::uint64_t seed) { return play<tandem::lifo_queue<int>>(leaves::newest, seed); });
    for_seeds([](std::uint64_t seed) { return play<tandem::priority_queue<int>>(leaves::smallest, seed); });
}

TEST_CASE("semaphores: random calls and cancels, also in one turn, have the effect they have on a model",
          "[sync][semaphore][virtual][model]") {
    for_seeds([](std::uint64_t seed) { return play_with_permits(false, seed); });
    for_seeds([](std::uint64_t seed) { return play_with_permits(true, seed); });
}
