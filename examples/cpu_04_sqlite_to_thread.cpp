// A database driver that blocks: SQLite in a pool of one thread, which is also what serialises its use.
// SPDX-License-Identifier: BSL-1.0
// link: SQLite3 SQLite::SQLite3
// expect: ^1000 rows, sum 499500, the loop ticked meanwhile$
#include <tandem/tandem.hpp>

#include <sqlite3.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"

using namespace std::chrono_literals;

// Plain blocking code; it knows nothing of tasks.
class database {
public:
    explicit database(const std::string& name) {
        sqlite3* opened = nullptr;
        const int code = sqlite3_open(name.c_str(), &opened);
        handle_.reset(opened);
        if (code != SQLITE_OK) throw std::runtime_error("open: " + std::string(sqlite3_errmsg(opened)));
    }
    void execute(const std::string& sql) {
        char* message = nullptr;
        if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
        const std::string text = message ? message : "unknown";
        sqlite3_free(message);
        throw std::runtime_error("execute: " + text);
    }
    void insert(const std::vector<int>& values) {
        execute("begin");
        for (const int value : values) execute("insert into numbers values (" + std::to_string(value) + ")");
        execute("commit");
    }
    long long number(const std::string& sql) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
            throw std::runtime_error("prepare: " + std::string(sqlite3_errmsg(handle_.get())));
        }
        const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(statement, sqlite3_finalize);
        return sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }

private:
    struct close {
        void operator()(sqlite3* handle) const { sqlite3_close(handle); }
    };
    std::unique_ptr<sqlite3, close> handle_;
};

tandem::task<> tick(int& ticks) {
    for (;;) {
        co_await tandem::sleep(1ms);
        ++ticks;
    }
}

// One of ten tasks that write; the pool of one thread keeps their transactions apart.
tandem::task<> write_hundred(tandem::executor& pool, database& db, int from) {
    std::vector<int> values;
    for (int i = 0; i < 100; ++i) values.push_back(from + i);
    co_await tandem::run_in_executor(pool, &database::insert, std::ref(db), std::move(values));
}

tandem::task<> amain() {
    int ticks = 0;
    tandem::create_task(tick, std::ref(ticks));

    // Without a pool of one's own: to_thread, in threads that the loop owns.
    const auto open = [](std::string name) { return std::make_unique<database>(name); };
    const auto db = co_await tandem::to_thread(open, ":memory:");

    tandem::blocking_pool pool(1);
    co_await tandem::run_in_executor(pool, &database::execute, db.get(), "create table numbers (n integer)");
    std::vector<tandem::task<>> writers;
    for (int i = 0; i < 10; ++i) writers.push_back(write_hundred(pool, *db, i * 100));
    co_await tandem::gather(std::move(writers));

    const long long rows =
        co_await tandem::run_in_executor(pool, &database::number, db.get(), "select count(*) from numbers");
    const long long sum =
        co_await tandem::run_in_executor(pool, &database::number, db.get(), "select sum(n) from numbers");
    bool refused = false;
    try {
        co_await tandem::run_in_executor(pool, &database::execute, db.get(), "no such statement");
    } catch (const std::runtime_error& e) {
        refused = true;
        std::cout << "from the thread: " << e.what() << '\n';
    }
    while (ticks == 0) co_await tandem::sleep(1ms);
    check(rows == 1000 && sum == 499'500 && refused, "all rows are there, and a bad statement throws");
    std::cout << rows << " rows, sum " << sum << ", the loop ticked meanwhile\n";
}

int main() { tandem::run(amain()); }
