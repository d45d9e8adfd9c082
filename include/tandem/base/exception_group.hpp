// tandem - several failures as one exception, with the handling of Python's except*
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tandem/base/error.hpp>

namespace tandem::inline TANDEM_ABI {

/// Carries the failures of a scope, in the order in which they happened. Nested groups stay nested.
class exception_group : public error {
public:
    explicit exception_group(std::vector<std::exception_ptr> exceptions);

    /// The direct members; a member may be an exception_group itself.
    const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

    /// The number of direct members.
    std::size_t size() const noexcept { return exceptions_.size(); }

    /// All exceptions that are not groups, depth first.
    std::vector<std::exception_ptr> flatten() const;

    /// Says whether an `E` is in this group or in a group inside it.
    template <class E>
    bool contains() const;

    /// Splits into what matches `E` and the rest; nesting is kept, a side without members is empty.
    template <class E>
    std::pair<std::optional<exception_group>, std::optional<exception_group>> split() const;

    /// Calls `fn(E&)` for each `E`, also inside nested groups, and removes it: Python's `except*`.
    /// Gives the number handled. If `fn` throws, the exception it was called with stays in the group.
    template <class E, class Fn>
    std::size_t handle(Fn&& fn);

    /// Throws what `handle` has left over: nothing, if it took everything.
    void rethrow_unhandled() const {
        if (!exceptions_.empty()) throw exception_group(exceptions_);
    }

    /// Throws the only exception bare if exactly one is left, the group otherwise.
    [[noreturn]] void rethrow_if_single() const;

private:
    static std::string describe(const std::vector<std::exception_ptr>& exceptions);
    static bool is_group(const std::exception_ptr& e, std::vector<std::exception_ptr>& members);

    template <class E>
    static bool matches(const std::exception_ptr& e);
    template <class E, class Fn>
    static std::size_t handle_in(std::vector<std::exception_ptr>& members, Fn& fn);

    std::vector<std::exception_ptr> exceptions_;
};

// ---- implementation

TANDEM_COLD inline exception_group::exception_group(std::vector<std::exception_ptr> exceptions)
    : error(describe(exceptions)), exceptions_(std::move(exceptions)) {}

TANDEM_COLD inline std::string exception_group::describe(const std::vector<std::exception_ptr>& exceptions) {
    std::string text = "tandem::exception_group: " + std::to_string(exceptions.size()) +
                       (exceptions.size() == 1 ? " exception" : " exceptions");
    return exceptions.empty() ? text : text + ", the first: " + detail::message_of(exceptions.front());
}

inline bool exception_group::is_group(const std::exception_ptr& e, std::vector<std::exception_ptr>& members) {
    try {
        std::rethrow_exception(e);
    } catch (const exception_group& group) {
        members = group.exceptions_;
        return true;
    } catch (...) {
        return false;
    }
}

inline std::vector<std::exception_ptr> exception_group::flatten() const {
    std::vector<std::exception_ptr> flat;
    std::vector<std::exception_ptr> open(exceptions_.rbegin(), exceptions_.rend());
    std::vector<std::exception_ptr> members;
    while (!open.empty()) {
        std::exception_ptr e = std::move(open.back());
        open.pop_back();
        if (is_group(e, members)) {
            open.insert(open.end(), members.rbegin(), members.rend());
        } else {
            flat.push_back(std::move(e));
        }
    }
    return flat;
}

template <class E>
bool exception_group::matches(const std::exception_ptr& e) {
    try {
        std::rethrow_exception(e);
    } catch (const E&) {
        return true;
    } catch (...) {
        return false;
    }
}

template <class E>
bool exception_group::contains() const {
    for (const std::exception_ptr& e : flatten()) {
        if (matches<E>(e)) return true;
    }
    return false;
}

template <class E>
std::pair<std::optional<exception_group>, std::optional<exception_group>> exception_group::split() const {
    std::vector<std::exception_ptr> matching;
    std::vector<std::exception_ptr> rest;
    std::vector<std::exception_ptr> members;
    for (const std::exception_ptr& e : exceptions_) {
        if (is_group(e, members)) {
            const auto inner = exception_group(members).template split<E>();
            if (inner.first) matching.push_back(std::make_exception_ptr(*inner.first));
            if (inner.second) rest.push_back(std::make_exception_ptr(*inner.second));
        } else {
            (matches<E>(e) ? matching : rest).push_back(e);
        }
    }
    std::pair<std::optional<exception_group>, std::optional<exception_group>> sides;
    if (!matching.empty()) sides.first.emplace(std::move(matching));
    if (!rest.empty()) sides.second.emplace(std::move(rest));
    return sides;
}

template <class E, class Fn>
std::size_t exception_group::handle_in(std::vector<std::exception_ptr>& members, Fn& fn) {
    std::size_t handled = 0;
    std::vector<std::exception_ptr> inner;
    for (std::size_t i = 0; i < members.size();) {
        if (is_group(members[i], inner)) {
            std::size_t count = 0;
            try {
                count = handle_in<E>(inner, fn);
            } catch (...) {  // thrown by fn: what it has handled before is gone all the same
                members[i] = std::make_exception_ptr(exception_group(inner));
                throw;
            }
            handled += count;
            if (inner.empty()) {
                members.erase(members.begin() + static_cast<std::ptrdiff_t>(i));
                continue;
            }
            if (count != 0) members[i] = std::make_exception_ptr(exception_group(inner));
            ++i;
            continue;
        }
        bool taken = false;
        try {
            std::rethrow_exception(members[i]);
        } catch (E& e) {
            fn(e);
            taken = true;
        } catch (...) {  // not an E; what fn throws passes by this handler
        }
        if (taken) {
            ++handled;
            members.erase(members.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
    return handled;
}

template <class E, class Fn>
std::size_t exception_group::handle(Fn&& fn) {
    return handle_in<E>(exceptions_, fn);
}

inline void exception_group::rethrow_if_single() const {
    if (exceptions_.size() == 1) std::rethrow_exception(exceptions_.front());
    throw exception_group(exceptions_);
}

}  // namespace tandem::inline TANDEM_ABI
