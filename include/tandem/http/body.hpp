// tandem - bodies that are made while they are sent: from a coroutine, from a file
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/http/message.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// A body from a coroutine: `fn(args...)` gives a `task<std::string>`, the next piece, again and again until
/// a piece is empty: `client.post(url).body(streamed(next_line, std::ref(queue)))`. Sent in chunks.
/// Errors: what `fn` throws ends the request. It cannot be sent twice: a redirect that asks for it again is
///   `body_not_replayable`.
/// Lifetime: `fn` and `args` are kept by value; `std::ref` passes a reference that you keep alive.
template <class F, class... Args>
std::shared_ptr<body_source> streamed(F&& fn, Args&&... args);

/// A body from a file, from its beginning to the end that it has now; can be sent again.
/// Errors: `std::system_error` here if it cannot be opened, in the request if it cannot be read.
/// Threads: reads 64 KiB at a time on the loop's thread; for slow disks use `streamed` and `to_thread`.
std::shared_ptr<body_source> file_body(const std::string& path);

// ---- implementation

namespace detail {

template <class Fn, class Kept>
class streamed_body final : public body_source {
public:
    template <class F>
    streamed_body(F&& fn, Kept&& args) : fn_(std::forward<F>(fn)), args_(std::move(args)) {}

    task<std::string> next() override { return std::apply(fn_, args_); }

private:
    Fn fn_;
    Kept args_;
};

/// A file that is open for reading.
class open_file {
public:
    explicit open_file(const std::string& path)
        : name_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        struct stat about {};
        if (fd_ < 0 || ::fstat(fd_, &about) != 0) failed("opened");
        size_ = static_cast<std::uint64_t>(about.st_size);
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }

    std::uint64_t size() const noexcept { return size_; }
    void rewind() noexcept { at_ = 0; }
    /// Some bytes; none at the end, which is where it was when the file was opened.
    std::string read() {
        std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(size_ - at_, 64 * 1024)), '\0');
        if (piece.empty()) return piece;
        const ssize_t got = ::pread(fd_, piece.data(), piece.size(), static_cast<off_t>(at_));
        if (got < 0) failed("read");
        piece.resize(static_cast<std::size_t>(got));
        at_ += piece.size();
        return piece;
    }

private:
    [[noreturn]] void failed(const char* done) {
        const int error = errno;
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
        throw std::system_error(error, std::generic_category(),
                                "tandem::http: the file " + shown(name_) + " cannot be " + done);
    }

    std::string name_;
    std::uint64_t size_ = 0;
    std::uint64_t at_ = 0;
    int fd_;
};

class file_source final : public body_source {
public:
    explicit file_source(const std::string& path) : file_(path) {}

    task<std::string> next() override { co_return file_.read(); }
    std::optional<std::uint64_t> length() const override { return file_.size(); }
    bool rewind() override { return file_.rewind(), true; }

private:
    open_file file_;
};

}  // namespace detail

template <class F, class... Args>
std::shared_ptr<body_source> streamed(F&& fn, Args&&... args) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    using function = tandem::detail::callable_t<F>;
    using kept = std::tuple<std::unwrap_ref_decay_t<Args>...>;
    static_assert(
        std::is_invocable_r_v<task<std::string>, function&, std::unwrap_ref_decay_t<Args>&...>,
        "tandem::http::streamed: fn(args...) returns a task<std::string>, the next piece of the body");
    return std::make_shared<detail::streamed_body<function, kept>>(tandem::detail::forward_callable<F>(fn),
                                                                   kept(std::forward<Args>(args)...));
}

inline std::shared_ptr<body_source> file_body(const std::string& path) {
    return std::make_shared<detail::file_source>(path);
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
