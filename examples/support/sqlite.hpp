// tandem examples - sqlite: a database file, its statements, its errors as exceptions
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sqlite3.h>

#include <memory>
#include <stdexcept>
#include <string>

/// A connection to an SQLite database. Plain blocking code; it knows nothing of tasks.
/// Threads: one at a time.
class database {
public:
    /// Opens or creates it; a file in the mode in which a killed writer harms nothing.
    explicit database(const std::string& name) {
        sqlite3* opened = nullptr;
        const int code = sqlite3_open(name.c_str(), &opened);
        handle_.reset(opened);
        if (code != SQLITE_OK) throw std::runtime_error("open " + name + ": " + sqlite3_errmsg(opened));
        sqlite3_busy_timeout(opened, 10'000);
        execute("pragma journal_mode = wal");
        execute("pragma synchronous = normal");
    }

    void execute(const std::string& sql) {
        char* message = nullptr;
        if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
        const std::string text = message ? message : "unknown error";
        sqlite3_free(message);
        throw std::runtime_error(sql + ": " + text);
    }

    /// Runs a statement with ? for each of the values, which are texts and whole numbers.
    template <class... Values>
    void run(const std::string& sql, const Values&... values) {
        const statement ready = prepare(sql);
        int place = 0;
        (bind(ready.get(), ++place, values), ...);
        if (sqlite3_step(ready.get()) != SQLITE_DONE) fail(sql);
    }

    /// The first number of the first row.
    long long number(const std::string& sql) {
        const statement ready = prepare(sql);
        if (sqlite3_step(ready.get()) != SQLITE_ROW) fail(sql);
        return sqlite3_column_int64(ready.get(), 0);
    }

private:
    struct close {
        void operator()(sqlite3* handle) const { sqlite3_close(handle); }
        void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
    };
    using statement = std::unique_ptr<sqlite3_stmt, close>;

    statement prepare(const std::string& sql) {
        sqlite3_stmt* made = nullptr;
        if (sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &made, nullptr) != SQLITE_OK) fail(sql);
        return statement(made);
    }
    static void bind(sqlite3_stmt* to, int place, long long value) { sqlite3_bind_int64(to, place, value); }
    static void bind(sqlite3_stmt* to, int place, const std::string& text) {
        sqlite3_bind_text(to, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
    [[noreturn]] void fail(const std::string& sql) {
        throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle_.get()));
    }

    std::unique_ptr<sqlite3, close> handle_;
};
