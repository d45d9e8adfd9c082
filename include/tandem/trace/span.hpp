// tandem - trace::span, instant, counter: a program's own marks in a recording
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tandem/base/detail/trace_point.hpp>

namespace tandem::inline TANDEM_ABI {
namespace trace {

/// What a mark is called. A string literal costs nothing; any other string is looked up in a table, under a
/// lock, while something is recorded.
class name {
public:
    template <std::size_t N>
    consteval name(const char (&literal)[N]) noexcept : literal_(literal) {}
    name(std::string_view text) noexcept : text_(text) {}
    name(const std::string& text) noexcept : text_(text) {}

    const char* kept_by(const detail::trace_cursor& c) const noexcept {
        return literal_ ? literal_ : c.keep(text_.data(), text_.size());
    }

private:
    const char* literal_ = nullptr;
    std::string_view text_;
};

/// A stretch of the running task, or of this thread where no task runs, from here to `end` or the end of the
/// scope. In a task it may be awaited across.
/// Threads: ends on the thread it began on.
class [[nodiscard("keep the span: it ends with its scope")]] span : private detail::trace_scope {
public:
    explicit span(name what) noexcept {
        if (detail::trace_cursor* const c = detail::tracing()) [[unlikely]] {
            begin(*c, what.kept_by(*c));
        }
    }
    using trace_scope::end;
};

/// Marks a moment of the running task, or of this thread.
inline void instant(name what) noexcept {
    if (detail::trace_cursor* const c = detail::tracing()) [[unlikely]] {
        c->put(detail::trace_kind::instant, c->running(), what.kept_by(*c));
    }
}

/// Notes the value of a counter, drawn as a curve.
template <class Number>
requires std::integral<Number> || std::floating_point<Number>
void counter(name what, Number value) noexcept {
    using detail::trace_kind;
    detail::trace_cursor* const c = detail::tracing();
    if (!c) return;
    const auto id = reinterpret_cast<std::uintptr_t>(what.kept_by(*c));
    if constexpr (std::integral<Number>) {
        c->write(trace_kind::counter, id, static_cast<std::uint64_t>(value), 0);
    } else {
        c->write(trace_kind::counter_real, id, std::bit_cast<std::uint64_t>(static_cast<double>(value)), 0);
    }
}

}  // namespace trace
}  // namespace tandem::inline TANDEM_ABI
