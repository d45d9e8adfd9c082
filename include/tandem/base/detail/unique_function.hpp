// tandem - move-only callable of any kind: what std::function is to copyable ones, and cheaper to include
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class Signature>
class unique_function;

template <class R, class... Args>
class unique_function<R(Args...)> {
public:
    unique_function() noexcept = default;
    unique_function(std::nullptr_t) noexcept {}
    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, unique_function> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>) unique_function(F&& fn)
        : held_(new holder<std::decay_t<F>>(std::forward<F>(fn))) {}
    unique_function(unique_function&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    unique_function& operator=(unique_function&& other) noexcept {
        unique_function moved(std::move(other));
        std::swap(held_, moved.held_);
        return *this;
    }
    ~unique_function() { delete held_; }

    explicit operator bool() const noexcept { return held_ != nullptr; }
    R operator()(Args... args) const { return held_->call(std::forward<Args>(args)...); }

private:
    struct base {
        base() noexcept = default;
        base(const base&) = delete;
        base& operator=(const base&) = delete;
        virtual ~base() = default;
        virtual R call(Args... args) = 0;
    };
    template <class F>
    struct holder final : base {
        template <class G>
        explicit holder(G&& fn) : function(std::forward<G>(fn)) {}
        R call(Args... args) override { return function(std::forward<Args>(args)...); }
        F function;
    };

    base* held_ = nullptr;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
